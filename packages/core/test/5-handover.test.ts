/**
 * The turn between the end of a call and the moment at which others get what it leaves.
 */
import { assert, describe, it } from "@effect/vitest"
import { Actor, ObjectRef } from "@troupe/core"
import { Effect, Fiber, Latch, Random, Scheduler } from "effect"
import { TestClock } from "effect/testing"
import { fork, Probe, reasonOf, seeded, settle } from "./support.ts"

class Tight extends Actor.Service<Tight>()("test/Tight", {
  maxPendingCalls: 2,
  overflow: "suspend",
  shutdownTimeout: 0,
  make: Effect.succeed({ run: <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> => effect })
}) {}

class Rooms extends Actor.Keyed<Rooms>()("test/Rooms", {
  maxPendingCalls: 1,
  overflow: "suspend",
  idleTimeToLive: "1 minute",
  make: (_key: string) => {
    let calls = 0
    const count = Effect.sync(() => ++calls)
    return Effect.succeed({ count: (work: Effect.Effect<unknown>) => Effect.andThen(work, count) })
  }
}) {}

describe("5.6 before what a call left is handed on", () => {
  /** A call cancels another, and asks its actor for more while there is room that belongs to the one who waits. */
  const scene = (maxConcurrency: number) =>
    Effect.gen(function* () {
      const start = yield* Latch.make()
      const tight = yield* Tight.options({ maxConcurrency }).spawn()
      const first = yield* fork(
        tight.run(
          Effect.gen(function* () {
            yield* start.await
            yield* ObjectRef.cancel(other)
            return yield* tight.run(Effect.succeed("second"))
          })
        )
      )
      const other = yield* tight.run.remote(Effect.never)
      const suspended = yield* fork(tight.run(Effect.succeed("suspended")))
      yield* settle
      yield* start.open
      yield* settle
      return { first, suspended }
    })

  it.effect("a call that waits for room is in no deadlock, if it gets room then", () =>
    Effect.gen(function* () {
      const { first, suspended } = yield* scene(2)
      assert.strictEqual(yield* Fiber.join(first), "second")
      assert.strictEqual(yield* Fiber.join(suspended), "suspended")
    })
  )

  it.effect("a call that waits for room is in no deadlock yet, and is in one if it gets none then", () =>
    Effect.gen(function* () {
      const { first, suspended } = yield* scene(1)
      assert.strictEqual((yield* reasonOf(Fiber.join(first)))._tag, "Deadlock")
      assert.strictEqual(yield* Fiber.join(suspended), "suspended")
    })
  )

  it.effect("calls that end, are cancelled and ask their own actor never wait for room for ever", () =>
    seeded(
      Effect.gen(function* () {
        for (let round = 0; round < 30; round++) {
          const tight = yield* Tight.options({ maxConcurrency: 1, maxPendingCalls: 3 }).spawn()
          const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
          for (let n = 0; n < 60; n++) {
            const turns = Effect.repeat(Effect.yieldNow, { times: yield* Random.nextIntBetween(0, 5) })
            const ended = fibers[yield* Random.nextIntBetween(0, 200)]
            if (ended !== undefined) yield* Effect.forkChild(Fiber.interrupt(ended))
            const asks = yield* Random.nextBoolean
            fibers.push(yield* fork(tight.run(asks ? tight.run(turns) : turns)))
            yield* turns
          }
          yield* Effect.repeat(settle, { times: 60 })
          const open = fibers.filter((fiber) => fiber.pollUnsafe() === undefined)
          assert.strictEqual(open.length, 0, `round ${round}`)
        }
      })
    )
  )

  it.effect("an instance of a key is not idle: the caller who waits for room finds its state", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const room = yield* Rooms.get("a")
      assert.strictEqual(yield* room.count(Effect.void), 1)
      const ended = yield* room.count.remote(Effect.never)
      yield* settle
      const next = yield* fork(room.count(probe.gate("next")))
      yield* settle
      yield* ObjectRef.cancel(ended)
      yield* settle
      yield* TestClock.adjust("2 minutes")
      yield* probe.open("next")
      assert.strictEqual(yield* Fiber.join(next), 2)
      assert.strictEqual(yield* room.count(Effect.void), 3)
    }).pipe(Effect.provide(Rooms.layer))
  )

  it.effect("an instance of a key whose callers all leave is idle afterwards, and ends when its time is over", () =>
    Effect.gen(function* () {
      const room = yield* Rooms.get("a")
      const ended = yield* room.count.remote(Effect.never)
      const next = yield* fork(room.count(Effect.void))
      yield* settle
      const cancel = yield* fork(ObjectRef.cancel(ended))
      yield* Fiber.interrupt(next)
      yield* Fiber.join(cancel)
      yield* settle
      assert.deepStrictEqual(yield* Effect.flatMap(Rooms, (rooms) => rooms.keys), ["a"])
      yield* TestClock.adjust("1 minute")
      yield* settle
      assert.deepStrictEqual(yield* Effect.flatMap(Rooms, (rooms) => rooms.keys), [])
    }).pipe(Effect.provide(Rooms.layer))
  )

  it.effect("a scheduler may throw: another one hands it on", () =>
    Effect.gen(function* () {
      let throws = false
      const schedulers = new Scheduler.MixedScheduler()
      const bad: Scheduler.Scheduler = {
        executionMode: "async",
        shouldYield: () => false,
        makeDispatcher: () => {
          if (throws) throw new Error("no dispatcher")
          return schedulers.makeDispatcher()
        }
      }
      const tight = yield* Tight.options({ maxConcurrency: 1 }).spawn()
      const ended = yield* Effect.provideService(tight.run.remote(Effect.never), Scheduler.Scheduler, bad)
      yield* settle
      const next = yield* tight.run.remote(Effect.succeed("next"))
      throws = true
      yield* ObjectRef.cancel(ended)
      assert.strictEqual(yield* next, "next")
    })
  )
})
