import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorSystem, ByNumber, ObjectRef, Task } from "@troupe/core"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { defectOf, Probe, reasonOf, settle, Worker } from "./support.ts"

const own = Effect.provide(ActorSystem.layer)

/** The numbers of the unsettled calls and of the instances of the present system. */
const numbers = Effect.map(ActorSystem.snapshot({ actor: "test/Worker" }), ({ calls, instances }) => ({
  calls: calls.map(({ id }) => id),
  instances: instances.map(({ instance }) => instance)
}))

describe("ByNumber", () => {
  it.effect("explains an unsettled call as ObjectRef.explain explains its ref", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      yield* worker.work.remote("a")
      const ref = yield* worker.work.remote("b")
      yield* probe.started("a")
      yield* TestClock.adjust(4200)
      const [, waiting] = (yield* numbers).calls
      const text = yield* ByNumber.explain(waiting!)
      assert.strictEqual(text, yield* ObjectRef.explain(ref))
      assert.include(text, "waiting 4.2 s: first in line behind `test/Worker.work`")
    }).pipe(own)
  )

  it.effect("knows only the calls and instances of the present system, and only those that are there", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      yield* worker.work.remote("a")
      const {
        calls: [call],
        instances: [instance]
      } = yield* numbers
      yield* Effect.gen(function* () {
        assert.isUndefined(yield* ByNumber.explain(call!))
        assert.isUndefined(yield* ByNumber.cancel(call!))
        assert.isFalse(yield* ByNumber.kill(instance!))
        assert.isFalse(yield* ByNumber.stop(instance!))
        assert.isFalse(yield* ByNumber.resize(instance!, 1))
      }).pipe(Effect.provideServiceEffect(ActorSystem.ActorSystem, ActorSystem.make))
      assert.isUndefined(yield* ByNumber.explain(-1))
      assert.strictEqual(yield* ByNumber.cancel(call!), "NotStarted")
      assert.isUndefined(yield* ByNumber.explain(call!))
      assert.isUndefined(yield* ByNumber.cancel(call!))
    }).pipe(own)
  )

  it.effect("cancels a call that runs, and returns when it has settled", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const ref = yield* worker.work.remote("a")
      yield* probe.started("a")
      yield* settle
      assert.strictEqual(yield* ByNumber.cancel((yield* numbers).calls[0]!), "Interrupted")
      assert.strictEqual((yield* reasonOf(ref))._tag, "TaskCancelled")
      assert.deepStrictEqual(probe.log, ["a start", "a cut"])
    }).pipe(own)
  )

  it.effect("kills and stops instances", () =>
    Effect.gen(function* () {
      const killed = yield* Worker.spawn()
      const ref = yield* killed.work.remote("a")
      const [instance] = (yield* numbers).instances
      assert.isTrue(yield* ByNumber.kill(instance!))
      assert.strictEqual((yield* reasonOf(ref))._tag, "ActorDied")
      assert.include((yield* Actor.watch(killed)).why, "it was killed")
      const stopped = yield* Worker.spawn()
      const fiber = yield* Effect.forkChild(Actor.watch(stopped))
      const living = (yield* ActorSystem.snapshot({
        state: "running"
      })).instances.find(({ actor }) => actor === "test/Worker")
      assert.isTrue(yield* ByNumber.stop(living!.instance))
      assert.include((yield* Fiber.join(fiber)).why, "it was stopped")
    }).pipe(own)
  )

  it.effect("says why an instance was ended, if that is given", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const ref = yield* worker.work.remote("a")
      assert.isTrue(yield* ByNumber.kill((yield* numbers).instances[0]!, { why: "an operator killed it" }))
      assert.deepInclude(yield* reasonOf(ref), { why: "an operator killed it" })
      const second = yield* Worker.spawn()
      const { instances } = yield* ActorSystem.snapshot({ actor: "test/Worker", state: "running" })
      assert.isTrue(yield* ByNumber.stop(instances[0]!.instance, { why: "an operator stopped it" }))
      assert.strictEqual((yield* Actor.watch(second)).why, "an operator stopped it")
    }).pipe(own)
  )

  it.effect("lets accepted calls finish when it stops an instance, and does not wait for them", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const running = yield* worker.work.remote("a")
      const waiting = yield* worker.note.remote("b")
      yield* probe.started("a")
      const { instances } = yield* numbers
      assert.isTrue(yield* ByNumber.stop(instances[0]!))
      assert.strictEqual((yield* ActorSystem.snapshot({ instance: instances[0]! })).instances[0]!.state, "stopping")
      assert.strictEqual((yield* reasonOf(yield* worker.note.remote("late")))._tag, "ActorDied")
      yield* probe.open("a")
      assert.deepStrictEqual([yield* running, yield* waiting], ["a", "b"])
      assert.isFalse(yield* ByNumber.stop(instances[0]!))
    }).pipe(own)
  )

  it.effect("looks for a call in one instance only, where that is known", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      yield* worker.work.remote("a")
      const { calls, instances } = yield* numbers
      const [call] = calls
      const [instance] = instances
      assert.include(yield* ByNumber.explain(call!, { instance: instance! }), "test/Worker.work")
      assert.isUndefined(yield* ByNumber.explain(call!, { instance: instance! + 1 }))
    }).pipe(own)
  )

  it.effect("ends no task, but explains and resizes it", () =>
    Effect.gen(function* () {
      const task = Task.make("test/by-number", () => Effect.never, {
        maxConcurrency: 1
      })
      yield* task.remote()
      const { calls, instances } = yield* ActorSystem.snapshot({
        actor: "test/by-number"
      })
      const { instance } = instances[0]!
      assert.include(yield* ByNumber.explain(calls[0]!.id), "test/by-number")
      assert.isFalse(yield* ByNumber.kill(instance))
      assert.isFalse(yield* ByNumber.stop(instance))
      assert.isTrue(yield* ByNumber.resize(instance, 3))
      const [after] = (yield* ActorSystem.snapshot({ actor: "test/by-number" })).instances
      assert.strictEqual(after!.permits.limit, 3)
      yield* ByNumber.cancel(calls[0]!.id)
    }).pipe(own)
  )

  it.effect("refuses limits that are none", () =>
    Effect.gen(function* () {
      yield* Worker.spawn()
      const [instance] = (yield* numbers).instances
      assert.instanceOf(yield* defectOf(ByNumber.resize(instance!, 0)), RangeError)
      assert.isDefined(yield* defectOf(ByNumber.resize(instance!, 2, { concurrencyGroup: "nope" })))
    }).pipe(own)
  )
})
