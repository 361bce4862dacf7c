/**
 * Who this process is in its cluster, and which nodes there are.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { RunnerStorage, type ShardId, Sharding } from "../engine.ts"
import { type Address, nameOf } from "../net/address.ts"

export interface Members {
  /** This process, if it is a node. */
  readonly self: string | undefined
  readonly nodes: Effect.Effect<ReadonlyArray<string>, unknown>
  /** The shards that this node has just now. */
  readonly shards: () => ReadonlyArray<string>
}

/** A process on its own is in no cluster. */
export const CurrentMembers: Context.Reference<Members | undefined> = Context.Reference<Members | undefined>(
  "troupe/cluster/Members",
  { defaultValue: () => undefined }
)

export const layer = (
  shards: ReadonlyArray<ShardId.ShardId>,
  self: Address | undefined
): Layer.Layer<never, never, RunnerStorage.RunnerStorage | Sharding.Sharding> =>
  Layer.effect(CurrentMembers)(
    Effect.gen(function* () {
      const storage = yield* RunnerStorage.RunnerStorage
      const sharding = yield* Sharding.Sharding
      return {
        self: self && nameOf(self),
        nodes: Effect.map(storage.getRunners, (runners) => runners.map(([{ address }]) => nameOf(address)).sort()),
        shards: () => shards.filter((shard) => sharding.hasShardId(shard)).map(String)
      }
    })
  )
