/**
 * Holds calls to the contract of their method. How that is done comes with `Actor.method`: what has no contract has none of
 * it in its bundle.
 */
import type { MethodSpec } from "./method.ts"

type Contract = NonNullable<MethodSpec["contract"]>

/** What is wrong, if anything: with the arguments of a call, and with its result or an item of its stream. */
export interface Checks {
  readonly args: (contract: Contract, args: ReadonlyArray<unknown>) => string | undefined
  readonly result: (contract: Contract, value: unknown) => string | undefined
}

let checks: Checks

/** Says how, before there is a contract. */
export const holdTo = (those: Checks): void => {
  checks = those
}

export const checkArgs: Checks["args"] = (contract, args) => checks.args(contract, args)

/** The call of a stream succeeds with nothing. Its items are checked one by one. */
export const checkSuccess: Checks["result"] = (contract, value) =>
  contract.stream ? undefined : checks.result(contract, value)

export const checkItem: Checks["result"] = (contract, item) => checks.result(contract, item)
