/**
 * The methods of a contract, made ready to cross.
 */
import type { AnyContractMethod } from "@troupe/core/Actor"
import { FellBehind, isResync, Resync } from "@troupe/core/Broadcast"
import * as Home from "@troupe/core/Home"
import * as Schema from "effect/Schema"
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
  readonly subscription?: true | undefined
}

/** How the values of one method cross. */
export interface MethodCodec {
  readonly name: string
  /** Stands for the name in messages. */
  readonly index: number
  readonly stream: boolean
  readonly isSubscription: boolean
  readonly args: Codec
  readonly success: Codec
  readonly error: Codec
}

/** An item crosses in an array, and a gap as its fields. */
const withResync = (item: Codec): Codec => ({
  pack: (value) => (isResync(value) ? { reason: value.reason, missed: value.missed } : [item.pack(value)]),
  unpack: (packed: any) => (Array.isArray(packed) ? item.unpack(packed[0]) : resyncOf(packed))
})

const resyncOf = ({ missed, reason }: Resync) => new Resync(missed === undefined ? { reason } : { reason, missed })

/** Readers are refused with the errors of middleware. */
const withFellBehind = (error: Schema.Top): Schema.Top =>
  error.ast._tag === "Never" ? FellBehind : Schema.Union([FellBehind, error])

const known = new WeakMap<object, ReadonlyArray<MethodCodec>>()

/** The codecs of a contract's methods, in the order of their names. */
export const methodCodecs = ({ methods }: Contract): ReadonlyArray<MethodCodec> => {
  const before = known.get(methods)
  if (before !== undefined) return before
  const made = Object.keys(methods)
    .sort()
    .map((name, index) => {
      const { args, error, stream, subscription, success } = methods[name]!
      const method = { name, index, stream, args: argsCodec(args) }
      return subscription
        ? {
            ...method,
            isSubscription: true,
            success: withResync(codecOf(success)),
            error: codecOf(withFellBehind(error))
          }
        : { ...method, isSubscription: false, success: codecOf(success), error: codecOf(error) }
    })
  known.set(methods, made)
  return made
}

/** Why a thread that serves one contract cannot serve another, or `undefined` if it can. */
export const mismatch = (contract: Contract, serves: Home.ContractText): string | undefined => {
  if (serves.actor !== contract.key) return `it serves ${serves.actor}. Is it the right file?`
  const difference = Home.difference(Home.contractText(contract), serves, "in the thread")
  return difference && `the contract is not the same on both sides: ${difference}. Build both from the same sources.`
}
