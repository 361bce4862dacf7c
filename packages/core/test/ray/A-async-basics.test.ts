import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { threadId } from "node:worker_threads"
import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorContext, type ActorError, ActorSystem, AsyncHandle, Driver, ObjectRef, Task } from "@troupe/core"
import { Effect, Exit, Fiber, Latch, Logger, Stream } from "effect"
import { TestClock } from "effect/testing"
import { defectOf, errorOf, Probe, range, reasonOf, settle, Worker } from "../support.ts"
import { Counter, Signal } from "./support.ts"

class Boom {
  readonly _tag = "Boom"
}

describe("A: async actors", () => {
  it.effect("test_asyncio_actor: three calls wait inside the actor for each other, and all see the three items", () => {
    class Batcher extends Actor.Service<Batcher>()("ray/Batcher", {
      make: Effect.map(Latch.make(), (full) => {
        const items: Array<number> = []
        return {
          add: (item: number) =>
            Effect.gen(function* () {
              if (items.push(item) === 3) yield* full.open
              yield* full.await
              return [...items]
            })
        }
      })
    }) {}
    return Effect.gen(function* () {
      const batcher = yield* Batcher.spawn()
      const refs = yield* Effect.forEach([1, 2, 3], (item) => batcher.add.remote(item))
      assert.deepStrictEqual(yield* ObjectRef.get(refs), [
        [1, 2, 3],
        [1, 2, 3],
        [1, 2, 3]
      ])
    }).pipe(Effect.provide(Driver.layer))
  })

  it.effect("test_asyncio_actor_same_thread: methods that suspend and methods that do not share one thread", () => {
    class Threads extends Actor.Service<Threads>()("ray/Threads", {
      make: Effect.succeed({
        sync: () => Effect.sync(() => threadId),
        async: () => Effect.andThen(Effect.yieldNow, () => Effect.succeed(threadId))
      })
    }) {}
    return Effect.gen(function* () {
      const threads = yield* Threads.spawn()
      assert.deepStrictEqual([yield* threads.sync(), yield* threads.async()], [threadId, threadId])
    })
  })

  it.effect("test_asyncio_actor_concurrency: at 1, ten calls never interleave, and (stronger) start in order", () =>
    Effect.gen(function* () {
      const history: Array<string> = []
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn()
      const record = (i: number) =>
        Effect.gen(function* () {
          history.push(`STARTED ${i}`)
          yield* Effect.yieldNow
          history.push(`ENDED ${i}`)
        })
      const refs = yield* Effect.forEach(range(10), (i) => worker.run.remote(record(i)))
      yield* ObjectRef.all(refs)
      assert.deepStrictEqual(
        history,
        range(10).flatMap((i) => [`STARTED ${i}`, `ENDED ${i}`])
      )
    })
  )

  it.effect("test_asyncio_actor_high_concurrency: at 10, 1000 calls run ten at a time", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 10 }).spawn(probe)
      const refs = yield* Effect.forEach(range(1000), (i) => worker.work.remote(`${i}`))
      yield* probe.open(...range(1000).map(String))
      yield* ObjectRef.all(refs)
      assert.isAtMost(probe.peak, 10)
      assert.deepStrictEqual(probe.startOrder, range(1000).map(String))
    })
  )

  it.effect(
    "test_asyncio_actor_with_large_concurrency: 100,000 permits cost nothing; 2 s calls all end after 2 s",
    () =>
      Effect.gen(function* () {
        const worker = yield* Worker.options({ maxConcurrency: 100_000 }).spawn()
        const refs = yield* Effect.forEach(range(5000), (i) =>
          worker.run.remote(Effect.as(Effect.sleep("2 seconds"), i) as Effect.Effect<any>)
        )
        yield* settle
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(yield* ObjectRef.get(refs, { timeout: 0 }), range(5000))
      }).pipe(Effect.provide(Driver.layer))
  )

  it.effect("test_asyncio_get: values, large values and failures of tasks and methods come out of await", () => {
    const one = Task.make("one", () => Effect.succeed(1))
    const failing = Task.make("failing", () => Effect.fail(new Boom()))
    return Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const boom = new Boom()
      assert.strictEqual(yield* Effect.promise(async () => await Effect.runPromise(one.remote())), 1)
      assert.instanceOf(yield* errorOf(yield* failing.remote()), Boom)
      assert.strictEqual(yield* yield* worker.echo.remote(2), 2)
      const large = "a".repeat(200_000)
      assert.strictEqual(yield* yield* worker.echo.remote(large), large)
      assert.strictEqual(yield* errorOf(yield* worker.fail.remote(boom)), boom)
      const held = yield* worker.run.remote(Effect.never)
      yield* settle
      yield* Actor.kill(worker)
      assert.strictEqual((yield* reasonOf(held))._tag, "ActorDied")
      assert.strictEqual((yield* reasonOf(yield* worker.echo.remote(2)))._tag, "ActorDied")
    })
  })

  it.effect("test_asyncio_actor_async_get: a method awaits a task's ref, and a ref it got nested in a list", () => {
    const one = Task.make("one", () => Effect.succeed(1))
    class Getter extends Actor.Service<Getter>()("ray/Getter", {
      make: Effect.succeed({
        get: () => Effect.flatten(one.remote()),
        plasmaGet: (refs: ReadonlyArray<ObjectRef.ObjectRef<number>>) => refs[0]!
      })
    }) {}
    return Effect.gen(function* () {
      const getter = yield* Getter.spawn()
      assert.strictEqual(yield* getter.get(), 1)
      assert.strictEqual(yield* getter.plasmaGet([ObjectRef.succeed(2)]), 2)
    })
  })

  it.effect("test_asyncio_exit_actor: exit waits for running calls (as documented); kill ends an endless one", () => {
    class Endless extends Actor.Service<Endless>()("ray/Endless", {
      make: Effect.succeed({
        loop: () => Effect.forever(Effect.sleep("1 minute")),
        exit: () => Actor.exit,
        ping: () => Effect.succeed("pong")
      })
    }) {}
    return Effect.gen(function* () {
      const endless = yield* Endless.spawn()
      const loop = yield* endless.loop.remote()
      yield* settle
      const exit = yield* reasonOf(endless.exit())
      assert.strictEqual(exit._tag, "ActorDied")
      assert.include(exit.message, "Actor.exit")
      assert.strictEqual((yield* reasonOf(endless.ping()))._tag, "ActorDied")
      yield* Actor.kill(endless)
      assert.strictEqual((yield* reasonOf(loop))._tag, "ActorDied")
    })
  })

  it.effect(
    "test_asyncio_exit_actor_no_process_leak: after exit the actor's Scope is closed, its fibers are gone",
    () => {
      const log: Array<string> = []
      class Exiting extends Actor.Service<Exiting>()("ray/Exiting", {
        make: Effect.gen(function* () {
          yield* Effect.forkScoped(Effect.onInterrupt(Effect.never, () => Effect.sync(() => log.push("fiber ended"))))
          yield* Effect.addFinalizer(() => Effect.sync(() => log.push("released")))
          return { exit: () => Actor.exit }
        })
      }) {}
      return Effect.gen(function* () {
        const exiting = yield* Exiting.spawn()
        yield* settle
        assert.strictEqual((yield* reasonOf(exiting.exit()))._tag, "ActorDied")
        yield* Actor.watch(exiting)
        assert.deepStrictEqual(log.sort(), ["fiber ended", "released"])
      })
    }
  )

  it.effect("test_async_callback: a callback of a ready ref fires; of a held ref, only once it is ready", () =>
    Effect.gen(function* () {
      const signal = yield* Signal.spawn()
      const fired: Array<string> = []
      ObjectRef.succeed(1).then(() => fired.push("ready"))
      const held = yield* signal.wait.remote()
      const done = held.then(() => fired.push("held"))
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      assert.deepStrictEqual(fired, ["ready"])
      yield* signal.send()
      yield* Effect.promise(() => done)
      assert.deepStrictEqual(fired, ["ready", "held"])
    })
  )

  it.effect("test_async_function_errored: (stronger) an async remote function is what a task is", () =>
    Effect.gen(function* () {
      const double = Task.make("double", (n: number) => Effect.as(Effect.sleep("1 second"), n * 2))
      const ref = yield* double.remote(21)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* ref, 42)
    })
  )

  it.live(
    "test_async_obj_unhandled_errors: a failed ref dropped unread is reported once; an awaited one is not",
    () => {
      setFlagsFromString("--expose-gc")
      const gc: () => void = runInNewContext("gc")
      const reports: Array<string> = []
      const logger = Logger.make(({ message }) => void reports.push(String(message)))
      const turn = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      return Effect.gen(function* () {
        const worker = yield* Worker.spawn()
        yield* worker.fail.remote("dropped")
        yield* Effect.exit(yield* worker.fail.remote("awaited"))
        for (let i = 0; i < 50 && reports.length === 0; i++) {
          yield* turn
          gc()
        }
        for (let i = 0; i < 5; i++) yield* turn
        assert.strictEqual(reports.length, 1)
        assert.include(reports[0], "test/Worker.fail")
      }).pipe(Effect.provide(Logger.layer([logger])))
    }
  )

  it.effect("test_asyncio_cluster_wait: a bounded wait for a 0.5 MB array gives (stronger) the very same array", () => {
    const array = new Uint8Array(500_000)
    const make = Task.make("make", () => Effect.as(Effect.sleep("1 second"), array))
    return Effect.gen(function* () {
      const ref = yield* make.remote()
      const waiting = yield* Effect.forkChild(Effect.timeout(ref, "10 seconds"))
      yield* settle
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(waiting), array)
    })
  })

  it.effect(
    "test_is_async_func, test_has_async_methods: Effects and Streams are methods, a plain value is a defect",
    () => {
      class Mixed extends Actor.Service<Mixed>()("ray/Mixed", {
        make: Effect.succeed({
          items: () => Stream.make(1, 2),
          plain: (() => 1) as unknown as () => Effect.Effect<number>,
          promise: (async () => 1) as unknown as () => Effect.Effect<number>
        })
      }) {}
      return Effect.gen(function* () {
        const mixed = yield* Mixed.spawn()
        assert.deepStrictEqual(yield* Stream.runCollect(mixed.items()), [1, 2])
        const defect = yield* defectOf(mixed.plain())
        assert.instanceOf(defect, TypeError)
        assert.include((defect as Error).message, "ray/Mixed.plain must return an Effect")
        assert.include(((yield* defectOf(mixed.promise())) as Error).message, "Effect.promise")
      })
    }
  )

  const fibonacci = (call: () => Effect.Effect<unknown, ActorError.ActorError>) => {
    const fib: Task.Task<[number], number, ActorError.ActorError> = Task.make("fib", (n: number) =>
      Effect.gen(function* () {
        yield* call()
        if (n < 2) return 1
        const [a, b] = [yield* fib.remote(n - 1), yield* fib.remote(n - 2)]
        return (yield* a) + (yield* b)
      })
    )
    return fib
  }

  it.effect(
    "test_async_actor_have_bounded_num_of_threads: 177 recursive tasks call an actor of limit 2: fib(10) = 89",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const worker = yield* Worker.options({ maxConcurrency: 2 }).spawn(probe)
        let calls = 0
        const fib = fibonacci(() => {
          probe.open(`${++calls}`).pipe(Effect.runSync)
          return worker.work(`${calls}`)
        })
        assert.strictEqual(yield* fib(10), 89)
        assert.strictEqual(calls, 177)
        assert.isAtMost(probe.peak, 2)
      })
  )

  it.effect("test_async_actor_cg_have_bounded_num_of_threads: the same, with two groups", () => {
    const running = { io: 0, compute: 0 }
    const peak = { io: 0, compute: 0 }
    const work = (group: "io" | "compute") => () =>
      Effect.acquireUseRelease(
        Effect.sync(() => (peak[group] = Math.max(peak[group], ++running[group]))),
        () => Effect.yieldNow,
        () => Effect.sync(() => running[group]--)
      )
    class Groups extends Actor.Service<Groups>()("ray/Groups", {
      concurrencyGroups: {
        io: { maxConcurrency: 2, methods: ["io"] },
        compute: { maxConcurrency: 4, methods: ["compute"] }
      },
      make: Effect.succeed({ io: work("io"), compute: work("compute") })
    }) {}
    return Effect.gen(function* () {
      const groups = yield* Groups.spawn()
      const fib = fibonacci(() => Effect.all([groups.io(), groups.compute()], { concurrency: 2 }))
      assert.strictEqual(yield* fib(10), 89)
      assert.deepStrictEqual(peak, { io: 2, compute: 4 })
    })
  })

  it.live("test_asyncio_double_await, gather: a ref can be awaited many times, with plain promises too", () =>
    Effect.gen(function* () {
      const counter = AsyncHandle.make(yield* Counter.spawn())
      const ref = counter.increase()
      const values = yield* Effect.promise(async () => [await ref, await ref, ...(await Promise.all([ref, ref]))])
      assert.deepStrictEqual(values, [1, 1, 1, 1])
      const settled = yield* Effect.promise(() => Promise.allSettled([ref, counter.value()]))
      assert.deepStrictEqual(
        settled.map(({ status }) => status),
        ["fulfilled", "fulfilled"]
      )
    })
  )

  it.effect(
    "test_gather, test_gather_mixup: refs of calls, of tasks, of promises and plain Effects are waited for together",
    () =>
      Effect.gen(function* () {
        const worker = yield* Worker.spawn()
        const nap = Task.make("nap", (n: number) => Effect.as(Effect.sleep(n * 100), n))
        const refs = [yield* nap.remote(1), yield* worker.add.remote(1, 1), ObjectRef.fromPromise(Promise.resolve(3))]
        const all = yield* Effect.forkChild(Effect.all([...refs, Effect.succeed(4)], { concurrency: "unbounded" }))
        yield* settle
        yield* TestClock.adjust("100 millis")
        assert.deepStrictEqual(yield* Fiber.join(all), [1, 2, 3, 4])
        assert.deepStrictEqual(yield* ObjectRef.all(refs), [1, 2, 3])
      })
  )

  it.effect("test_as_completed: results as they come, not as they were submitted", () =>
    Effect.gen(function* () {
      const nap = Task.make("nap", (n: number) => Effect.as(Effect.sleep(n * 100), n))
      const refs = yield* Effect.forEach([3, 1, 2], (n) => nap.remote(n))
      const completed = yield* Effect.forkChild(Stream.runCollect(ObjectRef.asCompleted(refs)))
      yield* settle
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual(yield* Fiber.join(completed), [1, 2, 3])
    })
  )

  it.effect("test_gather_benchmark: 1000 calls that sleep 1 s take 1 s", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const refs = yield* Effect.forEach(range(1000), () =>
        worker.run.remote(Effect.sleep("1 second") as Effect.Effect<any>)
      )
      yield* settle
      yield* TestClock.adjust("1 second")
      assert.isTrue(refs.every((ref) => String(ref).includes("succeeded")))
    })
  )

  it.effect("asyncio.wait_for on a ref: the wait times out, the call runs to completion, the ref is still good", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const ref = yield* worker.run.remote(Effect.as(Effect.sleep("3 seconds"), "late") as Effect.Effect<any>)
      const wait = yield* Effect.forkChild(Effect.exit(Effect.timeout(ref, "1 second")))
      yield* settle
      yield* TestClock.adjust("1 second")
      assert.isTrue(Exit.isFailure(yield* Fiber.join(wait)))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* ref, "late")
    })
  )

  it.effect("get_runtime_context: an actor knows its id, its name, its number and its restarts", () => {
    class Knowing extends Actor.Service<Knowing>()("ray/Knowing", {
      make: Effect.succeed({
        self: () => Effect.map(ActorContext.ActorContext, ({ actor, name, restarts }) => ({ actor, name, restarts }))
      })
    }) {}
    return Effect.gen(function* () {
      const knowing = yield* Knowing.options({ name: "me" }).spawn()
      assert.deepStrictEqual(yield* knowing.self(), { actor: "ray/Knowing", name: "me", restarts: 0 })
    }).pipe(Effect.provide(ActorSystem.layer))
  })

  it.effect(
    "an exception in a background fiber of a method does not reach the caller, but is not the actor's end",
    () =>
      Effect.gen(function* () {
        const worker = yield* Worker.spawn()
        const background = Effect.forkDetach(Effect.die("background"))
        yield* worker.run(background)
        yield* settle
        assert.strictEqual(yield* worker.echo(1), 1)
      })
  )
})
