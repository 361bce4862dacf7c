/**
 * Async contexts: each test runs many requests at once, each with a store of its own, and every one must see its own.
 */
import { AsyncLocalStorage } from "node:async_hooks"
import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorPool, AsyncHandle, ObjectRef, Task } from "@troupe/core"
import { Effect, Layer, ManagedRuntime, Schedule, Stream } from "effect"
import { range } from "./support.ts"

const storage = new AsyncLocalStorage<string>()
const who = Effect.sync(() => storage.getStore())

/** Looks before and after it waits, and after it has yielded to the calls beside it. */
const looks = Effect.all([who, Effect.andThen(Effect.yieldNow, who), Effect.andThen(Effect.sleep(1), who)])

const users = range(20).map((n) => `user-${n}`)

/** Runs `request` for all users at once, and looks that each saw itself alone. */
const everyone = async (what: string, request: (user: string) => PromiseLike<unknown>): Promise<void> => {
  const seen = await Promise.all(users.map((user) => storage.run(user, async () => await request(user))))
  for (const [n, user] of users.entries()) {
    assert.deepStrictEqual([...new Set([seen[n]].flat())], [user], `${what}: ${user}`)
  }
}

const failOnce = () => {
  const failed = new Set<string>()
  return (user: string) =>
    Effect.suspend(() => {
      if (failed.has(user)) return looks
      failed.add(user)
      return Effect.delay(Effect.fail("once"), 1)
    })
}

class Store extends Actor.Service<Store>()("test/Store", {
  shutdownTimeout: 0,
  concurrencyGroups: { io: { maxConcurrency: 1, methods: ["grouped"] } },
  maxTaskRetries: 1,
  retry: true,
  make: Effect.sync(() => ({
    who: () => who,
    looks: () => looks,
    grouped: () => looks,
    nap: () => Effect.as(Effect.sleep(1), undefined),
    after: (_: undefined) => looks,
    flaky: failOnce(),
    stream: () => Stream.concat(Stream.fromEffect(who), Stream.fromEffect(Effect.andThen(Effect.sleep(1), who)))
  }))
}) {}

class Tight extends Actor.Service<Tight>()("test/Tight", {
  maxPendingCalls: 2,
  overflow: "suspend",
  make: Effect.succeed({ who: () => who, looks: () => looks })
}) {}

const made: Array<string | undefined> = []
class Keyed extends Actor.Keyed<Keyed>()("test/Keyed", {
  make: (_key: string) =>
    Effect.as(
      Effect.map(who, (user) => made.push(user)),
      { who: () => who, looks: () => looks }
    )
}) {}

describe.each([1, 2, 1000])(
  "1.9 a call sees the async context in which it was submitted, at maxConcurrency %d:",
  (max) => {
    const setUp = async () => {
      const options = { maxConcurrency: max }
      const layer = Layer.mergeAll(
        Store.options(options).layer,
        Tight.options(options).layer,
        Keyed.options(options).layer
      )
      const runtime = ManagedRuntime.make(layer)
      const [store, tight, keyed] = await runtime.runPromise(Effect.all([Store, Tight, Keyed]))
      const task = Task.make("test/task", () => looks, options)
      return { runtime, store, tight, keyed, task, run: runtime.runPromise.bind(runtime) }
    }

    it("by await, ask and ref", async () => {
      const { run, runtime, store } = await setUp()
      const plain = AsyncHandle.make(store)
      await everyone("await", () => plain.looks())
      await everyone("await of what ends at once", () => plain.who())
      await everyone("ask", () => run(store.looks()))
      await everyone("ask of what ends at once", () => run(store.who()))
      await everyone("ref", () => run(Effect.flatten(store.looks.remote())))
      await everyone("stream", () => run(Stream.runCollect(store.stream())))
      await runtime.dispose()
    })

    it("in a group, for a key, of a task, in a pool", async () => {
      const { keyed, run, runtime, store, task } = await setUp()
      await everyone("group", () => run(store.grouped()))
      await everyone("one key", () => run(keyed.get("one").looks()))
      await everyone("a key of its own", (user) => AsyncHandle.make(keyed.get(user)).who())
      await everyone("task", () => run(task()))
      await everyone("ref of a task", () => run(Effect.flatten(task.remote())))
      const pooled = Effect.gen(function* () {
        const pool = yield* ActorPool.make({ spawn: Store.spawn(), size: 2 })
        yield* Effect.promise(() => everyone("pool", () => run(pool.run((member) => member.looks()))))
      })
      await run(Effect.scoped(pooled))
      await runtime.dispose()
    })

    it("after it has waited for room, for arguments, or has run before", async () => {
      const { run, runtime, store, tight } = await setUp()
      await everyone("room, await", () => AsyncHandle.make(tight).looks())
      await everyone("room, ask", () => run(tight.who()))
      await everyone("room, ref", () => run(Effect.flatten(tight.looks.remote())))
      await everyone("argument", () => run(Effect.flatMap(store.nap.remote(), (nap) => store.after(nap))))
      await everyone("retried", (user) => run(store.flaky(user)))
      await runtime.dispose()
    })

    it("and its caller goes on in its own, also one that waits for the call of another", async () => {
      const { run, runtime, store } = await setUp()
      await everyone("after an ask", () => run(Effect.andThen(store.nap(), who)))
      await everyone("after a ref", () => run(Effect.andThen(Effect.flatten(store.nap.remote()), who)))
      await everyone("after several", () =>
        run(Effect.andThen(Effect.flatMap(Effect.all([store.nap.remote(), store.who.remote()]), ObjectRef.all), who))
      )
      const shared = storage.run("owner", () => AsyncHandle.make(store).nap())
      await everyone("after the ref of another", () =>
        run(
          Effect.andThen(
            Effect.suspend(() => shared),
            who
          )
        )
      )
      assert.isUndefined(await run(Effect.andThen(store.nap(), who)), "no store")
      await runtime.dispose()
    })

    it("which may be one without a store", async () => {
      const { runtime, store } = await setUp()
      const plain = AsyncHandle.make(store)
      const seen = await Promise.all(
        users.map((user, n) => (n % 2 === 0 ? storage.run(user, async () => await plain.looks()) : plain.looks()))
      )
      for (const [n, user] of users.entries()) {
        assert.deepStrictEqual([...new Set(seen[n])], [n % 2 === 0 ? user : undefined])
      }
      await runtime.dispose()
    })
  }
)

describe("1.9 an instance is of no request:", () => {
  it("the constructor of a key runs in the context of its Layer, whoever calls first", async () => {
    made.length = 0
    const runtime = ManagedRuntime.make(Keyed.layer)
    const keyed = await storage.run("the app", () => runtime.runPromise(Keyed))
    await storage.run("a request", () => runtime.runPromise(keyed.get("a").who()))
    assert.deepStrictEqual(made, ["the app"])
    await runtime.dispose()
  })

  it("a restart runs in the context in which the instance was started, not in that of the call that died", async () => {
    const made: Array<string | undefined> = []
    class Fragile extends Actor.Service<Fragile>()("test/Fragile", {
      restart: Schedule.recurs(1),
      make: Effect.as(
        Effect.map(who, (user) => made.push(user)),
        { die: () => Effect.die("defect"), who: () => who }
      )
    }) {}
    const runtime = ManagedRuntime.make(Fragile.layer)
    const fragile = await storage.run("the app", () => runtime.runPromise(Fragile))
    await storage.run("a request", () => runtime.runPromise(Effect.exit(fragile.die())))
    assert.strictEqual(await storage.run("another", () => runtime.runPromise(fragile.who())), "another")
    assert.deepStrictEqual(made, ["the app", "the app"])
    await runtime.dispose()
  })
})
