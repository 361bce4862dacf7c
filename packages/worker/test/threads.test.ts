import { AsyncLocalStorage } from "node:async_hooks"
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Actor, ActorSystem } from "@troupe/core"
import { WorkerHome } from "@troupe/worker"
import { Deferred, Effect, Exit, ManagedRuntime } from "effect"
import { fork, range, reasonOf } from "../../core/test/support.ts"
import { Counter } from "./fixtures/Counter.ts"
import { Place } from "./fixtures/Place.ts"
import { bundle } from "./support.ts"

const url = await bundle("place.worker")
const counterUrl = await bundle("counter.worker")
const runtime = ManagedRuntime.make(WorkerHome.layer(Place, { url, size: 2 }))
afterAll(() => runtime.dispose())
const place = await runtime.runPromise(Place)

describe("keys and threads", () => {
  it.effect("keys spread over the threads, and each stays where it is", () =>
    Effect.gen(function* () {
      const threads = yield* Effect.forEach(range(30), (n) => place.get(`k${n}`).thread())
      assert.strictEqual(new Set(threads).size, 2)
      assert.notInclude(threads, 0)
      yield* place.stop("k0")
      assert.deepStrictEqual(yield* Effect.forEach(range(30), (n) => place.get(`k${n}`).thread()), threads)
    })
  )

  it.effect("equal keys are one key", () =>
    Effect.gen(function* () {
      yield* place.get({ city: "Rome", n: 1 }).count()
      assert.strictEqual(yield* place.get({ city: "Rome", n: 1 }).count(), 2)
    })
  )

  it.effect("an instance that dies over there is dead here, and the next call makes another", () =>
    Effect.gen(function* () {
      const one = place.get("mortal")
      yield* one.count()
      assert.include(yield* place.keys, "mortal")
      yield* Effect.exit(one.die())
      assert.strictEqual(yield* one.count(), 1)
    })
  )

  it.effect("a key that cannot cross fails its calls, and no others", () =>
    Effect.gen(function* () {
      const reason = yield* reasonOf(place.get({ f: () => {} }).count())
      assert.strictEqual(reason._tag, "ActorDied")
      assert.match(reason.message, /its key cannot cross to its thread/)
      assert.strictEqual(yield* place.get("still").count(), 1)
    })
  )

  it.effect(
    "an instance that is passivated over there first is made again, and is the same one here",
    () =>
      Effect.gen(function* () {
        const place = yield* Place
        const one = place.get("sleepy")
        assert.strictEqual(yield* one.count(), 1)
        const watcher = yield* fork(Actor.watch(one))
        // Only time over there passes.
        const longEnough = Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 100)))
        yield* Effect.repeat(Effect.andThen(longEnough, one.count()), { until: (count) => count === 1 })
        assert.isUndefined(watcher.pollUnsafe())
        assert.deepStrictEqual(yield* place.keys, ["sleepy"])
      }).pipe(Effect.provide(WorkerHome.layer(Place, { url, workerOptions: { workerData: { idleTimeToLive: 20 } } }))),
    30_000
  )

  it("what comes back finds its caller in its own async context", async () => {
    const storage = new AsyncLocalStorage<string>()
    const seen = Effect.sync(() => storage.getStore())
    const call = (name: string) =>
      storage.run(name, () => runtime.runPromise(Effect.andThen(place.get(name).count(), seen)))
    const names = range(20).map((n) => `request ${n}`)
    assert.deepStrictEqual(await Promise.all(names.map(call)), names)
  })

  it("a snapshot says which thread an instance lives in", async () => {
    const thread = await runtime.runPromise(place.get("seen").thread())
    const { instances } = await runtime.runPromise(ActorSystem.snapshot({ actor: "test/Place" }))
    const { home } = instances.find(({ key }) => key === "seen")!
    assert.deepInclude(home, { kind: "worker", thread })
  })

  it.live(
    "as many as the machine runs at once",
    () =>
      Effect.gen(function* () {
        const place = yield* Place
        const threads = yield* Effect.forEach(range(100), (n) => place.get(n).thread(), { concurrency: "unbounded" })
        assert.strictEqual(new Set(threads).size, availableParallelism())
      }).pipe(Effect.provide(WorkerHome.layer(Place, { url, size: "max" }))),
    30_000
  )

  it.live(
    "a thread that was started for one instance ends with it, however long the Scope stays open",
    () =>
      Effect.gen(function* () {
        for (const end of [Actor.stop, Actor.kill]) {
          const exited = yield* Deferred.make<void>()
          const spawn = () => new Worker(counterUrl).once("exit", () => Deferred.doneUnsafe(exited, Exit.void))
          const counter = yield* WorkerHome.spawn(Counter, { spawn })
          assert.strictEqual(yield* counter.increment(1), 1)
          yield* end(counter)
          yield* Deferred.await(exited)
        }
      }),
    30_000
  )
})
