/**
 * Readers elsewhere: what is published is written once, however many of them read it.
 *
 * To `RpcServer` a reader is a call, which ends with the reader. It would write each item anew for each of them, and keep a
 * pipeline of streams for each.
 */
import { isResync } from "@troupe/core/Broadcast"
import * as Home from "@troupe/core/Home"
import * as Channel from "effect/Channel"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type { WireMethod } from "../wire/wire.ts"
import { codecFor } from "./codecs.ts"
import { type Rpc, RpcGroup, type RpcSchema } from "./engine.ts"
import type { Peer, UnderWay } from "./peer.ts"

/** How the items of a subscription are written, and the gaps between them. */
export type Write = (read: unknown) => Effect.Effect<string, unknown>

export const writerOf = ({ rpc }: WireMethod): Write => {
  const { success } = rpc.successSchema as RpcSchema.Stream<Schema.Top, Schema.Top>
  const encode = Schema.encodeUnknownEffect(codecFor(success)) as (read: unknown) => Effect.Effect<unknown, any>
  const write = (item: unknown) => Effect.flatMapEager(encode(crossing(item)), textOf)
  return (read) => (Home.isPublication(read) ? read.as(write, write) : write(read))
}

const textOf = (json: unknown): Exit.Exit<string, unknown> => {
  try {
    return Exit.succeed(JSON.stringify(json))
  } catch (error) {
    return Exit.fail(error)
  }
}

export const crossing = (item: unknown): object => (isResync(item) ? { resync: item } : { item })

/** The rpcs as `RpcServer` serves them for us: of a reader it hears the end. */
export const served = (methods: ReadonlyArray<WireMethod>): RpcGroup.RpcGroup<any> =>
  RpcGroup.make(...methods.map(({ isSubscription, rpc }) => (isSubscription ? ending(rpc) : rpc) as any)) as any

const ending = (rpc: Rpc.AnyWithProps): unknown => {
  const { error } = rpc.successSchema as RpcSchema.Stream<Schema.Top, Schema.Top>
  return (rpc as any).setSuccess(Schema.Void).setError(error)
}

/** Tells a peer what a reader reads, until there is no more. */
export const feed = (
  items: Stream.Stream<unknown, unknown>,
  write: Write,
  peer: Peer,
  reader: UnderWay,
  unfit: (error: unknown) => unknown
): Effect.Effect<void, unknown> => {
  const tell = (texts: ReadonlyArray<string>) => {
    peer.sendItems(reader, texts)
    return peer.acknowledges ? reader.taken : peer.room
  }
  // Not `Stream.toPull`, whose pulls each take a lock and merge two contexts.
  const pulled = Effect.flatMap(Effect.scope, (scope) => Channel.toPullScoped(items.channel, scope))
  const fed = Effect.flatMap(pulled, (pull) => {
    const next: Effect.Effect<never, unknown> = Effect.flatMap(pull, (read) =>
      Effect.flatMap(Effect.flatMap(written(read, write, unfit), tell), () => next)
    )
    return next
  })
  return Pull.catchDone(Effect.scoped(fed), () => Effect.void) as Effect.Effect<void, unknown>
}

const written = (
  read: ReadonlyArray<unknown>,
  write: Write,
  unfit: (error: unknown) => unknown
): Effect.Effect<ReadonlyArray<string>, unknown> => {
  const texts: Array<string> = []
  for (const item of read) {
    const text = write(item) as Effect.Effect<string, unknown> | Exit.Exit<string, unknown>
    // What is written at once has been written: the same for all readers.
    if (!Exit.isExit(text) || !Exit.isSuccess(text)) return Effect.mapError(Effect.forEach(read, write), unfit)
    texts.push(text.value)
  }
  return Effect.succeed(texts)
}
