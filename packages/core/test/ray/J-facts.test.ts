/** What Ray does that none of its tests pins down, and what we do instead. */
import { assert, describe, it } from "@effect/vitest"
import { Actor, Driver, ObjectRef, Task } from "@troupe/core"
import { Effect, Exit } from "effect"
import { TestClock } from "effect/testing"
import { defectOf, range, reasonOf, settle, Worker } from "../support.ts"

describe("J: facts", () => {
  it.effect("2000 calls at maxConcurrency 1: no neighbours are inverted (Ray: 197 of 1999)", () =>
    Effect.gen(function* () {
      const order: Array<number> = []
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn()
      const refs = yield* Effect.forEach(range(2000), (i) => worker.run.remote(Effect.sync(() => order.push(i))))
      yield* ObjectRef.all(refs)
      assert.deepStrictEqual(order, range(2000))
    })
  )

  it.effect(
    "a method cannot swallow its cancellation: an interrupted fiber does not go on (Ray: the value is lost)",
    () =>
      Effect.gen(function* () {
        const worker = yield* Worker.spawn()
        let wentOn = false
        const swallowing = Effect.andThen(Effect.exit(Effect.never), () =>
          Effect.sync(() => {
            wentOn = true
          })
        )
        const ref = yield* worker.run.remote(swallowing)
        yield* settle
        assert.strictEqual(yield* ObjectRef.cancel(ref), "Interrupted")
        assert.strictEqual((yield* reasonOf(ref))._tag, "TaskCancelled")
        assert.isFalse(wentOn)
      })
  )

  it("maxConcurrency 0 is refused (Ray: the actor never runs anything)", () => {
    for (const maxConcurrency of [0, -1, 1.5, Number.NaN]) {
      const message = `test/Worker: maxConcurrency must be an integer of at least 1, or Infinity, but is ${maxConcurrency}`
      assert.throws(() => Worker.options({ maxConcurrency }), RangeError, message)
      assert.throws(() => Task.make("task", () => Effect.void, { maxConcurrency }), RangeError, "task: maxConcurrency")
    }
    assert.throws(() => Worker.options({ maxConcurrency: "10" as any }), RangeError, 'but is "10"')
  })

  it.effect("resize is held to the same range, and harms nothing", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const exit = yield* Effect.exit(Effect.suspend(() => Actor.resize(worker, 0)))
      assert.include(String(exit), "RangeError: test/Worker: maxConcurrency must be")
      assert.strictEqual(yield* worker.echo(1), 1)
    })
  )

  it.effect(
    "1100 held calls at the default 1000 starve no inspection, and a status call only where it shares permits",
    () =>
      Effect.gen(function* () {
        class Busy extends Actor.Service<Busy>()("ray/Busy", {
          shutdownTimeout: 0,
          concurrencyGroups: { control: { maxConcurrency: 1, methods: ["health"] } },
          make: Effect.succeed({
            hold: () => Effect.never as Effect.Effect<void>,
            health: () => Effect.succeed("fine"),
            status: () => Effect.succeed("fine")
          })
        }) {}
        const busy = yield* Busy.spawn()
        yield* Effect.forEach(range(1100), () => busy.hold.remote())
        const status = yield* busy.status.remote()
        yield* settle
        assert.include(String(busy), "1000 running, 101 waiting")
        assert.strictEqual(yield* busy.health(), "fine")
        assert.include(String(status), "waiting")
      })
  )

  it.effect(
    "a self-call is awaited (fine); a blocking get of it does not compile, and smuggled in, dies and does not hang",
    () =>
      Effect.gen(function* () {
        const worker = yield* Worker.spawn()
        assert.strictEqual(yield* worker.run(worker.echo(1)), 1)
        const blocking = Effect.flatMap(worker.echo.remote(1), (ref) => ObjectRef.get(ref)).pipe(
          Effect.provide(Driver.layer)
        )
        const defect = (yield* defectOf(worker.run(blocking))) as Error
        assert.strictEqual(defect.name, "BlockingGetError")
        assert.include(defect.message, "test/Worker.run: ObjectRef.get blocks")
        // The type rule itself is tested in test/types.
        const waiting = (yield* defectOf(
          worker.run(Effect.provide(ObjectRef.wait([ObjectRef.succeed(1)]), Driver.layer))
        )) as Error
        assert.include(waiting.message, "test/Worker.run: ObjectRef.wait blocks")
      })
  )

  it.effect(
    "wrong calls from untyped code name what there is, and never harm the actor (Ray: TypeError, AttributeError)",
    () =>
      Effect.gen(function* () {
        const worker = yield* Worker.spawn()
        const untyped: any = worker
        const message = /test\/Worker has no method "nope", it has work, note, echo/
        assert.throws(() => untyped.nope(), message)
        assert.throws(() => untyped.nope.remote(), message)
        assert.throws(() => untyped.nope.options({}), message)
        assert.strictEqual(yield* worker.echo(1), 1)
      })
  )

  it.effect("num_returns: a method that gives a tuple gives one ref of a tuple", () =>
    Effect.gen(function* () {
      const pair = Task.make("pair", () => Effect.succeed([1, "two"] as const))
      const ref: ObjectRef.ObjectRef<readonly [number, string], unknown> = yield* pair.remote()
      assert.deepStrictEqual(yield* ref, [1, "two"])
    })
  )

  it.effect("errors are the very objects that the method failed with, at any depth (Ray: a class made of two)", () =>
    Effect.gen(function* () {
      class Custom extends Error {
        readonly details = { code: 42 }
      }
      const error = new Custom("deep")
      const inner = yield* Worker.spawn()
      const outer = yield* Worker.spawn()
      const exit = yield* Effect.exit(outer.run(Effect.flatten(inner.fail.remote(error)) as Effect.Effect<never, any>))
      assert.strictEqual(Exit.isFailure(exit) && Exit.findErrorOption(exit).pipe((o: any) => o.value), error)
    })
  )

  it.effect("timeouts of a call are an option: it is cancelled and fails with TimedOut, which names it", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const ref = yield* worker.run.options({ timeout: "2 seconds" }).remote(Effect.never)
      yield* settle
      yield* TestClock.adjust("2 seconds")
      const exit = yield* Effect.exit(ref)
      assert.include(
        String(exit),
        `test/Worker.run #${ref.id}: the call did not settle within its timeout of 2s. It was running`
      )
    })
  )

  it.effect("fan-out over 1000 actors, created and asked, all answer and all end", () =>
    Effect.gen(function* () {
      const answers = yield* Effect.scoped(
        Effect.forEach(range(1000), (i) => Effect.flatMap(Worker.spawn(), (worker) => worker.add(i, 1)))
      )
      assert.deepStrictEqual(
        answers,
        range(1000).map((i) => i + 1)
      )
    })
  )

  it.effect("10,000 refs as arguments, and one ref of a list of 10,000 refs", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const sum = Task.make("sum", (...numbers: Array<number>) => Effect.succeed(numbers.reduce((a, b) => a + b, 0)))
      const refs = yield* Effect.forEach(range(10_000), (i) => worker.add.remote(i, 1))
      assert.strictEqual(yield* sum(...refs), 50_005_000)
      const nested: any = yield* worker.echo(refs)
      assert.strictEqual(nested.length, 10_000)
      assert.isTrue(nested.every(ObjectRef.isObjectRef))
    })
  )
})
