import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer } from "effect"
import { MessageStorage, RunnerAddress, RunnerStorage, ShardId, ShardingConfig } from "effect/cluster"
import { TestClock } from "effect/testing"
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
      const storage = yield* Effect.provide(
        RunnerStorage.RunnerStorage,
        Layer.provide(locks.layer, [stub, ShardingConfig.layer()])
      )
      const check = (...ids: ReadonlyArray<number>) => storage.refresh(address, ids.map(shard))
      const held = yield* Effect.all([check(1), check(2, 3), check(1), check(3)], { concurrency: "unbounded" })
      assert.deepStrictEqual(held, [[shard(1)], [shard(2)], [shard(1)], []])
      assert.deepStrictEqual(asked, [[shard(1), shard(2), shard(3)]])
      assert.deepStrictEqual(yield* check(2), [shard(2)])
    })
  )
})

describe("a node that reads calls of shards whose locks may have expired, since it was frozen", () => {
  it.effect("asks which it has, and gives back what it has read of the others", () =>
    Effect.gen(function* () {
      let held = [shard(1), shard(2)]
      let refreshed = 0
      const runners = Layer.succeed(RunnerStorage.RunnerStorage)({
        ...(yield* RunnerStorage.makeMemory),
        refresh: () =>
          Effect.sync(() => {
            refreshed++
            return held
          })
      })
      const config = ShardingConfig.layer({ shardLockExpiration: "2 seconds" })
      const context = yield* Layer.build(Layer.provide(locks.layer, [runners, config]))
      const own = Context.get(context, locks.CurrentLocks)!
      const call = (id: number) => ({ envelope: { requestId: id, address: { shardId: shard(id) } } })
      const given: Array<unknown> = []
      const storage = locks.reading(
        {
          ...MessageStorage.noop,
          unprocessedMessages: () => Effect.succeed([call(1), call(2)] as any),
          resetRequests: (ids) =>
            Effect.andThen(
              Effect.yieldNow,
              Effect.sync(() => void given.push(...ids))
            )
        },
        own,
        address
      )
      const read = Effect.map(storage.unprocessedMessages([shard(1), shard(2)]), (calls) =>
        calls.map(({ envelope }) => Number(envelope.requestId))
      )
      yield* own.confirm(address, [shard(1), shard(2)])
      yield* TestClock.adjust("1999 millis")
      assert.deepStrictEqual(yield* read, [1, 2])
      assert.strictEqual(refreshed, 1)
      held = [shard(2)]
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* read, [2])
      assert.deepStrictEqual(given, [1])
      assert.strictEqual(refreshed, 2)
      // Also if it leaves meanwhile.
      const reading = yield* Effect.forkChild(read, { startImmediately: true })
      yield* Fiber.interrupt(reading)
      assert.deepStrictEqual(given, [1, 1])
    })
  )
})
