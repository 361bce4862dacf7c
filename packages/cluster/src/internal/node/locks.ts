/**
 * A node asks the storage whether it still has a key before it stores a result, and so do the nodes of Effect. The checks
 * that come together are one: each is a statement that commits, and they run one after the other on one connection.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { type ClusterError, type RunnerAddress, RunnerStorage, type ShardId } from "../engine.ts"
import { type Entry, Groups } from "./groups.ts"

interface Check {
  /** That of this node. */
  readonly address: RunnerAddress.RunnerAddress
  readonly shards: ReadonlyArray<ShardId.ShardId>
}

type Held = Array<ShardId.ShardId>
type PersistenceError = ClusterError.PersistenceError

export const layer: Layer.Layer<RunnerStorage.RunnerStorage, never, RunnerStorage.RunnerStorage> = Layer.effect(
  RunnerStorage.RunnerStorage
)(
  Effect.gen(function* () {
    const storage = yield* RunnerStorage.RunnerStorage
    const groups = new Groups<Check, Held, PersistenceError>(
      {
        work: (group) =>
          Effect.map(Effect.exit(storage.refresh(group[0]!.item.address, shardsOf(group))), ownOf(group)),
        // One at a time: what a later check finds is not older than what an earlier one has found.
        atOnce: 1
      },
      yield* Effect.context<never>()
    )
    return {
      ...storage,
      refresh: (address, shardIds) => {
        const shards = [...shardIds]
        // Without a shard it asks whether the storage is there.
        return shards.length === 0 ? storage.refresh(address, shards) : groups.do({ address, shards })
      }
    }
  })
)

/** Asks the storage whether a node has a shard. */
export type Confirm = (
  address: RunnerAddress.RunnerAddress,
  shard: ShardId.ShardId
) => Effect.Effect<boolean, PersistenceError>

/** A process on its own has all shards. */
export const CurrentConfirm: Context.Reference<Confirm | undefined> = Context.Reference<Confirm | undefined>(
  "troupe/cluster/Confirm",
  { defaultValue: () => undefined }
)

export const layerConfirm: Layer.Layer<never, never, RunnerStorage.RunnerStorage> = Layer.effect(CurrentConfirm)(
  Effect.map(
    RunnerStorage.RunnerStorage,
    (storage) => (address, shard) => Effect.map(storage.refresh(address, [shard]), (held) => held.includes(shard))
  )
)

type Group = ReadonlyArray<Entry<Check, Held, PersistenceError>>

const shardsOf = (group: Group): Set<ShardId.ShardId> => new Set(group.flatMap(({ item }) => item.shards))

/** To each check what it asked for. */
const ownOf =
  (group: Group) =>
  (held: Exit.Exit<Held, PersistenceError>): ReadonlyArray<Exit.Exit<Held, PersistenceError>> =>
    group.map(({ item }) => Exit.map(held, (held) => item.shards.filter((shard) => held.includes(shard))))
