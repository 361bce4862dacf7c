/**
 * A call that was made just now does not wait until all calls of other keys have been read that were stored before it.
 *
 * The engine reads what is stored in the order of storage, so many at a time. When there is more than it reads at a time,
 * the calls of those keys that were called since are read as well, again in the order of storage.
 */
import * as Effect from "effect/Effect"
import type { EntityAddress, MessageStorage, ShardId } from "../engine.ts"

type Storage = MessageStorage.MessageStorage["Service"]
type Address = EntityAddress.EntityAddress

/** For how many keys at a time: they are parameters of one statement. */
const MAX_ADDRESSES = 500
/** How often more is read at a time. */
const MAX_ROUNDS = 4
/** How many keys are kept. Some of them may be on other nodes, or on none yet. */
const MAX_KEPT = 2000

/** The storage of a node. */
export const first = (storage: Storage): Storage => {
  const called = new Called()
  return {
    ...storage,
    saveRequest: (message) => Effect.tap(storage.saveRequest(message), () => called.add([message.envelope.address])),
    // Another process has stored the call and waits for its answer.
    registerReplyHandler: (message) =>
      Effect.suspend(() => {
        if (message._tag === "IncomingRequest") called.addNow([message.envelope.address])
        return storage.registerReplyHandler(message)
      }),
    unprocessedMessages: (shardIds, options) => {
      const limit = options?.limit
      if (limit === undefined || options?.addresses !== undefined) return storage.unprocessedMessages(shardIds, options)
      return Effect.gen(function* () {
        const shards = [...shardIds]
        const addresses = called.take(shards)
        let messages = yield* storage.unprocessedMessages(shards, options)
        let isFull = messages.length >= limit
        // A key that has many calls fills a read by itself. The other keys are read without it, and go first.
        for (let round = 0; isFull && round < MAX_ROUNDS; round++) {
          const keys = keysOf(messages)
          const others = addresses.filter((address) => !keys.has(keyOf(address)))
          if (others.length === 0) return messages
          const more = yield* storage.unprocessedMessages(shards, { limit, addresses: others })
          isFull = more.length >= limit
          messages = [...more, ...messages]
        }
        if (isFull) {
          const keys = keysOf(messages)
          yield* called.add(addresses.filter((address) => !keys.has(keyOf(address))))
        }
        return messages
      })
    }
  }
}

type Messages = Effect.Success<ReturnType<Storage["unprocessedMessages"]>>

const keysOf = (messages: Messages): ReadonlySet<string> =>
  new Set(messages.map(({ envelope }) => keyOf(envelope.address)))

const keyOf = ({ entityId, entityType }: Address): string => `${entityType}\n${entityId}`

/** The keys that were called since the storage was read. One that is missing is read later, in its turn. */
class Called {
  private addresses = new Map<string, Address>()

  readonly add = (addresses: ReadonlyArray<Address>) => Effect.sync(() => this.addNow(addresses))

  addNow(addresses: ReadonlyArray<Address>): void {
    for (const address of addresses) this.addresses.set(keyOf(address), address)
    for (const key of this.addresses.keys()) {
      if (this.addresses.size <= MAX_KEPT) return
      this.addresses.delete(key)
    }
  }

  /** Some of those in these shards. */
  take(shards: ReadonlyArray<ShardId.ShardId>): ReadonlyArray<Address> {
    if (this.addresses.size === 0) return []
    const here = new Set(shards.map(String))
    const taken: Array<Address> = []
    for (const [key, address] of this.addresses) {
      if (taken.length === MAX_ADDRESSES) break
      if (here.has(String(address.shardId)) && this.addresses.delete(key)) taken.push(address)
    }
    return taken
  }
}
