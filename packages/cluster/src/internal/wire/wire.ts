/**
 * From a contract to an entity: what crosses the wire, and under which names.
 */
import type { AnyContract, AnyContractMethod } from "@troupe/core/Actor"
import { ActorError } from "@troupe/core/ActorError"
import { FellBehind, Resync } from "@troupe/core/Broadcast"
import * as ContractShape from "@troupe/core/ContractShape"
import * as Home from "@troupe/core/Home"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import { memoize } from "effect/Function"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { contained, issueIn } from "../base/contained.ts"
import { escape, unescape } from "../base/keyText.ts"
import { type Codec, codecOf } from "../base/writable.ts"
import { ClusterSchema, Entity, Rpc, RpcGroup } from "../engine.ts"
import { Width } from "../engineInternals.ts"
import { type Annotation, read } from "./delivery.ts"
import { SentDefect } from "./received.ts"

/** An actor that is defined by a contract, as far as a home needs to know it. */
export interface Contracted {
  readonly key: string
  readonly methods: AnyContract
  /** How keys are written. Keyed actors have it, and no others do. */
  readonly keySchema?: Schema.Top | undefined
  readonly nodeGroup?: string | undefined
}

/** The group of nodes that an actor belongs to that does not say so. */
export const DEFAULT_GROUP = "default"

export interface WireMethod {
  readonly name: string
  readonly delivery: Annotation
  readonly stream: boolean
  readonly isSubscription: boolean
  readonly rpc: Rpc.AnyWithProps
  /** How what is stored of its calls is written. */
  readonly codecs: Codecs
}

/** What a request knows of the contract that its caller has. */
export interface ContractMethod {
  readonly actor: string
  readonly name: string
  readonly durable: boolean
  readonly shape: () => ContractShape.ContractShape
}

/** The method that a request calls, in its annotations. The requests of our own have none. */
export const CalledMethod: Context.Reference<ContractMethod | undefined> = Context.Reference<
  ContractMethod | undefined
>("troupe/cluster/CalledMethod", { defaultValue: () => undefined })

export interface Codecs {
  readonly args: ReadonlyArray<Codec>
  readonly success: Codec
  readonly error: Codec
}

export interface Wire {
  readonly actor: string
  readonly keyed: boolean
  /** The nodes that have it. */
  readonly group: string
  readonly methods: ReadonlyArray<WireMethod>
  /** What crosses, for processes with another version of the contract. */
  readonly shape: () => ContractShape.ContractShape
  readonly entity: Entity.Entity<string, any>
  /** The id of the entity for a key, or why there is none. What has no keys has one id: its own. */
  writeKey(key: unknown): Result.Result<string, string>
  /** The same, and back. They throw where there is none. */
  encodeKey(key: unknown): string
  decodeKey(entityId: string): unknown
}

const { entityId: MAX_KEY, entityType: MAX_ACTOR, tag: MAX_METHOD } = Width

/** Ends the instance of a key. No method can have this name: a `~` is no part of an identifier. */
export const STOP = "~stop"
/** Brings up the instance, and does nothing else. */
export const WAKE = "~wake"

/** The wire of an actor. One per actor, so that all who speak of it mean the same entity. */
export const of = memoize((actor: Contracted): Wire => {
  const id = checkActor(actor)
  const keyed = "keySchema" in actor
  let known: ContractShape.ContractShape | undefined
  const shape = () => (known ??= ContractShape.of(actor))
  const methods = Object.entries(actor.methods).map(([name, method]) => makeMethod({ actor: id, name, shape }, method))
  const nodeGroup = actor.nodeGroup ?? DEFAULT_GROUP
  const rpcs = RpcGroup.make(
    ...methods.map(({ rpc }) => rpc as unknown as Rpc.Any),
    Rpc.make(STOP, { error: ActorError }),
    Rpc.make(WAKE, { error: ActorError })
  )
  const protocol = nodeGroup === DEFAULT_GROUP ? rpcs : rpcs.annotate(ClusterSchema.ShardGroup, () => nodeGroup)
  return {
    actor: id,
    keyed,
    group: nodeGroup,
    methods,
    shape,
    entity: Entity.fromRpcGroup(id, protocol) as unknown as Entity.Entity<string, any>,
    ...(keyed
      ? keys(id, actor.keySchema ?? Schema.String)
      : { writeKey: () => Result.succeed(id), encodeKey: () => id, decodeKey: () => id })
  }
})

const checkActor = (actor: Contracted): string => {
  const { key, methods } = actor ?? {}
  if (typeof key !== "string" || typeof methods !== "object") {
    throw new TypeError(
      `${String(key ?? actor)}: an actor needs a contract to leave the process: define it with "methods" instead of "make"`
    )
  }
  if (key.length <= MAX_ACTOR) return key
  throw new RangeError(`${key}: in a cluster the id of an actor has at most ${MAX_ACTOR} characters`)
}

const makeMethod = (called: Omit<ContractMethod, "durable">, method: AnyContractMethod): WireMethod => {
  const { actor, name } = called
  const delivery = read(method)
  const { stream, subscription, ...parts } = method as unknown as {
    readonly args: ReadonlyArray<Schema.Top>
    readonly success: Schema.Top
    readonly error: Schema.Top
    readonly stream: boolean
    readonly subscription?: true
  }
  const args = parts.args.map(contained)
  const success = contained(parts.success)
  if (name.length > MAX_METHOD) {
    throw new RangeError(`${actor}.${name}: in a cluster the name of a method has at most ${MAX_METHOD} characters`)
  }
  const error = Schema.Union([ActorError, ...Home.errorsOf(parts.error).map(contained)])
  const common = { success, error, defect: SentDefect }
  const positional = Schema.Tuple(args)
  const rpc =
    delivery.kind === "durable"
      ? Rpc.make(name, {
          ...common,
          payload: { id: Schema.String, args: positional },
          primaryKey: ({ id }: { readonly id: string }) => escape(id)
        })
          .annotate(ClusterSchema.Persisted, true)
          // A caller that goes away leaves the call alone. One that cancels says so (see `caller.ts`).
          .annotate(ClusterSchema.Uninterruptible, "client")
      : subscription
        ? reading(name, success, error)
        : Rpc.make(name, { ...common, payload: positional, stream })
  const codecs = { args: args.map(codecOf), success: codecOf(success), error: codecOf(error) }
  const annotated = (rpc as Rpc.Any & typeof rpc).annotate(CalledMethod, {
    ...called,
    durable: delivery.kind === "durable"
  })
  return {
    name,
    delivery,
    stream,
    isSubscription: subscription === true,
    rpc: annotated as unknown as Rpc.AnyWithProps,
    codecs
  }
}

/** What a reader says, and what it gets. */
const reading = (name: string, item: Schema.Top, error: Schema.Union<ReadonlyArray<Schema.Top>>) => {
  const reader = Schema.Struct({
    maxPendingItems: Schema.optionalKey(Schema.Number),
    overflow: Schema.optionalKey(Schema.String),
    keepAlive: Schema.optionalKey(Schema.Boolean),
    notice: Schema.optionalKey(Resync.fields.reason)
  })
  const got = Schema.Struct({ resync: Schema.NullOr(Resync), item: Schema.optionalKey(item) })
  return (
    Rpc.make(name, {
      success: got,
      error: Schema.Union([...error.members, FellBehind]),
      defect: SentDefect,
      payload: Schema.Tuple([reader]),
      stream: true
    })
      // It would go on for as long as its node waits for calls to finish, which is for ever.
      .annotate(ClusterSchema.InterruptOnTermination, true)
  )
}

const keys = (actor: string, schema: Schema.Top) => {
  const codec = codecOf(schema)
  const encode = Schema.encodeUnknownSync(codec)
  const decode = Schema.decodeUnknownSync(codec)
  // Strings stay readable in storage and logs.
  const isText = Schema.toEncoded(codec).ast._tag === "String"
  const writeKey = (key: unknown): Result.Result<string, string> => {
    let encoded: unknown
    try {
      encoded = encode(key)
    } catch (cause) {
      return Result.fail(`its key does not fit the key schema: ${issueIn(cause)}`)
    }
    const entityId = isText ? escape(encoded as string) : JSON.stringify(encoded)
    if (entityId === "") return Result.fail("its key is empty: in a cluster a key has at least one character")
    if (entityId.length <= MAX_KEY) return Result.succeed(entityId)
    return Result.fail(
      `its key is too long: in a cluster a key is written with at most ${MAX_KEY} characters, and this one with ${entityId.length}`
    )
  }
  const encodeKey = (key: unknown): string =>
    Result.getOrThrowWith(writeKey(key), (why) => new TypeError(`${actor}(${Home.keyText(key)}): ${why}`))
  return {
    writeKey,
    encodeKey,
    decodeKey: (entityId: string): unknown => decode(isText ? unescape(entityId) : JSON.parse(entityId))
  }
}

/** What the client of an entity looks like to us, who know its methods at run time only. */
export type Client = (entityId: string) => {
  readonly [method: string]: (payload: unknown, options?: object) => Effect.Effect<any, any>
}
