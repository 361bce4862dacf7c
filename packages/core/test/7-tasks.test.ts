import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Actor, type ActorContext, type ActorError, ActorSystem, ObjectRef, Task } from "@troupe/core"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { db, defectOf, errorOf, fork, Probe, reasonOf, settle, Worker, withDb } from "./support.ts"

describe("7.3", () => {
  it.effect("7.3 Task.make is a remote function: task(x) asks, task.remote(x) gives a ref", () =>
    Effect.gen(function* () {
      const square = Task.make("square", (n: number) => Effect.succeed(n * n))
      assert.strictEqual(yield* square(3), 9)
      const ref = yield* square.remote(4)
      assert.isTrue(ObjectRef.isObjectRef(ref))
      assert.strictEqual(yield* ref, 16)
    })
  )

  it.effect("7.3 a task runs once per call, and not before", () =>
    Effect.gen(function* () {
      let ran = 0
      const count = Task.make("count", () => Effect.sync(() => ++ran))
      const ask = count()
      const ref = yield* count.remote()
      assert.strictEqual(ran, 0)
      assert.strictEqual(yield* ref, 1)
      assert.deepStrictEqual([yield* ask, yield* ask], [2, 3])
    })
  )

  it.effect("7.3 refs as arguments: the task runs when they have succeeded, and fails as they do", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const add = Task.make("add", (a: number, b: number) => Effect.succeed(a + b))
      const late = yield* ObjectRef.fromEffect(Effect.as(probe.gate("late"), 1))
      const sum = yield* add.remote(late, ObjectRef.succeed(2))
      const total = yield* add.remote(sum, sum)
      yield* settle
      yield* probe.open("late")
      assert.strictEqual(yield* total, 6)
      assert.strictEqual(yield* errorOf(add(ObjectRef.fail("no" as const), 1)), "no")
    })
  )

  it.effect("7.3 a typed failure and a defect come through untouched", () =>
    Effect.gen(function* () {
      const error = { _tag: "Mine" }
      assert.strictEqual(yield* errorOf(Task.make("fails", () => Effect.fail(error))()), error)
      assert.strictEqual(yield* defectOf(Task.make("dies", () => Effect.die(error))()), error)
      const throws = Task.make("throws", (): Effect.Effect<void> => {
        throw error
      })
      assert.strictEqual(yield* defectOf(throws()), error)
      assert.match(
        String(yield* defectOf(Task.make("promises", (async () => 1) as unknown as () => Effect.Effect<number>)())),
        /must return an Effect/
      )
    })
  )

  it.effect("7.3 maxConcurrency holds over the process, whoever calls", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const limited = Task.make("limited", probe.work, { maxConcurrency: 2 })
      const worker = yield* Worker.spawn()
      const asked = yield* fork(limited("a"))
      const fromInside = yield* worker.run.remote(limited("b"))
      const inOtherSystem = yield* fork(Effect.provide(limited("c"), ActorSystem.layer))
      const withOptions = yield* limited.options({ name: "other" }).remote("d")
      yield* settle
      assert.strictEqual(probe.running, 2)
      yield* probe.open("a", "b", "c", "d")
      yield* Fiber.joinAll([asked, inOtherSystem])
      yield* ObjectRef.all([fromInside, withOptions])
      assert.strictEqual(probe.peak, 2)
    })
  )

  it.effect("7.3 Task.resize changes the limit of a task, whose text says what it does", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const slow = Task.make("slow", probe.work, { maxConcurrency: 1 })
      assert.strictEqual(inspect(slow), "slow(0 running, 0 waiting)")
      yield* Effect.forEach(["a", "b", "c"], (id) => slow.remote(id))
      yield* settle
      assert.strictEqual(inspect(slow), "slow(1 running, 2 waiting)")
      yield* Task.resize(slow, 3)
      yield* settle
      assert.strictEqual(String(slow), "slow(3 running, 0 waiting)")
      yield* probe.open("a", "b", "c")
      for (const bad of [0, -1, 1.5]) assert.throws(() => Task.resize(slow, bad), RangeError, /slow: maxConcurrency/)
      assert.throws(() => Task.resize({} as never, 1), TypeError, /Task.resize takes a task/)
    })
  )

  it.effect("7.3 two tasks of the same name have permits of their own", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const one = Task.make("same", probe.work, { maxConcurrency: 1 })
      const two = Task.make("same", probe.work, { maxConcurrency: 1 })
      const refs = [yield* one.remote("one"), yield* two.remote("two")]
      yield* settle
      assert.strictEqual(probe.running, 2)
      yield* probe.open("one", "two")
      yield* ObjectRef.all(refs)
    })
  )

  it.effect("7.3 maxPendingCalls refuses, and overflow: suspend waits", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const refusing = Task.make("refusing", probe.work, { maxPendingCalls: 1 })
      const first = yield* refusing.remote("first")
      assert.strictEqual((yield* reasonOf(refusing("second")))._tag, "PendingCallsLimitExceeded")
      const waiting = Task.make("waiting", probe.work, { maxPendingCalls: 1, overflow: "suspend" })
      const third = yield* waiting.remote("third")
      const fourth = yield* fork(waiting("fourth"))
      yield* settle
      yield* probe.open("first", "third", "fourth")
      assert.deepStrictEqual([yield* first, yield* third, yield* Fiber.join(fourth)], ["first", "third", "fourth"])
    })
  )

  it.effect("7.3 what the function requires is required of its callers, of each their own", () =>
    Effect.gen(function* () {
      const where = Task.make("where", () => Effect.andThen(Effect.yieldNow, db))
      assert.strictEqual(yield* withDb(where(), "one"), "one")
      const ref = yield* withDb(where.remote(), "two")
      assert.strictEqual(yield* withDb(where(), "three"), "three")
      assert.strictEqual(yield* ref, "two")
    })
  )

  it.effect("7.3 each call has a Scope of its own, closed when the call ends and before it settles", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const scoped = Task.make("scoped", (id: string) =>
        Effect.andThen(
          Effect.acquireRelease(probe.note(`${id} acquired`), () => probe.note(`${id} released`)),
          probe.work(id)
        )
      )
      const a = yield* scoped.remote("a")
      const b = yield* scoped.remote("b")
      yield* probe.started("b")
      yield* probe.open("a")
      yield* a
      assert.strictEqual(probe.log.at(-1), "a released")
      assert.strictEqual(yield* ObjectRef.cancel(b), "Interrupted")
      assert.strictEqual(probe.log.at(-1), "b released")
    })
  )

  it.effect("7.3 maxTaskRetries and retry: 5 retries are at most 6 executions, and options of the call win", () =>
    Effect.gen(function* () {
      let ran = 0
      const flaky = Task.make(
        "flaky",
        (succeedAt: number) =>
          Effect.suspend(() => (++ran < succeedAt ? Effect.fail(`try ${ran}`) : Effect.succeed(ran))),
        { maxTaskRetries: 5, retry: true }
      )
      assert.strictEqual(yield* flaky(4), 4)
      ran = 0
      assert.strictEqual(yield* errorOf(flaky(Infinity)), "try 6")
      ran = 0
      assert.strictEqual(yield* errorOf(flaky.options({ maxTaskRetries: 1 })(Infinity)), "try 2")
      ran = 0
      assert.strictEqual(yield* errorOf(flaky.options({ retry: (error) => error === "try 1" })(Infinity)), "try 2")
      ran = 0
      assert.strictEqual(yield* errorOf(flaky.options({ retry: false })(Infinity)), "try 1")
    })
  )

  it.effect("7.3 timeout cancels the call, which then fails with TimedOut", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const slow = Task.make("slow", probe.work, { maxConcurrency: 1 }).options({ timeout: "3 seconds" })
      const running = yield* slow.remote("running")
      const waiting = yield* slow.options({ timeout: "2 seconds" }).remote("waiting")
      yield* settle
      yield* TestClock.adjust("3 seconds")
      for (const ref of [running, waiting]) assert.strictEqual((yield* reasonOf(ref))._tag, "TimedOut")
      assert.deepStrictEqual(probe.log, ["running start", "running cut"])
    })
  )

  it.effect("7.3 interrupting an ask cancels the call, and cancel reaches what it called", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const inner = Task.make("inner", probe.work)
      const outer = Task.make("outer", (id: string) => inner(id))
      const asker = yield* fork(outer("asked"))
      yield* probe.started("asked")
      yield* Fiber.interrupt(asker)
      const ref = yield* outer.remote("submitted")
      yield* probe.started("submitted")
      assert.strictEqual(yield* ObjectRef.cancel(ref), "Interrupted")
      assert.deepStrictEqual(probe.log, ["asked start", "asked cut", "submitted start", "submitted cut"])
    })
  )

  it.effect("7.3 a task that calls itself 10,000 times over does not overflow the stack", () =>
    Effect.gen(function* () {
      const down: Task.Task<[n: number], number> = Task.make(
        "down",
        (n: number): Effect.Effect<number> => (n === 0 ? Effect.succeed(0) : Effect.orDie(down(n - 1))),
        { maxConcurrency: Infinity }
      )
      assert.strictEqual(yield* down(10_000), 0)
    })
  )

  it.effect("7.3 Actor.exit is refused in a task: it has no instance, and goes on", () =>
    Effect.gen(function* () {
      const leave = Task.make("leave", () => Actor.exit as Effect.Effect<never, never, ActorContext.ActorContext>)
      const worker = yield* Worker.spawn()
      const defect = yield* defectOf(worker.run(leave() as Effect.Effect<never, ActorError.ActorError>))
      assert.match(String(defect), /leave: a task has no instance/)
      assert.strictEqual(yield* worker.echo(1), 1, "nor does it end the actor that called the task")
      assert.match(String(yield* defectOf(worker.run(leave() as Effect.Effect<never>))), /leave/)
    })
  )

  it("7.3 bad options and names throw where they are written", () => {
    assert.throws(() => Task.make("", () => Effect.void), TypeError, "Task.make needs an id")
    assert.throws(
      () => Task.make("test", 1 as never),
      TypeError,
      "test: a task needs a function that returns an Effect, but got 1"
    )
    assert.throws(() => Task.make("test", () => Effect.void, { maxConcurrency: 0 }), RangeError, "test: maxConcurrency")
    assert.throws(
      () => Task.make("test", () => Effect.void, { maxTaskRetries: -1 }),
      RangeError,
      "test: maxTaskRetries"
    )
    const task = Task.make("test", () => Effect.void)
    assert.throws(() => task.options({ timeout: "soon" as never }), RangeError, "timeout")
    assert.throws(() => task.options({ concurrencyGroup: "io" as never }), RangeError, "no concurrency groups")
  })
})
