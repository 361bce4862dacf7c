/**
 * A node asks the storage whether it still has a key before it stores a result, and so do the nodes of Effect. The checks
 * that come together are one: each is a statement that commits, and they run one after the other on one connection.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { now } from "../base/now.ts"
import {
  type ClusterError,
  type Message,
  type MessageStorage,
  type RunnerAddress,
  RunnerStorage,
  type ShardId,
  ShardingConfig
} from "../engine.ts"
import { type Entry, Groups } from "./groups.ts"

interface Check {
  /** That of this node. */
  readonly address: RunnerAddress.RunnerAddress
  readonly shards: ReadonlyArray<ShardId.ShardId>
}

type Held = Array<ShardId.ShardId>
type PersistenceError = ClusterError.PersistenceError

/** The locks of this node, as the storage has confirmed them. */
export interface Locks {
  /** Asks the storage which of these shards a node has. */
  readonly confirm: (
    address: RunnerAddress.RunnerAddress,
    shards: ReadonlyArray<ShardId.ShardId>
  ) => Effect.Effect<Held, PersistenceError>
  /** Which of these shards another node may have by now: their locks may have expired, as this node was frozen, say. */
  readonly doubtful: (shards: Iterable<ShardId.ShardId>) => Effect.Effect<ReadonlyArray<ShardId.ShardId>>
}

/** A process on its own has all shards. */
export const CurrentLocks: Context.Reference<Locks | undefined> = Context.Reference<Locks | undefined>(
  "troupe/cluster/Locks",
  { defaultValue: () => undefined }
)

export const layer: Layer.Layer<
  RunnerStorage.RunnerStorage,
  never,
  RunnerStorage.RunnerStorage | ShardingConfig.ShardingConfig
> = Layer.effectContext(
  Effect.gen(function* () {
    const storage = yield* RunnerStorage.RunnerStorage
    const { shardLockExpiration } = yield* ShardingConfig.ShardingConfig
    const expiration = Duration.toMillis(Duration.fromInputUnsafe(shardLockExpiration))
    const groups = new Groups<Check, Held, PersistenceError>(
      {
        work: (group) =>
          Effect.map(Effect.exit(storage.refresh(group[0]!.item.address, shardsOf(group))), ownOf(group)),
        // One at a time: what a later check finds is not older than what an earlier one has found.
        atOnce: 1
      },
      yield* Effect.context<never>()
    )
    /** Until when no other node can have a shard. */
    const until = new Map<string, number>()
    const confirming = (held: Effect.Effect<Held, PersistenceError>) =>
      Effect.flatMap(now, (began) =>
        Effect.map(held, (shards) => {
          for (const shard of shards) until.set(String(shard), began + expiration)
          return shards
        })
      )
    const refresh: typeof storage.refresh = (address, shardIds) => {
      const shards = [...shardIds]
      // Without a shard it asks whether the storage is there.
      return shards.length === 0 ? storage.refresh(address, shards) : confirming(groups.do({ address, shards }))
    }
    const locks: Locks = {
      confirm: refresh,
      doubtful: (shards) =>
        Effect.map(now, (now) => [...new Set(shards)].filter((shard) => now >= (until.get(String(shard)) ?? 0)))
    }
    const acquire: typeof storage.acquire = (address, shards) => confirming(storage.acquire(address, shards))
    return Context.make(RunnerStorage.RunnerStorage, { ...storage, acquire, refresh }).pipe(
      Context.add(CurrentLocks, locks)
    )
  })
)

/** Hands the locks on to what is made with the node. */
export const layerCurrent: Layer.Layer<never> = Layer.effect(CurrentLocks)(CurrentLocks)

type Storage = MessageStorage.MessageStorage["Service"]

/**
 * The storage of a node that gives back what it has read of shards that it does not have. A node that was frozen may read
 * before it knows: nobody else would find these calls for ten minutes then. What it reads while it has a shard, the next
 * node finds when it acquires the shard.
 */
export const reading = (storage: Storage, locks: Locks, address: RunnerAddress.RunnerAddress): Storage => ({
  ...storage,
  unprocessedMessages: (shards, options) =>
    Effect.gen(function* () {
      const messages = yield* storage.unprocessedMessages(shards, options)
      const doubtful = yield* locks.doubtful(messages.map(({ envelope }) => envelope.address.shardId))
      if (doubtful.length === 0) return messages
      const held = yield* locks.confirm(address, doubtful)
      const isLost = ({ envelope: { address } }: Message.Incoming<any>) =>
        doubtful.includes(address.shardId) && !held.includes(address.shardId)
      const lost = messages.filter(isLost)
      if (lost.length > 0) yield* storage.resetRequests(lost.map(({ envelope }) => envelope.requestId))
      return messages.filter((message) => !isLost(message))
      // A node that leaves as soon as it goes on gives them back, too.
    }).pipe(Effect.uninterruptible)
})

type Group = ReadonlyArray<Entry<Check, Held, PersistenceError>>

const shardsOf = (group: Group): Set<ShardId.ShardId> => new Set(group.flatMap(({ item }) => item.shards))

/** To each check what it asked for. */
const ownOf =
  (group: Group) =>
  (held: Exit.Exit<Held, PersistenceError>): ReadonlyArray<Exit.Exit<Held, PersistenceError>> =>
    group.map(({ item }) => Exit.map(held, (held) => item.shards.filter((shard) => held.includes(shard))))
