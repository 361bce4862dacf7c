import { assert, describe, it } from "@effect/vitest"
import { Actor, type ActorError, Driver, ObjectRef, Task } from "@troupe/core"
import { Cause, Deferred, Effect, Exit, Fiber, Random, Schedule, Stream } from "effect"
import { TestClock } from "effect/testing"
import { errorOf, Probe, range, reasonOf, reasonOfExit, seeded, settle, Worker } from "../support.ts"
import { Signal } from "./support.ts"

const cancelled = (exit: Exit.Exit<unknown, unknown>) => assert.strictEqual(reasonOfExit(exit)._tag, "TaskCancelled")

describe("E: cancellation", () => {
  it.effect(
    "test_input_validation: (stronger) there is no force, and what is not a ref does not compile, nor pass",
    () =>
      Effect.gen(function* () {
        const worker = yield* Worker.spawn()
        const ref = yield* worker.run.remote(Effect.never)
        // @ts-expect-error -- an actor's calls are never ended by force
        const force = yield* Effect.exit(ObjectRef.cancel(ref, { force: true }))
        assert.include(String(force), 'there is no option "force"; the options are recursive')
        // @ts-expect-error -- an actor is not a ref
        const actor = yield* Effect.exit(Effect.suspend(() => ObjectRef.cancel(worker)))
        assert.match(String(actor), /TypeError.*ObjectRef/)
        const text = yield* Effect.exit(Effect.suspend(() => ObjectRef.cancel("text" as any)))
        assert.match(String(text), /TypeError.*ObjectRef/)
        // @ts-expect-error -- a ref is no handle
        const kill = yield* Effect.exit(Effect.suspend(() => Actor.kill(ref)))
        assert.include(String(kill), "Actor.kill takes the handle of an actor")
      })
  )

  it.effect(
    "test_async_actor_cancel: 50 rounds of run, cancel while it sleeps; the method sees it, the caller is told",
    () =>
      Effect.gen(function* () {
        let interrupted = 0
        const worker = yield* Worker.spawn()
        const sleep = Effect.onInterrupt(Effect.sleep("1 hour"), () => Effect.sync(() => interrupted++))
        for (const round of range(50)) {
          const ref = yield* worker.run.remote(sleep as Effect.Effect<any>)
          yield* settle
          assert.strictEqual(yield* ObjectRef.cancel(ref), "Interrupted")
          assert.strictEqual(interrupted, round + 1)
          const reason = yield* reasonOf(ref)
          assert.strictEqual(reason._tag, "TaskCancelled")
          assert.include(reason.message, `test/Worker.run #${ref.id}: the call was cancelled while it ran.`)
          assert.isTrue(reason.mayHaveRun)
        }
      })
  )

  it.effect("test_async_actor_cancel: the finalizers of a cancelled call have run when cancel succeeds", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const cleanUp = Effect.andThen(probe.gate("clean up"), probe.note("cleaned up"))
      const ref = yield* worker.run.remote(Effect.ensuring(Effect.never, cleanUp))
      yield* settle
      const next = yield* worker.note.remote("next")
      const cancel = yield* Effect.forkChild(ObjectRef.cancel(ref))
      yield* settle
      assert.deepStrictEqual(probe.log, [])
      yield* probe.open("clean up")
      assert.strictEqual(yield* Fiber.join(cancel), "Interrupted")
      yield* next
      assert.deepStrictEqual(probe.log, ["cleaned up", "next"])
    })
  )

  it.effect("test_async_actor_client_side_cancel: (a) the actor is still being made: the call never runs", () => {
    let ran = false
    class Slow extends Actor.Keyed<Slow>()("ray/Slow", {
      make: (_: string) =>
        Effect.as(Effect.sleep("10 seconds"), {
          run: () =>
            Effect.sync(() => {
              ran = true
            })
        })
    }) {}
    return Effect.gen(function* () {
      const slow = yield* Slow.get("key")
      const ref = yield* slow.run.remote()
      yield* settle
      assert.strictEqual(yield* ObjectRef.cancel(ref), "NotStarted")
      const reason = yield* reasonOf(ref)
      assert.strictEqual(reason._tag, "TaskCancelled")
      assert.include(reason.message, "before it started")
      yield* TestClock.adjust("10 seconds")
      assert.isFalse(ran)
    }).pipe(Effect.provide(Slow.layer))
  })

  it.effect("test_async_actor_client_side_cancel: (b) it waits for a 100 s dependency: cancelled at once", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const dependency = yield* worker.run.remote(Effect.as(Effect.sleep("100 seconds"), "late") as Effect.Effect<any>)
      const ref = yield* worker.note.remote(dependency)
      yield* settle
      assert.strictEqual(yield* ObjectRef.cancel(ref), "NotStarted")
      assert.strictEqual((yield* reasonOf(ref))._tag, "TaskCancelled")
      yield* TestClock.adjust("100 seconds")
      assert.strictEqual(yield* dependency, "late")
      assert.deepStrictEqual(probe.log, [])
    })
  )

  it.effect("a call that waits in line is cancelled at once, and the line goes on", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const [held, waiting, last] = yield* Effect.forEach(["held", "waiting", "last"], (id) => worker.work.remote(id))
      yield* settle
      assert.strictEqual(yield* ObjectRef.cancel(waiting!), "NotStarted")
      yield* probe.open("held", "last")
      assert.deepStrictEqual(yield* ObjectRef.all([held!, last!]), ["held", "last"])
      assert.notInclude(probe.startOrder, "waiting")
    })
  )

  it.effect("test_async_actor_cancel_after_task_finishes: changes nothing, not even twice", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const ref = yield* worker.echo.remote("done")
      assert.strictEqual(yield* ref, "done")
      assert.strictEqual(yield* ObjectRef.cancel(ref), "AlreadyDone")
      assert.strictEqual(yield* ObjectRef.cancel(ref), "AlreadyDone")
      assert.strictEqual(yield* ref, "done")
      const failed = yield* worker.fail.remote("typed")
      yield* settle
      assert.strictEqual(yield* ObjectRef.cancel(failed), "AlreadyDone")
      assert.strictEqual(yield* errorOf(failed), "typed")
    })
  )

  it.effect("cancelling twice, from two fibers, tells both the same, and both wait until it is over", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const ref = yield* worker.run.remote(Effect.ensuring(Effect.never, probe.gate("clean up")))
      yield* settle
      const twice = Effect.all([ObjectRef.cancel(ref), ObjectRef.cancel(ref)], { concurrency: 2 })
      const both = yield* Effect.forkChild(twice)
      yield* settle
      assert.isUndefined(both.pollUnsafe())
      yield* probe.open("clean up")
      assert.deepStrictEqual(yield* Fiber.join(both), ["Interrupted", "Interrupted"])
    })
  )

  it.effect("test_async_actor_cancel_restart: a cancelled call is not retried after a restart", () => {
    let runs = 0
    class Fragile extends Actor.Service<Fragile>()("ray/Fragile", {
      shutdownTimeout: 0,
      restart: Schedule.forever,
      maxTaskRetries: Infinity,
      make: Effect.succeed({
        sleep: () =>
          Effect.andThen(
            Effect.sync(() => runs++),
            Effect.never
          ),
        crash: () => Effect.die("crash"),
        ping: () => Effect.succeed("pong")
      })
    }) {}
    return Effect.gen(function* () {
      const fragile = yield* Fragile.spawn()
      const ref = yield* fragile.sleep.remote()
      yield* settle
      yield* ObjectRef.cancel(ref)
      yield* Effect.exit(fragile.crash.options({ maxTaskRetries: 0 })())
      assert.strictEqual(yield* fragile.ping(), "pong")
      assert.strictEqual((yield* reasonOf(ref))._tag, "TaskCancelled")
      assert.strictEqual(runs, 1)
    })
  })

  it.effect("a call that is cancelled while the actor restarts does not run again", () => {
    let runs = 0
    class Fragile extends Actor.Service<Fragile>()("ray/Fragile", {
      shutdownTimeout: 0,
      restart: Schedule.spaced("10 seconds"),
      maxTaskRetries: Infinity,
      make: Effect.succeed({
        sleep: () =>
          Effect.andThen(
            Effect.sync(() => runs++),
            Effect.never
          ),
        crash: () => Effect.die("crash"),
        ping: () => Effect.succeed("pong")
      })
    }) {}
    return Effect.gen(function* () {
      const fragile = yield* Fragile.spawn()
      const ref = yield* fragile.sleep.remote()
      yield* settle
      yield* Effect.exit(fragile.crash.options({ maxTaskRetries: 0 })())
      yield* settle
      assert.oneOf(yield* ObjectRef.cancel(ref), ["NotStarted", "Interrupted"])
      assert.strictEqual((yield* reasonOf(ref))._tag, "TaskCancelled")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* fragile.ping(), "pong")
      assert.strictEqual(runs, 1)
    })
  })

  it.effect("test_remote_cancel: a task that got the ref in a list cancels it; who submitted it is told", () => {
    const cancel = Task.make("cancel", (refs: ReadonlyArray<ObjectRef.Any>) => ObjectRef.cancel(refs[0]!))
    return Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const ref = yield* worker.run.remote(Effect.never)
      yield* settle
      assert.strictEqual(yield* cancel([ref]), "Interrupted")
      assert.strictEqual((yield* reasonOf(ref))._tag, "TaskCancelled")
    })
  })

  for (const recursive of [true, false]) {
    it.effect(
      `test_cancel_recursive_tree: recursive: ${recursive}: ten parents with a task and a child actor's call each`,
      () => {
        const childTask = Task.make("child", (probe: Probe, id: string) => Effect.as(probe.work(id), true))
        return Effect.gen(function* () {
          const probe = new Probe()
          const child = yield* Worker.spawn(probe)
          const parent = yield* Worker.spawn()
          const trees = yield* Effect.forEach(range(10), (i) =>
            Effect.gen(function* () {
              const children: Array<ObjectRef.Any> = []
              const body = Effect.gen(function* () {
                children.push(yield* childTask.remote(probe, `task ${i}`), yield* child.work.remote(`call ${i}`))
                return yield* ObjectRef.all(children)
              })
              return { children, ref: yield* parent.run.remote(body) }
            })
          )
          yield* settle
          assert.strictEqual(probe.running, 20)
          // Every other parent is cancelled: their trees behave on their own.
          for (const { ref } of trees.filter((_, i) => i % 2 === 0)) {
            assert.strictEqual(yield* ObjectRef.cancel(ref, { recursive }), "Interrupted")
          }
          yield* probe.open(...range(10).flatMap((i) => [`task ${i}`, `call ${i}`]))
          for (const [i, { children, ref }] of trees.entries()) {
            if (i % 2 === 1) {
              assert.deepStrictEqual(yield* ref, [true, `call ${i}`])
              continue
            }
            cancelled(yield* Effect.exit(ref))
            const exits = yield* ObjectRef.allSettled(children)
            if (recursive) for (const exit of exits) cancelled(exit)
            else assert.deepStrictEqual(exits, [Exit.succeed(true), Exit.succeed(`call ${i}`)])
          }
        })
      }
    )
  }

  it.effect("children of children are cancelled, also through asks and through calls still in line", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const leaf = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const middle = yield* Worker.spawn()
      const top = yield* Worker.spawn()
      const leaves: Array<ObjectRef.Any> = []
      const inner = Effect.gen(function* () {
        leaves.push(yield* leaf.work.remote("running"), yield* leaf.work.remote("in line"))
        return yield* Effect.never
      })
      const ref = yield* top.run.remote(middle.run(inner) as Effect.Effect<any>)
      yield* settle
      yield* ObjectRef.cancel(ref)
      for (const exit of yield* ObjectRef.allSettled(leaves)) cancelled(exit)
      assert.deepStrictEqual(probe.log, ["running start", "running cut"])
    })
  )

  it.effect(
    "test_is_canceled_sync_actor_task: (stronger) what cannot be interrupted ends truthfully: the result stands",
    () => {
      class Blocking extends Actor.Service<Blocking>()("ray/Blocking", {
        make: Effect.succeed({
          // Runs to its end on the thread: nobody can cancel it in between.
          compute: () =>
            Effect.sync(() => {
              let sum = 0
              for (let i = 0; i < 100_000; i++) sum += i
              return sum
            })
        })
      }) {}
      return Effect.gen(function* () {
        const blocking = yield* Blocking.spawn()
        const ref = yield* blocking.compute.remote()
        yield* Effect.yieldNow
        yield* settle
        assert.strictEqual(yield* ObjectRef.cancel(ref), "AlreadyDone")
        assert.strictEqual(yield* ref, 4_999_950_000)
      })
    }
  )

  it.effect("test_is_canceled_concurrent_actor_task: of three calls only #1 is cancelled; 0 and 2 return", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const refs = yield* Effect.forEach(["0", "1", "2"], (id) => worker.work.remote(id))
      yield* settle
      yield* ObjectRef.cancel(refs[1]!)
      yield* probe.open("0", "1", "2")
      const [zero, one, two] = yield* ObjectRef.allSettled(refs)
      assert.deepStrictEqual([zero, two], [Exit.succeed("0"), Exit.succeed("2")])
      cancelled(one!)
      assert.include(probe.log, "1 cut")
    })
  )

  // A chain as in Ray's tests: each task takes the ref of the one before.
  const chain = (probe: Probe) => {
    const first = Task.make("first", (id: string) => probe.work(id))
    const then = Task.make("then", (before: string, id: string) => Effect.as(probe.note(`${before}-${id}`), id))
    return { first, then }
  }

  it.effect("test_cancel_chain: cancelling the first of four fails all four", () =>
    Effect.gen(function* () {
      const { first, then } = chain(new Probe())
      const one = yield* first.remote("1")
      const two = yield* then.remote(one, "2")
      const three = yield* then.remote(two, "3")
      const four = yield* then.remote(three, "4")
      yield* settle
      yield* ObjectRef.cancel(one)
      for (const exit of yield* ObjectRef.allSettled([one, two, three, four])) cancelled(exit)
    })
  )

  it.effect("test_cancel_chain: cancelling the third fails 3 and 4; get of 1 and 2 times out, and later succeeds", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const { first, then } = chain(probe)
      const one = yield* first.remote("1")
      const two = yield* then.remote(one, "2")
      const three = yield* then.remote(two, "3")
      const four = yield* then.remote(three, "4")
      yield* settle
      assert.strictEqual(yield* ObjectRef.cancel(three), "NotStarted")
      for (const exit of yield* ObjectRef.allSettled([three, four])) cancelled(exit)
      const getting = yield* Effect.forkChild(errorOf(ObjectRef.get([one, two], { timeout: "100 millis" })))
      yield* settle
      yield* TestClock.adjust("100 millis")
      assert.isTrue(Cause.isTimeoutError(yield* Fiber.join(getting)))
      yield* probe.open("1")
      assert.deepStrictEqual(yield* ObjectRef.get([one, two]), ["1", "2"])
    }).pipe(Effect.provide(Driver.layer))
  )

  it.effect(
    "test_cancel_multiple_dependents: a cancelled head fails its three dependents, but not the other way round",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const { first, then } = chain(probe)
        const head = yield* first.remote("head")
        const dependents = yield* Effect.forEach(["a", "b", "c"], (id) => then.remote(head, id))
        yield* ObjectRef.cancel(head)
        for (const exit of yield* ObjectRef.allSettled(dependents)) cancelled(exit)

        const other = yield* first.remote("other")
        for (const id of ["a", "b", "c"]) yield* ObjectRef.cancel(yield* then.remote(other, id))
        yield* probe.open("other")
        assert.strictEqual(yield* other, "other")
      })
  )

  it.effect("test_comprehensive: combine(a, b) fails when only a is cancelled, and b is unharmed", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const a = yield* worker.work.remote("a")
      const b = yield* worker.work.remote("b")
      const combine = Task.make("combine", (x: string, y: string) => Effect.succeed(x + y))
      const both = yield* combine.remote(a, b)
      yield* settle
      yield* ObjectRef.cancel(a)
      cancelled(yield* Effect.exit(both))
      yield* probe.open("b")
      assert.strictEqual(yield* b, "b")
    })
  )

  it.effect("test_fast: 100 are cancelled as they are submitted, 5 % of 5000 while they wait: none hangs", () =>
    seeded(
      Effect.gen(function* () {
        const signal = yield* Signal.spawn()
        const worker = yield* Worker.spawn()
        const early: Array<ObjectRef.Any> = []
        for (const i of range(100)) {
          const ref = yield* worker.echo.remote(`${i}`)
          if (yield* Random.nextBoolean) yield* Effect.yieldNow
          yield* ObjectRef.cancel(ref)
          early.push(ref)
        }
        const gate = yield* signal.wait.remote()
        const blocked = yield* Effect.forEach(range(5000), () => worker.echo.remote(gate))
        for (const ref of blocked) {
          if ((yield* Random.nextIntBetween(0, 20)) === 0) yield* ObjectRef.cancel(ref)
        }
        yield* signal.send()
        for (const exit of yield* ObjectRef.allSettled([...early, ...blocked])) {
          if (Exit.isFailure(exit)) cancelled(exit)
        }
      })
    )
  )

  it.effect("a finalizer that dies as its call is cancelled is in the cause, and no defect of the actor", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.options({ onDefect: "stop" }).spawn()
      const ref = yield* worker.run.remote(Effect.ensuring(Effect.never, Effect.die("in the finalizer")))
      yield* settle
      assert.strictEqual(yield* ObjectRef.cancel(ref), "Interrupted")
      const exit = yield* Effect.exit(ref)
      cancelled(exit)
      assert.include(String(exit), "in the finalizer")
      assert.strictEqual(yield* worker.echo("alive"), "alive")
    })
  )

  it.effect("a parent that is cancelled while it consumes a child's stream ends that stream", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      class Streams extends Actor.Service<Streams>()("ray/Streams", {
        make: Effect.succeed({ items: () => Stream.concat(Stream.make("0"), Stream.fromEffect(probe.work("1"))) })
      }) {}
      const streams = yield* Streams.spawn()
      const worker = yield* Worker.spawn()
      const ref = yield* worker.run.remote(Stream.runDrain(streams.items()) as Effect.Effect<any, any>)
      yield* probe.started("1")
      assert.strictEqual(yield* ObjectRef.cancel(ref), "Interrupted")
      assert.deepStrictEqual(probe.log, ["1 start", "1 cut"])
      assert.include(String(streams), "0 running")
    })
  )

  it.effect("(stronger) a method that finishes in an uninterruptible region keeps its result: AlreadyDone", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn()
      const ref = yield* worker.run.remote(Effect.uninterruptible(Effect.as(probe.gate("end"), "true result")))
      yield* settle
      const cancel = yield* Effect.forkChild(ObjectRef.cancel(ref))
      yield* settle
      yield* probe.open("end")
      assert.strictEqual(yield* Fiber.join(cancel), "AlreadyDone")
      assert.strictEqual(yield* ref, "true result")
    })
  )

  it.effect("a method that interrupts itself is a cancelled call, as in Ray", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      assert.strictEqual((yield* reasonOf(worker.run(Effect.interrupt)))._tag, "TaskCancelled")
      assert.strictEqual(yield* worker.echo("alive"), "alive")
    })
  )

  it.effect("(differs) cancelling a put value is no silent nothing: it says AlreadyDone", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* ObjectRef.cancel(ObjectRef.succeed(1)), "AlreadyDone")
    })
  )

  it.effect(
    "asyncio.wait_for around a call: (stronger) a timeout around an ask cancels, one around a ref does not",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const worker = yield* Worker.spawn(probe)
        const ref = yield* worker.work.remote("ref")
        const around = (effect: Effect.Effect<string, ActorError.ActorError>) =>
          Effect.forkChild(Effect.exit(Effect.timeout(effect, "1 second")), { startImmediately: true })
        const fibers = [yield* around(worker.work("ask")), yield* around(ref)]
        yield* settle
        yield* TestClock.adjust("1 second")
        yield* Fiber.awaitAll(fibers)
        assert.include(probe.log, "ask cut")
        assert.notInclude(probe.log, "ref cut")
        yield* probe.open("ref")
        assert.strictEqual(yield* ref, "ref")
      })
  )

  it.effect("10,000 calls in line are cancelled in random order, and only they", () =>
    seeded(
      Effect.gen(function* () {
        const probe = new Probe()
        const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
        const held = yield* worker.work.remote("held")
        const refs = yield* Effect.forEach(range(10_000), (i) => worker.echo.remote(i))
        for (const ref of yield* Random.shuffle(refs)) {
          assert.strictEqual(yield* ObjectRef.cancel(ref), "NotStarted")
        }
        yield* probe.open("held")
        assert.strictEqual(yield* held, "held")
      })
    )
  )

  it.effect("cancelling the ref of ObjectRef.fromEffect interrupts the effect", () =>
    Effect.gen(function* () {
      const done = yield* Deferred.make<void>()
      const ref = yield* ObjectRef.fromEffect(Effect.onInterrupt(Effect.never, () => Deferred.succeed(done, undefined)))
      assert.strictEqual(yield* ObjectRef.cancel(ref), "Interrupted")
      yield* Deferred.await(done)
      assert.strictEqual((yield* reasonOf(ref))._tag, "TaskCancelled")
    })
  )
})
