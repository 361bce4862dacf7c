/**
 * A call that a node has claimed and does not have is read again soon.
 *
 * A read claims the calls that it finds: for ten minutes no read finds them again. So nobody has them where the answer to
 * a read was lost, or where the engine stopped in the middle of what it had read, as it could not store an answer. Nor
 * where a statement failed that was to give claims up: those of a node that died, or those of calls that came before their
 * actor was there. The engine does not try these again. So after any of them has failed, the claims of the node are given
 * up before its next read. The engine knows the calls that it has, and does not start them twice.
 *
 * A call whose result must not be stored, as the lock of its shard could not be confirmed, has its claim given up while it
 * ends. The engine has forgotten it by then, but could not start it before it has ended. So what a read finds of such calls
 * is given up again.
 */
import * as Effect from "effect/Effect"
import type { Message, MessageStorage, ShardId, Snowflake } from "../engine.ts"

type Storage = MessageStorage.MessageStorage["Service"]

/** The storage of a node. `giveUp` lets the calls of shards be read again. */
export const recovered = (storage: Storage, giveUp: Storage["resetShards"]): Storage => {
  /** The shards of which it has every call that is claimed. */
  const sound = new Set<string>()
  const areSound = (shards: ReadonlyArray<ShardId.ShardId>) =>
    Effect.sync(() => {
      for (const shard of shards) sound.add(String(shard))
    })
  const doubt = Effect.sync(() => sound.clear())
  /** Whoever interrupts a statement does not know either whether it was done. */
  const doubting = <A, E>(statement: Effect.Effect<A, E>) => Effect.onError(statement, () => doubt)
  /** The calls that are being given up. */
  const ending = new Set<ReadonlyArray<Snowflake.Snowflake>>()
  const isEnding = ({ envelope: { requestId } }: Message.Incoming<any>) =>
    [...ending].some((requestIds) => requestIds.includes(requestId))
  const withoutEnding = (messages: Array<Message.Incoming<any>>) => {
    const found = messages.filter(isEnding)
    if (found.length === 0) return Effect.succeed(messages)
    const rest = messages.filter((message) => !found.includes(message))
    return Effect.as(storage.resetRequests(found.map(idOf)), rest)
  }
  return {
    ...storage,
    unprocessedMessages: (shardIds, options) =>
      Effect.suspend(() => {
        const shards = [...shardIds]
        const doubtful = shards.filter((shard) => !sound.has(String(shard)))
        const read = doubting(Effect.flatMap(storage.unprocessedMessages(shards, options), withoutEnding))
        if (doubtful.length === 0) return read
        return Effect.andThen(Effect.andThen(giveUp(doubtful), areSound(doubtful)), read)
      }),
    resetShards: (shardIds) => {
      const shards = [...shardIds]
      return Effect.andThen(doubting(storage.resetShards(shards)), areSound(shards))
    },
    resetAddresses: (addresses) => doubting(storage.resetAddresses(addresses)),
    resetRequests: (requestIds) =>
      Effect.suspend(() => {
        ending.add(requestIds)
        const end = Effect.sync(() => ending.delete(requestIds))
        return Effect.ensuring(doubting(storage.resetRequests(requestIds)), end)
      }),
    saveReply: (reply) => Effect.tapErrorTag(storage.saveReply(reply), "PersistenceError", () => doubt)
  }
}

/** What is sent about a request has an id of its own. */
const idOf = ({ envelope }: Message.Incoming<any>): Snowflake.Snowflake =>
  envelope._tag === "Request" ? envelope.requestId : envelope.id
