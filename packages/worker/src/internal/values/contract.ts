/**
 * The methods of a contract, made ready to cross.
 */
import type { AnyContractMethod } from "@troupe/core/Actor"
import * as Home from "@troupe/core/Home"
import type * as Schema from "effect/Schema"
import type { Greeting } from "../wire/protocol.ts"
import { argsCodec, type Codec, codecOf } from "./codec.ts"

/** What the classes that `Actor.Service` and `Actor.Keyed` make for a contract have at run time. */
export interface Contract {
  readonly key: string
  readonly methods: Readonly<Record<string, ContractMethod>>
  readonly keySchema?: Schema.Top | undefined
}

interface ContractMethod extends AnyContractMethod {
  readonly args: ReadonlyArray<Schema.Top>
  readonly success: Schema.Top
  readonly error: Schema.Top
  readonly stream: boolean
}

/** How one method crosses. */
export interface Way {
  readonly name: string
  readonly index: number
  readonly stream: boolean
  readonly args: Codec
  readonly success: Codec
  readonly error: Codec
}

const ways = new WeakMap<object, ReadonlyArray<Way>>()

/** How the methods of a contract cross, in the order of their names: the index stands for the name. */
export const waysOf = ({ methods }: Contract): ReadonlyArray<Way> => {
  const known = ways.get(methods)
  if (known !== undefined) return known
  const made = Object.keys(methods)
    .sort()
    .map((name, index) => {
      const { args, error, stream, success } = methods[name]!
      return { name, index, stream, args: argsCodec(args), success: codecOf(success), error: codecOf(error) }
    })
  ways.set(methods, made)
  return made
}

/** Why a thread cannot serve a contract, if it cannot. */
export const mismatch = (contract: Contract, { serves }: Greeting): string | undefined => {
  if (serves.actor !== contract.key) return `it serves ${serves.actor}. Is it the right file?`
  const difference = Home.difference(Home.contractText(contract), serves, "in the thread")
  return difference && `the contract is not the same on both sides: ${difference}. Build both from the same sources.`
}
