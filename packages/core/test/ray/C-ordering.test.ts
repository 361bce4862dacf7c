import { assert, describe, it } from "@effect/vitest"
import { Actor, type ActorError, ObjectRef, Task } from "@troupe/core"
import { Deferred, Effect, Exit, Fiber, Random, Scope } from "effect"
import { Probe, range, reasonOf, seeded, settle, Worker } from "../support.ts"
import { Collector, Counter, Signal } from "./support.ts"

describe("C: order, and handles that are passed on", () => {
  for (const maxConcurrency of [1, 2]) {
    const name =
      maxConcurrency === 1
        ? "test_threaded_actor_allow_out_of_order_execution"
        : "test_async_actor_allow_out_of_order_execution"
    it.effect(`${name}: at ${maxConcurrency}, a call that waits for a ref is overtaken`, () =>
      Effect.gen(function* () {
        const signal = yield* Signal.spawn()
        const worker = yield* Worker.options({ maxConcurrency }).spawn()
        const blocked = yield* worker.echo.remote(yield* signal.wait.remote())
        assert.strictEqual(yield* worker.echo("ready"), "ready")
        assert.include(String(blocked), "waiting")
        yield* signal.send()
        assert.strictEqual(yield* blocked, undefined)
      })
    )
  }

  it("TestAllowOutOfOrderExecutionValidation: (stronger) there is no such option, ready calls start in order", () => {
    // @ts-expect-error -- order is a promise, not an option
    assert.throws(() => Worker.options({ allowOutOfOrderExecution: false }), TypeError, /allowOutOfOrderExecution/)
  })

  for (const maxConcurrency of [1, 7, 1000]) {
    it.effect(`2000 calls start in submission order at ${maxConcurrency} (stronger: Ray inverts some at 1)`, () =>
      seeded(
        Effect.gen(function* () {
          const order: Array<number> = []
          const worker = yield* Worker.options({ maxConcurrency }).spawn()
          const refs = []
          for (const i of range(2000)) {
            const naps = yield* Random.nextIntBetween(0, 3)
            const nap = Effect.replicateEffect(Effect.yieldNow, naps, { discard: true })
            refs.push(
              yield* worker.run.remote(
                Effect.andThen(
                  Effect.sync(() => order.push(i)),
                  nap
                )
              )
            )
          }
          yield* ObjectRef.all(refs)
          assert.deepStrictEqual(order, range(2000))
        })
      )
    )
  }

  it.effect("a call whose argument becomes ready joins the end of the line, in the order of readiness", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const gates = [yield* Deferred.make<string>(), yield* Deferred.make<string>()] as const
      const [slow, quick] = yield* Effect.forEach(gates, (gate) => ObjectRef.fromEffect(Deferred.await(gate)))
      yield* worker.work.remote("held")
      const refs = [yield* worker.note.remote(slow!), yield* worker.note.remote(quick!), yield* worker.note.remote("3")]
      yield* settle
      yield* Deferred.succeed(gates[1], "2")
      yield* settle
      yield* Deferred.succeed(gates[0], "1")
      yield* settle
      yield* probe.open("held")
      yield* ObjectRef.all(refs)
      assert.deepStrictEqual(probe.log, ["held start", "held end", "3", "2", "1"])
    })
  )

  it.effect("test_fork: 100 tasks each enqueue once through a handle they were given; all 100 are there", () => {
    const fork = Task.make("fork", (to: Collector["Service"], item: number) =>
      Effect.andThen(Effect.yieldNow, to.add("fork", item))
    )
    return Effect.gen(function* () {
      const collector = yield* Collector.spawn()
      const refs = yield* Effect.forEach(range(100), (i) => fork.remote(collector, i))
      yield* ObjectRef.all(refs)
      const items = (yield* collector.items()).map(([, item]) => item)
      assert.deepStrictEqual(
        items.sort((a, b) => a - b),
        range(100)
      )
    })
  })

  const inOrder = (items: ReadonlyArray<readonly [string, number]>, from: string) =>
    items.filter(([who]) => who === from).map(([, item]) => item)

  it.effect("test_fork_consistency: five forks x 100 items and 100 of the original handle: each in order", () => {
    const fork = Task.make("fork", (to: Collector["Service"], from: string) =>
      Effect.gen(function* () {
        const refs: Array<ObjectRef.ObjectRef<void, ActorError.ActorError>> = []
        for (const i of range(100)) {
          refs.push(yield* to.add.remote(from, i))
          if (i % 7 === 0) yield* Effect.yieldNow
        }
        yield* ObjectRef.all(refs)
      })
    )
    return Effect.gen(function* () {
      const collector = yield* Collector.spawn()
      const forks = yield* Effect.forEach(range(5), (i) => fork.remote(collector, `fork ${i}`))
      yield* Effect.forEach(range(100), (i) => collector.add.remote("original", i))
      yield* ObjectRef.all(forks)
      const items = yield* collector.items()
      assert.strictEqual(items.length, 600)
      for (const from of ["original", ...range(5).map((i) => `fork ${i}`)]) {
        assert.deepStrictEqual(inOrder(items, from), range(100))
      }
    })
  })

  it.effect("test_pickled_handle_consistency, nested: ten tasks of tasks keep the order of each submitter", () => {
    const inner = Task.make("inner", (to: Collector["Service"], from: string) =>
      Effect.forEach(range(100), (i) => to.add.remote(from, i))
    )
    const outer = Task.make("outer", (to: Collector["Service"], from: string) => inner(to, from))
    return Effect.gen(function* () {
      const collector = yield* Collector.spawn()
      const names = range(10).map(String)
      yield* ObjectRef.all(yield* Effect.forEach(names, (name) => outer.remote(collector, name)))
      const items = yield* collector.items()
      for (const name of names) assert.deepStrictEqual(inOrder(items, name), range(100))
    })
  })

  it.effect("test_calling_put_on_actor_handle: a handle out of a ref shares the state: 1, 2, 3", () =>
    Effect.gen(function* () {
      const counter = yield* Counter.spawn()
      const again = yield* ObjectRef.succeed(counter)
      assert.strictEqual(again, counter)
      assert.deepStrictEqual([yield* counter.increase(), yield* again.increase(), yield* counter.increase()], [1, 2, 3])
    })
  )

  it.effect("handles and refs of handles are arguments of calls, nested or not", () =>
    Effect.gen(function* () {
      const counter = yield* Counter.spawn()
      const worker = yield* Worker.spawn()
      assert.strictEqual(yield* worker.echo(counter), counter)
      assert.strictEqual(yield* worker.echo(ObjectRef.succeed(counter)), counter)
      const nested: any = yield* worker.echo([ObjectRef.succeed(counter)])
      assert.isTrue(ObjectRef.isObjectRef(nested[0]))
    })
  )

  it.effect("test_deleted_actor_no_restart: a Scope that closes lets accepted calls finish, and nothing restarts", () =>
    Effect.gen(function* () {
      let started = 0
      class Deleted extends Actor.Service<Deleted>()("ray/Deleted", {
        onDefect: "restart",
        make: Effect.sync(() => {
          started++
          return { work: (probe: Probe) => Effect.as(probe.work("work"), 1) }
        })
      }) {}
      const probe = new Probe()
      const scope = yield* Scope.make()
      const actor = yield* Scope.provide(Deleted.spawn(), scope)
      const ref = yield* actor.work.remote(probe)
      yield* probe.started("work")
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* settle
      assert.strictEqual((yield* reasonOf(actor.work(probe)))._tag, "ActorDied")
      yield* probe.open("work")
      assert.strictEqual(yield* ref, 1)
      yield* Fiber.join(closing)
      assert.strictEqual(started, 1)
    })
  )

  it.effect("test_pickled_actor_handle_call_in_method_twice: a handle captured in a closure works on two calls", () =>
    Effect.gen(function* () {
      const counter = yield* Counter.spawn()
      const worker = yield* Worker.spawn()
      const increase = Effect.suspend(() => counter.increase())
      assert.deepStrictEqual([yield* worker.run(increase), yield* worker.run(increase)], [1, 2])
    })
  )

  it.effect("asks and .remote calls stand in one line, whoever submits them", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      yield* worker.work.remote("held")
      yield* settle
      const fibers = []
      for (const i of range(20)) {
        const call = i % 2 ? worker.note(`${i}`) : Effect.flatten(worker.note.remote(`${i}`))
        fibers.push(yield* Effect.forkChild(call, { startImmediately: true }))
      }
      yield* probe.open("held")
      yield* Fiber.joinAll(fibers)
      assert.deepStrictEqual(probe.log.slice(2), range(20).map(String))
    })
  )
})
