/**
 * Promises about calls, permits and lines (semantics 1 and 2), under every schedule that the explorer comes up with.
 */
import { assert, describe } from "@effect/vitest"
import { Actor, type ActorError, ObjectRef } from "@troupe/core"
import { it } from "@troupe/testing/vitest"
import { Cause, Effect, Exit, Fiber, Latch, Ref } from "effect"

const schedules = 250
const range = (n: number): Array<number> => Array.from({ length: n }, (_, i) => i)

/** Notes which calls start and end, and how many run at a time. */
class Log {
  readonly started: Array<number> = []
  readonly ended: Array<number> = []
  running = 0
  peak = 0
  /** Runs for a few operations, so that others may come in between. */
  readonly work = (id: number): Effect.Effect<number> => {
    // A call starts when its method is called: its fiber may be preempted before its first operation.
    this.started.push(id)
    return Effect.acquireUseRelease(
      Effect.sync(() => {
        this.peak = Math.max(this.peak, ++this.running)
      }),
      () => Effect.as(Effect.yieldNow, id),
      () =>
        Effect.sync(() => {
          this.running--
          this.ended.push(id)
        })
    )
  }
}

class Worker extends Actor.Service<Worker>()("test/Worker", {
  make: (log: Log) =>
    Effect.succeed({
      work: log.work,
      read: log.work,
      hang: (id: number) => Effect.andThen(log.work(id), Effect.never),
      fail: (id: number) => Effect.andThen(log.work(id), Effect.fail("no" as const))
    })
}) {}

describe("calls", () => {
  it.explore(
    "1.4 start in submission order, whatever runs in between",
    Effect.gen(function* () {
      const log = new Log()
      const worker = yield* Worker.options({ maxConcurrency: 2 }).spawn(log)
      const refs: Array<ObjectRef.ObjectRef<number, ActorError.ActorError>> = []
      for (const id of range(6)) refs.push(yield* worker.work.remote(id))
      assert.deepStrictEqual(yield* ObjectRef.all(refs), range(6))
      assert.deepStrictEqual(log.started, range(6))
    }),
    { schedules }
  )

  it.explore(
    "1.4 of each caller start in the order in which that caller submitted them",
    Effect.gen(function* () {
      const log = new Log()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(log)
      const caller = (first: number) =>
        Effect.gen(function* () {
          const refs = [yield* worker.work.remote(first), yield* worker.work.remote(first + 1)]
          yield* worker.work(first + 2)
          yield* ObjectRef.all(refs)
        })
      yield* Effect.all([caller(0), caller(10), caller(20)], { concurrency: "unbounded" })
      for (const first of [0, 10, 20]) {
        assert.deepStrictEqual(
          log.started.filter((id) => id - first >= 0 && id - first < 10),
          [first, first + 1, first + 2]
        )
      }
    }),
    { schedules }
  )

  it.explore(
    "1.5 wait for the refs among their arguments, and hold no permit meanwhile",
    Effect.gen(function* () {
      const log = new Log()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(log)
      const first = yield* worker.work.remote(1)
      const second = yield* worker.work.remote(first)
      const failed = yield* worker.fail.remote(second)
      const never = yield* worker.work.remote(failed as ObjectRef.ObjectRef<never, "no" | ActorError.ActorError>)
      assert.strictEqual(yield* second, 1)
      assert.strictEqual(yield* Effect.flip(never), "no")
      assert.deepStrictEqual(log.started, [1, 1, 1])
    }),
    { schedules }
  )

  it.explore(
    "1.5 start when all the refs among their arguments have succeeded, and with their values",
    Effect.gen(function* () {
      const log = new Log()
      const worker = yield* Worker.spawn(log)
      class Adder extends Actor.Service<Adder>()("test/Adder", {
        make: Effect.succeed({ add: (a: number, b: number, c: number) => Effect.succeed(a + b + c) })
      }) {}
      const adder = yield* Adder.spawn()
      const [one, two] = [yield* worker.work.remote(1), yield* worker.work.remote(20)]
      const sums = [yield* adder.add.remote(one, 0, two), yield* adder.add.remote(two, one, one)]
      assert.deepStrictEqual(yield* ObjectRef.all(sums), [21, 22])
    }),
    { schedules }
  )

  it.explore(
    "1.2 interrupting an asker cancels its call, and waits until it has settled",
    Effect.gen(function* () {
      const log = new Log()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(log)
      const asker = yield* Effect.forkChild(worker.hang(1))
      const next = yield* Effect.forkChild(worker.work(2))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(asker)
      assert.isAtMost(log.running, 1)
      assert.strictEqual(yield* Fiber.join(next), 2)
      assert.strictEqual(log.running, 0)
    }),
    { schedules: 400 }
  )
})

describe("permits", () => {
  it.explore(
    "2.1 at most maxConcurrency calls run, and all that are free are used",
    Effect.gen(function* () {
      const log = new Log()
      const worker = yield* Worker.options({ maxConcurrency: 3 }).spawn(log)
      yield* Effect.forEach(range(8), (id) => worker.work(id), { concurrency: "unbounded" })
      assert.isAtMost(log.peak, 3)
      assert.strictEqual(log.running, 0)
    }),
    { schedules }
  )

  it.explore(
    "2.3 maxConcurrency 1 means no interleaving, finalizers included",
    Effect.gen(function* () {
      const log = new Log()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(log)
      yield* Effect.forEach(range(5), (id) => Effect.exit(id % 2 ? worker.work(id) : worker.fail(id)), {
        concurrency: "unbounded"
      })
      assert.strictEqual(log.peak, 1)
      assert.deepStrictEqual(log.started, log.ended)
    }),
    { schedules }
  )

  it.explore(
    "2.4 a limit that changes while calls come and go holds, and loses no permit",
    Effect.gen(function* () {
      const log = new Log()
      const worker = yield* Worker.options({ maxConcurrency: 2 }).spawn(log)
      const calls = yield* Effect.forkChild(
        Effect.forEach(range(6), (id) => worker.work(id), { concurrency: "unbounded", discard: true })
      )
      yield* Actor.resize(worker, 1)
      yield* Effect.yieldNow
      yield* Actor.resize(worker, 3)
      yield* Fiber.join(calls)
      assert.isAtMost(log.peak, 3)
      assert.strictEqual(log.started.length, 6)
    }),
    { schedules }
  )

  it.explore(
    "2.5 a full group never delays another",
    Effect.gen(function* () {
      const log = new Log()
      class Grouped extends Actor.Service<Grouped>()("test/Grouped", {
        concurrencyGroups: { io: { maxConcurrency: 1, methods: ["read"] } },
        make: Effect.map(Latch.make(), (gate) => ({
          read: (id: number) => Effect.andThen(log.work(id), gate.await),
          work: log.work,
          open: () => gate.open
        }))
      }) {}
      const grouped = yield* Grouped.spawn()
      const reads = [yield* grouped.read.remote(1), yield* grouped.read.remote(2)]
      assert.strictEqual(yield* grouped.work(3), 3)
      yield* grouped.open()
      yield* ObjectRef.all(reads)
    }),
    { schedules }
  )

  it.explore(
    "2.7 never more than maxPendingCalls are accepted; those that wait come in order, or leave without a trace",
    Effect.gen(function* () {
      const log = new Log()
      const worker = yield* Worker.options({ maxPendingCalls: 2, overflow: "suspend" }).spawn(log)
      const first = yield* Effect.forkChild(
        Effect.forEach(range(4), (id) => worker.work(id), { concurrency: "unbounded", discard: true })
      )
      const second = yield* Effect.forkChild(worker.work(9))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(second)
      yield* Fiber.join(first)
      assert.isAtMost(log.peak, 2)
      assert.strictEqual(yield* worker.work(5), 5)
    }),
    { schedules: 400 }
  )

  it.explore(
    "2.7 with overflow fail a call is refused or runs, and room comes back",
    Effect.gen(function* () {
      const log = new Log()
      const worker = yield* Worker.options({ maxPendingCalls: 1 }).spawn(log)
      const exits = yield* Effect.forEach(range(4), (id) => Effect.exit(worker.work(id)), { concurrency: "unbounded" })
      const refused = exits.filter(Exit.isFailure)
      assert.strictEqual(log.started.length + refused.length, 4)
      for (const exit of refused) assert.include(Cause.pretty(exit.cause), "maxPendingCalls (1) was reached")
      assert.strictEqual(yield* worker.work(7), 7)
    }),
    { schedules }
  )
})

describe("refs", () => {
  it.explore(
    "3.1 give the same value to all who wait, and interrupting one of them disturbs nobody",
    Effect.gen(function* () {
      const worker = yield* Worker.spawn(new Log())
      const ref = yield* worker.work.remote(1)
      const waiters = yield* Effect.forEach(range(4), () => Effect.forkChild(ref))
      yield* Fiber.interrupt(waiters[1]!)
      for (const waiter of waiters.toSpliced(1, 1)) assert.strictEqual(yield* Fiber.join(waiter), 1)
      assert.strictEqual(yield* ref, 1)
    }),
    { schedules }
  )

  it.explore(
    "3.8 the combinators settle with what their refs settle with",
    Effect.gen(function* () {
      const worker = yield* Worker.spawn(new Log())
      const [a, b, no] = [yield* worker.work.remote(1), yield* worker.work.remote(2), yield* worker.fail.remote(3)]
      const [all, any, race, settled, failed] = yield* Effect.all(
        [
          ObjectRef.all([a, b]),
          ObjectRef.any([no, a, b]),
          Effect.exit(ObjectRef.race([a, b, no])),
          ObjectRef.allSettled([a, no]),
          Effect.flip(ObjectRef.all([a, no, b]))
        ],
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(all, [1, 2])
      assert.oneOf(any, [1, 2])
      assert.isTrue(Exit.isFailure(race) || race.value <= 2)
      assert.deepStrictEqual(
        settled.map(({ _tag }) => _tag),
        ["Success", "Failure"]
      )
      assert.strictEqual(failed, "no")
    }),
    { schedules }
  )

  it.explore(
    "1.7 a call that calls others, in a chain and in a circle of three actors, settles",
    Effect.gen(function* () {
      const total = yield* Ref.make(0)
      class Node extends Actor.Service<Node>()("test/Node", {
        make: Effect.succeed({
          visit: (path: ReadonlyArray<{ visit: (rest: any) => Effect.Effect<void, any> }>): Effect.Effect<void, any> =>
            Effect.gen(function* () {
              yield* Ref.update(total, (n) => n + 1)
              const [next, ...rest] = path
              if (next !== undefined) yield* next.visit(rest)
            })
        })
      }) {}
      const [a, b, c] = [yield* Node.spawn(), yield* Node.spawn(), yield* Node.spawn()]
      yield* Effect.all([a.visit([b, c, a]), b.visit([c, a]), c.visit([])], { concurrency: "unbounded" })
      assert.strictEqual(yield* Ref.get(total), 8)
    }),
    { schedules }
  )
})
