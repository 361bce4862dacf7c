/**
 * From a contract to rpcs: what crosses, and under which names.
 */
import type { AnyContract } from "@troupe/core/Actor"
import { ActorError } from "@troupe/core/ActorError"
import { FellBehind, Resync } from "@troupe/core/Broadcast"
import * as ContractShape from "@troupe/core/ContractShape"
import * as Home from "@troupe/core/Home"
import { memoize } from "effect/Function"
import * as Schema from "effect/Schema"
import { makeRpc, type Rpc } from "../engine.ts"

/** An actor that is defined by a contract, as far as a home needs to know it. */
export interface Contracted {
  readonly key: string
  readonly methods: AnyContract
  /** How keys are written. Keyed actors have it, and no others do. */
  readonly keySchema?: Schema.Top | undefined
}

export interface WireMethod {
  readonly actor: string
  readonly name: string
  readonly stream: boolean
  readonly isSubscription: boolean
  readonly rpc: Rpc.AnyWithProps
}

export interface Wire {
  /** The class, which is the key of its service, too. */
  readonly of: Contracted
  readonly actor: string
  readonly keyed: boolean
  readonly methods: ReadonlyMap<string, WireMethod>
  /** What crosses, for those with another version of the contract. */
  readonly shape: () => ContractShape.ContractShape
}

/** What one call says: the key of a keyed actor, and the arguments, or what a reader asks for. */
export interface Payload {
  readonly key?: unknown
  readonly args?: ReadonlyArray<unknown>
  readonly reader?: { readonly notice?: Resync["reason"] } & Readonly<Record<string, unknown>>
}

/** Makes the wire of an actor. One per actor and side, since codecs are made once for each rpc. */
export const of = (defect: Schema.Codec<unknown, Schema.Json>) =>
  memoize((actor: Contracted): Wire => make(actor, defect))

const make = (actor: Contracted, defect: Schema.Codec<unknown, Schema.Json>): Wire => {
  const { key: id, methods } = actor ?? {}
  if (typeof id !== "string" || typeof methods !== "object")
    throw new TypeError(
      `${Home.show(id ?? actor)}: an actor needs a contract to be called from elsewhere: define it with "methods" instead of "make"`
    )
  const keyed = "keySchema" in actor
  const key = keyed ? { key: actor.keySchema ?? Schema.String } : {}
  let shape: ContractShape.ContractShape | undefined
  return {
    of: actor,
    actor: id,
    keyed,
    shape: () => (shape ??= ContractShape.of(actor)),
    methods: new Map(
      Object.entries(methods).map(([name, method]) => [name, makeMethod(id, name, key, defect, method as any)])
    )
  }
}

/** The name under which a method of an actor is called. */
export const tagOf = (actor: string, method: string): string => `${actor}.${method}`

interface Parts {
  readonly args: ReadonlyArray<Schema.Top>
  readonly success: Schema.Top
  readonly error: Schema.Top
  readonly stream: boolean
  readonly subscription?: true
}

const Reader = Schema.Struct({
  maxPendingItems: Schema.optionalKey(Schema.Number),
  overflow: Schema.optionalKey(Schema.Literals(["dropOldest", "suspend", "fail"])),
  keepAlive: Schema.optionalKey(Schema.Boolean),
  notice: Schema.optionalKey(Resync.fields.reason)
})

const makeMethod = (
  actor: string,
  name: string,
  key: { readonly key?: Schema.Top },
  defect: Schema.Codec<unknown, Schema.Json>,
  { args, error, stream, subscription, success }: Parts
): WireMethod => {
  const isSubscription = subscription === true
  const errors = [ActorError, ...Home.errorsOf(error)]
  const rpc = isSubscription
    ? makeRpc(tagOf(actor, name), {
        payload: { ...key, reader: Schema.optionalKey(Reader) },
        success: Schema.Union([Schema.Struct({ resync: Resync }), Schema.Struct({ item: success })]),
        error: Schema.Union([...errors, FellBehind]),
        defect,
        stream: true
      })
    : makeRpc(tagOf(actor, name), {
        payload: { ...key, ...(args.length === 0 ? undefined : { args: Schema.Tuple(args) }) },
        success,
        error: Schema.Union(errors),
        defect,
        stream
      })
  return { actor, name, stream, isSubscription, rpc: rpc as unknown as Rpc.AnyWithProps }
}
