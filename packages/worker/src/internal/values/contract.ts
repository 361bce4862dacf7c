/**
 * The methods of a contract, made ready to cross.
 */
import type { AnyContractMethod } from "@troupe/core/Actor"
import { FellBehind, isResync, Resync } from "@troupe/core/Broadcast"
import { memoize } from "effect/Function"
import * as Schema from "effect/Schema"
import { argsCodec, type Codec, codecOf } from "./codec.ts"

/** What the classes that `Actor.Service` and `Actor.Keyed` make for a contract have at run time. */
export interface Contract {
  readonly key: string
  readonly methods: Readonly<Record<string, ContractMethod>>
  readonly keySchema?: Schema.Top | undefined
}

export interface ContractMethod extends AnyContractMethod {
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

/** The codecs of a contract's methods, in the order of their names. */
export const methodCodecs = ({ methods }: Contract): ReadonlyArray<MethodCodec> => codecsOf(methods)

const codecsOf = memoize(
  (methods: Contract["methods"]): ReadonlyArray<MethodCodec> =>
    Object.keys(methods)
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
)
