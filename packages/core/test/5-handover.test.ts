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

  for (const [limit, expected] of [
    [2, "Success"],
    [1, "Failure"]
  ] as const) {
    it.effect(`so it is where the other call just succeeds: at ${limit} permits the call ends in ${expected}`, () =>
      Effect.gen(function* () {
        const gate = yield* Latch.make()
        const tight = yield* Tight.options({ maxConcurrency: 2 }).spawn()
        const other = yield* tight.run.remote(gate.await)
        const first = yield* fork(tight.run(Effect.andThen(other, tight.run(Effect.void))))
        const suspended = yield* fork(tight.run(Effect.void))
        yield* settle
        yield* Actor.resize(tight, limit)
        yield* gate.open
        yield* settle
        assert.strictEqual(first.pollUnsafe()?._tag, expected)
        assert.strictEqual(suspended.pollUnsafe()?._tag, "Success")
      })
    )
  }

  it.effect("calls that end, are cancelled and ask their own actor never wait for room for ever", () =>
    seeded(
      Effect.gen(function* () {
        for (let round = 0; round < 60; round++) {
          const limit = 1 + (round % 5)
          const tight = yield* Tight.options({ maxConcurrency: 1, maxPendingCalls: 1 + limit }).spawn()
          const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
          const gates: Array<Latch.Latch> = []
          for (let n = 0; n < 100; n++) {
            const gate = Latch.makeUnsafe()
            gates.push(gate)
            const choice = yield* Random.nextIntBetween(0, 8)
            if (choice < 3) fibers.push(yield* fork(tight.run(gate.await)))
            else if (choice < 5) fibers.push(yield* fork(tight.run(tight.run(Effect.void))))
            else if (choice === 5) {
              const some = fibers.splice(yield* Random.nextIntBetween(0, fibers.length + 1), 3)
              for (const fiber of some) fiber.interruptUnsafe()
            } else if (choice === 6) for (const open of gates.splice(0, n / 2)) open.openUnsafe()
            else yield* Effect.yieldNow
          }
          for (let n = 0; n < 20; n++) {
            for (const gate of gates) gate.openUnsafe()
            yield* settle
          }
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
