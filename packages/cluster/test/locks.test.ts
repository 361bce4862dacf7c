import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { RunnerAddress, RunnerStorage, ShardId } from "effect/cluster"
import * as locks from "../src/internal/node/locks.ts"

const shard = (id: number) => ShardId.make("default", id)
const address = RunnerAddress.make("127.0.0.1", 1)

describe("checks of locks", () => {
  it.effect("that come together ask the storage once, and each is told of its own shards", () =>
    Effect.gen(function* () {
      const asked: Array<ReadonlyArray<ShardId.ShardId>> = []
      const memory = yield* RunnerStorage.makeMemory
      const stub = Layer.succeed(RunnerStorage.RunnerStorage)({
        ...memory,
        refresh: (_, shards) =>
          Effect.sync(() => {
            asked.push([...shards])
            return [shard(1), shard(2)]
          })
      })
      const storage = yield* Effect.provide(RunnerStorage.RunnerStorage, Layer.provide(locks.layer, stub))
      const check = (...ids: ReadonlyArray<number>) => storage.refresh(address, ids.map(shard))
      const held = yield* Effect.all([check(1), check(2, 3), check(1), check(3)], { concurrency: "unbounded" })
      assert.deepStrictEqual(held, [[shard(1)], [shard(2)], [shard(1)], []])
      assert.deepStrictEqual(asked, [[shard(1), shard(2), shard(3)]])
      assert.deepStrictEqual(yield* check(2), [shard(2)])
    })
  )
})
