/**
 * A call whose reading went wrong is read again soon.
 *
 * A read claims the calls that it finds: for ten minutes no read finds them again. Where the storage has done that and its
 * answer got lost, nobody has the calls. So before the next read, the claims of the node are given up. The engine knows
 * the calls that it has, and does not start them twice.
 */
import * as Effect from "effect/Effect"
import type { MessageStorage } from "../engine.ts"

type Storage = MessageStorage.MessageStorage["Service"]

/** The storage of a node. */
export const recovered = (storage: Storage): Storage => {
  let lost = false
  return {
    ...storage,
    unprocessedMessages: (shardIds, options) =>
      Effect.suspend(() => {
        const read = Effect.onError(storage.unprocessedMessages(shardIds, options), () =>
          Effect.sync(() => {
            lost = true
          })
        )
        if (!lost) return read
        const given = Effect.map(storage.resetShards(shardIds), () => {
          lost = false
        })
        return Effect.andThen(given, read)
      })
  }
}
