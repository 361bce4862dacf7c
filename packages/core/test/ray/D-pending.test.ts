import { assert, describe, it } from "@effect/vitest"
import { Actor, AsyncHandle, ObjectRef, Task } from "@troupe/core"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { errorOf, fork, Probe, range, reasonOf, settle, Worker } from "../support.ts"

const overLimit = (maxPendingCalls: number) =>
  `test/Worker.work: rejected because maxPendingCalls (${maxPendingCalls}) was reached.`

describe("D: the limit of pending calls", () => {
  it.effect(
    "test_back_pressure: ten blocked calls are accepted, the 11th is refused; after ten releases, another fits",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const worker = yield* Worker.options({ maxPendingCalls: 10 }).spawn(probe)
        const blocked = yield* Effect.forEach(range(10), (i) => worker.work.remote(`${i}`))
        const refused = yield* errorOf(worker.work.remote("refused"))
        assert.strictEqual(refused.reason._tag, "PendingCallsLimitExceeded")
        assert.include(refused.message, overLimit(10))
        assert.deepStrictEqual([refused.mayHaveRun, refused.retrySafe], [false, true])
        yield* probe.open(...range(10).map(String))
        yield* ObjectRef.all(blocked)
        assert.strictEqual(yield* worker.note("accepted"), "accepted")
        assert.notInclude(probe.startOrder, "refused")
      })
  )

  it.effect(
    "test_back_pressure: (differs) the limit is that of the instance, whoever submits: tasks are refused too",
    () => {
      const submit = Task.make("submit", (worker: Worker["Service"]) => worker.note("from a task"))
      return Effect.gen(function* () {
        const probe = new Probe()
        const worker = yield* Worker.options({ maxPendingCalls: 2 }).spawn(probe)
        yield* worker.work.remote("a")
        yield* worker.work.remote("b")
        assert.strictEqual((yield* reasonOf(submit(worker)))._tag, "PendingCallsLimitExceeded")
        yield* probe.open("a")
        yield* settle
        assert.strictEqual(yield* submit(worker), "from a task")
      })
    }
  )

  it.effect("running calls count, and calls that wait for an argument do, too", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxPendingCalls: 2, maxConcurrency: 10 }).spawn(probe)
      const never = yield* ObjectRef.fromEffect(Effect.never)
      yield* worker.work.remote("running")
      yield* worker.work.remote(never)
      yield* settle
      assert.strictEqual((yield* reasonOf(worker.work.remote("c")))._tag, "PendingCallsLimitExceeded")
    })
  )

  it.effect("asks are refused like .remote calls", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.options({ maxPendingCalls: 1 }).spawn()
      yield* worker.work.remote("a")
      assert.strictEqual((yield* reasonOf(worker.work("b")))._tag, "PendingCallsLimitExceeded")
    })
  )

  it.effect("room comes back however a call ends: with a failure, a defect, or a cancel", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.options({ maxPendingCalls: 1 }).spawn()
      yield* Effect.exit(worker.fail("typed"))
      yield* Effect.exit(worker.die("defect"))
      const failedArgument = yield* worker.echo.remote(ObjectRef.fail("argument"))
      assert.strictEqual(yield* errorOf(failedArgument), "argument")
      const held = yield* worker.run.remote(Effect.never)
      assert.strictEqual(yield* ObjectRef.cancel(held), "NotStarted")
      assert.strictEqual(yield* worker.echo("fits"), "fits")
    })
  )

  it.effect("a plain async caller gets the refusal in the ref", () =>
    Effect.gen(function* () {
      const worker = AsyncHandle.make(yield* Worker.options({ maxPendingCalls: 1 }).spawn())
      worker.work("a")
      const outcome = yield* Effect.promise(() => Promise.allSettled([worker.work("b")]))
      assert.strictEqual((outcome[0] as PromiseRejectedResult).reason.reason._tag, "PendingCallsLimitExceeded")
    })
  )

  it.effect("(better) overflow: 'suspend' makes submitters wait instead, in order, interruptibly", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxPendingCalls: 10, overflow: "suspend" }).spawn(probe)
      yield* Effect.forEach(range(10), (i) => worker.work.remote(`${i}`))
      const submitters = yield* Effect.forEach(range(10), (i) => fork(worker.note.remote(`late ${i}`)))
      yield* settle
      yield* Fiber.interrupt(submitters[3]!)
      yield* probe.open(...range(10).map(String))
      yield* settle
      yield* settle
      const late = probe.log.filter((event) => event.startsWith("late"))
      assert.deepStrictEqual(
        late,
        range(10)
          .filter((i) => i !== 3)
          .map((i) => `late ${i}`)
      )
    })
  )

  it.effect("the death of the actor ends the wait for room", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.options({ maxPendingCalls: 1, overflow: "suspend" }).spawn()
      yield* worker.work.remote("a")
      const submitter = yield* fork(Effect.flatten(worker.work.remote("b")))
      const asker = yield* fork(worker.work("c"))
      yield* settle
      yield* Actor.kill(worker)
      assert.strictEqual((yield* reasonOf(Fiber.join(submitter)))._tag, "ActorDied")
      assert.strictEqual((yield* reasonOf(Fiber.join(asker)))._tag, "ActorDied")
    })
  )

  it.effect("the timeout of a call counts while it waits for room", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.options({ maxPendingCalls: 1, overflow: "suspend" }).spawn()
      yield* worker.work.remote("held")
      const hurried = worker.note.options({ timeout: "1 second" })
      const asker = yield* fork(reasonOf(hurried("late")))
      yield* settle
      yield* TestClock.adjust("1 second")
      yield* settle
      assert.isDefined(asker.pollUnsafe(), "it still waits for room")
      assert.strictEqual((yield* Fiber.join(asker))._tag, "TimedOut")
    })
  )

  it.effect("a plain async caller can cancel a call that waits for room", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = AsyncHandle.make(yield* Worker.options({ maxPendingCalls: 1, overflow: "suspend" }).spawn(probe))
      const first = worker.work("first")
      const second = worker.work("second")
      yield* settle
      assert.strictEqual(yield* ObjectRef.cancel(second), "NotStarted")
      yield* probe.open("first", "second")
      assert.strictEqual(yield* first, "first")
      yield* settle
      assert.strictEqual((yield* reasonOf(second))._tag, "TaskCancelled")
      assert.deepStrictEqual(probe.startOrder, ["first"])
    })
  )

  it.effect("a plain async caller can cancel a call that had to wait for room, and runs now", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = AsyncHandle.make(yield* Worker.options({ maxPendingCalls: 1, overflow: "suspend" }).spawn(probe))
      const first = worker.work("first")
      const second = worker.work("second")
      yield* probe.open("first")
      yield* first
      yield* probe.started("second")
      yield* settle
      assert.strictEqual(yield* ObjectRef.cancel(second), "Interrupted")
      assert.include(probe.log, "second cut")
    })
  )

  it("limits that make no sense are refused where they are written", () => {
    for (const maxPendingCalls of [0, -1, 1.5, Number.NaN]) {
      assert.throws(
        () => Worker.options({ maxPendingCalls }),
        RangeError,
        `test/Worker: maxPendingCalls must be an integer of at least 1, or Infinity, but is ${maxPendingCalls}`
      )
    }
    assert.throws(() => Worker.options({ overflow: "drop" as any }), /overflow must be "fail" or "suspend"/)
  })
})
