// When calls start that were submitted without waiting for them, and that fast paths are taken.
import { assert, describe, it } from "@effect/vitest"
import { Actor, AsyncHandle, ObjectRef } from "@troupe/core"
import { Effect, Latch, Scheduler } from "effect"
import { TestClock } from "effect/testing"

class Counter extends Actor.Service<Counter>()("test/Counter", {
  make: Effect.sync(() => {
    let count = 0
    return { add: (by: number) => Effect.sync(() => (count += by)), get: () => Effect.sync(() => count) }
  })
}) {}

class Room extends Actor.Keyed<Room>()("test/Room", {
  make: (name: string) => Effect.succeed({ name: () => Effect.succeed(name), stop: () => Actor.exit })
}) {}

/** Says how often the event loop has turned. */
const countTurns = () => {
  let turns = 0
  let counting = true
  const next = () => {
    if (!counting) return
    turns++
    setImmediate(next)
  }
  setImmediate(next)
  return { turns: () => turns, stop: () => (counting = false) }
}

describe("1.3", () => {
  it.effect("1.3 a call starts at once when its submitter waits for its ref, and no earlier", () =>
    Effect.gen(function* () {
      const counter = yield* Counter.spawn()
      const first = yield* counter.add.remote(1)
      const second = yield* counter.add.remote(1)
      assert.strictEqual(ObjectRef.isObjectRef(first) && String(first).includes("waiting"), true)
      const { stop, turns } = countTurns()
      assert.strictEqual(yield* second, 2)
      assert.strictEqual(turns(), 0)
      stop()
      assert.strictEqual(yield* first, 1)
    })
  )

  it("1.3 a call of an AsyncHandle starts in a microtask, after the code that submitted it", async () => {
    const { runPromise } = Effect
    await runPromise(
      Effect.scoped(
        Effect.flatMap(Counter.spawn(), (counter) =>
          Effect.promise(async () => {
            const handle = AsyncHandle.make(counter)
            // The first ones may come when the event loop has not turned for long.
            for (let i = 0; i < 20; i++) await handle.add(0)
            const { stop, turns } = countTurns()
            const ref = handle.add(1)
            assert.include(String(ref), "waiting")
            assert.strictEqual(await ref, 1)
            assert.strictEqual(turns(), 0)
            stop()
          })
        )
      )
    )
  })

  it("1.3 the event loop turns, however many calls are awaited one after the other", async () => {
    await Effect.runPromise(
      Effect.scoped(
        Effect.flatMap(Counter.spawn(), (counter) =>
          Effect.promise(async () => {
            const handle = AsyncHandle.make(counter)
            const { stop, turns } = countTurns()
            // Ends when the loop has turned: were it starved, this would never end.
            while (turns() < 3) await handle.add(1)
            stop()
          })
        )
      )
    )
  })

  it.effect("a call that would have started in this turn, and does not, says for how long it has waited", () =>
    Effect.gen(function* () {
      const latch = Latch.makeUnsafe()
      class Gate extends Actor.Service<Gate>()("test/Gate", {
        make: Effect.succeed({ pass: () => latch.await }),
        maxConcurrency: 2
      }) {}
      const gate = yield* Gate.spawn()
      const first = yield* gate.pass.remote()
      yield* Effect.yieldNow
      const second = yield* gate.pass.remote()
      yield* Actor.resize(gate, 1)
      yield* Effect.yieldNow
      yield* TestClock.adjust("5 seconds")
      assert.include(String(second), "waiting 5.0 s")
      yield* latch.open
      yield* ObjectRef.all([first, second])
    })
  )

  it.effect("1.3 a scheduler of the user's decides about each turn", () =>
    Effect.gen(function* () {
      const counter = yield* Counter.spawn()
      const tasks: Array<() => void> = []
      const dispatcher: Scheduler.SchedulerDispatcher = {
        scheduleTask: (task) => void tasks.push(task),
        flush: () => {}
      }
      const scheduler: Scheduler.Scheduler = {
        executionMode: "async",
        shouldYield: () => false,
        makeDispatcher: () => dispatcher
      }
      const ref = yield* Effect.provideService(counter.add.remote(1), Scheduler.Scheduler, scheduler)
      assert.strictEqual(tasks.length, 1)
      const value = yield* Effect.forkChild(ref, { startImmediately: true })
      assert.strictEqual(yield* counter.get.options({})(), 1)
      for (const task of tasks) task()
      assert.strictEqual(value.pollUnsafe()?._tag, "Success")
    })
  )
})

describe("7.2", () => {
  it.effect("7.2 while an instance is up, its key has one handle, whose methods are the same", () =>
    Effect.gen(function* () {
      const rooms = yield* Room
      const before = rooms.get("hall")
      yield* before.name()
      assert.strictEqual(rooms.get("hall"), before)
      assert.strictEqual(rooms.get("hall").name, before.name)
      yield* Effect.exit(before.stop())
      assert.strictEqual(yield* before.name(), "hall")
      assert.strictEqual(yield* rooms.get("hall").name(), "hall")
    }).pipe(Effect.provide(Room.layer))
  )
})

describe("handles", () => {
  it.effect("list their methods, bind them once, and let tests replace them", () =>
    Effect.gen(function* () {
      const counter = yield* Counter.spawn()
      assert.deepStrictEqual(Object.keys(counter), ["add", "get"])
      const { add } = counter
      assert.strictEqual(counter.add, add)
      assert.strictEqual(yield* add(1), 1)
      const other = yield* Counter.spawn()
      assert.notStrictEqual(other.add, add)
      assert.strictEqual(yield* { ...counter }.add(1), 2)
      const fake = () => Effect.succeed(7)
      Object.assign(counter, { add: fake })
      assert.strictEqual(counter.add as unknown, fake)
    })
  )

  it.effect("are made without asking the Proxy behind them: what they are given is in their first prototype", () =>
    Effect.gen(function* () {
      const counter = yield* Counter.spawn()
      for (const handle of [counter, (yield* Room).get("hall"), AsyncHandle.make(counter)]) {
        const given = Object.getOwnPropertySymbols(handle)
        assert.isNotEmpty(given)
        for (const key of given) assert.isTrue(Object.hasOwn(Object.getPrototypeOf(handle), key))
      }
      assert.strictEqual(String(Object.getPrototypeOf(counter)), "test/Counter")
    }).pipe(Effect.provide(Room.layer))
  )

  it.effect("for async code have the methods of the handle as properties of their own, which tests may replace", () =>
    Effect.gen(function* () {
      const counter = yield* Counter.spawn()
      const handle = AsyncHandle.make(counter)
      assert.deepStrictEqual(Object.keys(handle), ["add", "get"])
      assert.isTrue(Object.hasOwn(handle, "add"))
      const { add, get } = handle
      assert.deepStrictEqual([handle.add, handle.get, handle.add], [add, get, add])
      assert.strictEqual(AsyncHandle.make(handle as never as typeof counter).add as unknown, add)
      assert.strictEqual(String(handle), String(counter))
      assert.isUndefined(Object.getPrototypeOf(handle).add)
      const fake = () => Effect.runPromise(Effect.succeed(7))
      Object.assign(handle, { add: fake })
      assert.strictEqual(handle.add as unknown, fake)
      assert.strictEqual(yield* counter.add(1), 1)
      const { get: other } = yield* Counter.spawn()
      Object.assign(counter, { get: other })
      assert.notStrictEqual(handle.get, get)
      assert.strictEqual(yield* handle.get(), 0)
    })
  )
})
