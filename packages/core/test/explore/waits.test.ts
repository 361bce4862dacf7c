/**
 * Promises about waiting: blocking and combinators at the edge, deadlocks, timeouts, streams, tasks, and keys that make
 * room for others.
 */
import { assert, describe } from "@effect/vitest"
import { Actor, ActorError, Driver, ObjectRef, Task } from "@troupe/core"
import { it } from "@troupe/testing/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Schedule, type Scope, Stream } from "effect"

const schedules = 200
const range = (n: number): Array<number> => Array.from({ length: n }, (_, i) => i)

const reasonOf = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return "Success"
  const error: any = Cause.squash(exit.cause)
  return error instanceof ActorError.ActorError ? error.reason._tag : (error._tag ?? String(error))
}

class Worker extends Actor.Service<Worker>()("test/Waits", {
  make: Effect.succeed({
    work: (n: number) => Effect.as(Effect.yieldNow, n),
    sleep: (n: number) => Effect.as(Effect.sleep(n * 1000), n),
    fail: (n: number) => Effect.andThen(Effect.yieldNow, Effect.fail(n))
  })
}) {}

const atTheEdge = <A, E>(effect: Effect.Effect<A, E, Scope.Scope | Driver.Driver>) =>
  Effect.provide(effect, Driver.layer)

describe("4", () => {
  it.explore(
    "4.1 get gives the values in the same shape, or the first failure",
    atTheEdge(
      Effect.gen(function* () {
        const worker = yield* Worker.spawn()
        const [a, b, no] = [yield* worker.work.remote(1), yield* worker.sleep.remote(2), yield* worker.fail.remote(3)]
        assert.deepStrictEqual(yield* ObjectRef.get({ a, b }), { a: 1, b: 2 })
        const late = yield* worker.sleep.remote(9)
        assert.strictEqual(yield* Effect.flip(ObjectRef.get([late, no])), 3)
        assert.isFalse(yield* Deferred.isDone(ObjectRef.asDeferred(late)))
        yield* late
      })
    ),
    { schedules }
  )

  it.explore(
    "4.2 get with a timeout leaves the calls alone, and they can be waited for again",
    atTheEdge(
      Effect.gen(function* () {
        const worker = yield* Worker.spawn()
        const refs = [yield* worker.sleep.remote(2), yield* worker.work.remote(1)]
        const exit = yield* Effect.exit(ObjectRef.get(refs, { timeout: "1 second" }))
        assert.strictEqual(reasonOf(exit), "TimeoutError")
        assert.deepStrictEqual(yield* ObjectRef.get(refs), [2, 1])
      })
    ),
    { schedules }
  )

  it.explore(
    "4.3 wait splits its refs, in input order, with at most numReturns ready",
    atTheEdge(
      Effect.gen(function* () {
        const worker = yield* Worker.spawn()
        const refs = yield* Effect.forEach([3, 1, 2], (n) => worker.sleep.remote(n))
        const [ready, pending] = yield* ObjectRef.wait(refs, { numReturns: 2 })
        assert.deepStrictEqual([ready, pending], [[refs[1], refs[2]], [refs[0]]])
        const [none, all] = yield* ObjectRef.wait(pending, { timeout: "500 millis" })
        assert.deepStrictEqual([none, all], [[], pending])
        yield* ObjectRef.all(refs)
      })
    ),
    { schedules }
  )
})

describe("8.1 a deadlock", () => {
  /** Asks another actor while it holds its only permit. */
  class Caller extends Actor.Service<Caller>()("test/Caller", {
    maxConcurrency: 1,
    make: Effect.sync(() => {
      let other: { readonly call: (depth: number) => Effect.Effect<number, unknown> } | undefined
      return {
        meet: (caller: NonNullable<typeof other>) =>
          Effect.sync(() => {
            other = caller
          }),
        call: (depth: number): Effect.Effect<number, unknown> =>
          Effect.gen(function* () {
            yield* Effect.yieldNow
            return depth === 0 ? 0 : 1 + (yield* other!.call(depth - 1))
          })
      }
    })
  }) {}

  it.explore(
    "in a circle of two fails, whoever comes first",
    Effect.gen(function* () {
      const [a, b] = [yield* Caller.spawn(), yield* Caller.spawn()]
      yield* a.meet(b)
      yield* b.meet(a)
      const exits = yield* Effect.all([Effect.exit(a.call(2)), Effect.exit(b.call(2))], { concurrency: "unbounded" })
      // Each of them needs the other one twice: no schedule lets both succeed, or hangs.
      for (const exit of exits) assert.oneOf(reasonOf(exit), ["Deadlock", "Success"])
      assert.include(exits.map(reasonOf), "Deadlock")
    }),
    { schedules: 300 }
  )

  it.explore(
    "is not reported where there is none: calls that meet in the middle, and queue",
    Effect.gen(function* () {
      const [a, b, end] = [yield* Caller.spawn(), yield* Caller.spawn(), yield* Caller.spawn()]
      yield* a.meet(end)
      yield* b.meet(end)
      const calls = [a.call(1), b.call(1), a.call(1), end.call(0)]
      assert.deepStrictEqual(yield* Effect.all(calls, { concurrency: "unbounded" }), [1, 1, 1, 0])
    }),
    { schedules }
  )
})

describe("a timeout", () => {
  it.explore(
    "counts from submission, frees the permit, and the next call goes on",
    Effect.gen(function* () {
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn()
      const timed = worker.sleep.options({ timeout: "1 second" })
      const exits = yield* Effect.forEach([5, 5, 5], (n) => Effect.exit(timed(n)), { concurrency: "unbounded" })
      for (const exit of exits) assert.strictEqual(reasonOf(exit), "TimedOut")
      assert.strictEqual(yield* worker.work(1), 1)
    }),
    { schedules }
  )
})

describe("7.3 a task", () => {
  it.explore(
    "takes refs, keeps its limit, and is interrupted with its caller",
    Effect.gen(function* () {
      let running = 0
      const task = Task.make(
        "test/task",
        (n: number) =>
          Effect.acquireUseRelease(
            Effect.sync(() => assert.isAtMost(++running, 2)),
            () => Effect.as(Effect.yieldNow, n + 1),
            () => Effect.sync(() => running--)
          ),
        { maxConcurrency: 2 }
      )
      const first = yield* task.remote(0)
      const fiber = yield* Effect.forkChild(task(7))
      const all = yield* Effect.forEach(range(4), () => task(first as any), { concurrency: "unbounded" })
      assert.deepStrictEqual(all, [2, 2, 2, 2])
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(running, 0)
    }),
    { schedules }
  )
})

describe("7.5 a stream", () => {
  it.explore(
    "that is interrupted, or whose instance is killed, ends and leaves nothing behind",
    Effect.gen(function* () {
      let open = 0
      class Source extends Actor.Service<Source>()("test/Source", {
        make: Effect.succeed({
          ticks: () =>
            Stream.fromEffectSchedule(Effect.succeed(1), Schedule.spaced("1 second")).pipe(
              Stream.onStart(Effect.sync(() => open++)),
              Stream.ensuring(Effect.sync(() => open--))
            )
        })
      }) {}
      const source = yield* Source.spawn()
      const [one, two] = [
        yield* Effect.forkChild(Effect.exit(Stream.runDrain(source.ticks()))),
        yield* Effect.forkChild(Effect.exit(Stream.runDrain(source.ticks())))
      ]
      yield* Effect.sleep("2 seconds")
      yield* Fiber.interrupt(one)
      yield* Actor.kill(source)
      assert.strictEqual(reasonOf(yield* Fiber.join(two)), "ActorDied")
      assert.strictEqual(open, 0)
    }),
    { schedules }
  )
})

describe("7.2 keys", () => {
  it.explore(
    "make room for others, and no call is lost",
    Effect.gen(function* () {
      let up = 0
      let entered = 0
      class Room extends Actor.Keyed<Room>()("test/Rooms", {
        maxInstances: 2,
        make: (_key: number) =>
          Effect.gen(function* () {
            yield* Effect.acquireRelease(
              Effect.sync(() => up++),
              () => Effect.sync(() => up--)
            )
            return {
              enter: () =>
                Effect.andThen(
                  Effect.yieldNow,
                  Effect.sync(() => entered++)
                )
            }
          })
      }) {}
      yield* Effect.gen(function* () {
        const rooms = yield* Room
        yield* Effect.forEach([1, 2, 3, 1, 2, 3], (key) => rooms.get(key).enter(), { concurrency: "unbounded" })
        yield* rooms.stop(1)
      }).pipe(Effect.provide(Room.layer))
      assert.deepStrictEqual([entered, up], [6, 0])
    }),
    { schedules }
  )
})
