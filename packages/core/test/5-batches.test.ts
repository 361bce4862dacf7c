/**
 * Ending many calls at once, as programs do it: a timeout around a batch, an abort, a sibling that fails.
 */
import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorPool, AsyncHandle, ObjectRef, Task } from "@troupe/core"
import { Effect, Fiber, Latch, ManagedRuntime, Stream } from "effect"
import { TestClock } from "effect/testing"
import { fork, range, reasonOf, settle } from "./support.ts"

/** How many calls wait behind those that run. */
const MANY = 200

/** Counts the bodies that run. */
class Bodies {
  ran = 0
  private readonly latch = Latch.makeUnsafe()
  readonly finalizing = this.latch.await
  readonly finalize = this.latch.open
  readonly body = Effect.andThen(
    Effect.sync(() => {
      this.ran++
    }),
    Effect.never
  )
}

const implementation = (bodies: Bodies) =>
  Effect.succeed({
    send: (_n?: number) => bodies.body,
    grouped: () => bodies.body,
    cleanup: () => Effect.ensuring(bodies.body, bodies.finalizing),
    stream: () => Stream.fromEffect(bodies.body),
    fail: () => Effect.delay(Effect.fail("no"), "1 second"),
    /** Ends on the spot. */
    failNow: () =>
      Effect.andThen(
        Effect.sync(() => bodies.ran++),
        Effect.fail("no")
      )
  })

class Api extends Actor.Service<Api>()("test/Api", {
  maxConcurrency: 10,
  concurrencyGroups: { io: { maxConcurrency: 3, methods: ["grouped"] } },
  shutdownTimeout: 0,
  make: implementation
}) {}

/** Has room for 10 calls, and suspends who submits more. */
class Tight extends Actor.Service<Tight>()("test/Tight", {
  maxConcurrency: 2,
  maxPendingCalls: 10,
  overflow: "suspend",
  shutdownTimeout: 0,
  make: implementation
}) {}

class Keyed extends Actor.Keyed<Keyed>()("test/Keyed", {
  maxConcurrency: 2,
  make: (_key: string) => Effect.suspend(() => implementation(keyedBodies))
}) {}

let keyedBodies = new Bodies()

const many = <A>(make: (n: number) => A): Array<A> => range(MANY).map(make)

const all = <E, R>(effects: ReadonlyArray<Effect.Effect<unknown, E, R>>) =>
  Effect.all(effects, { concurrency: "unbounded", discard: true })

/** Runs a batch until all that can run runs, has a timeout end it, and lets everything happen that is left to happen. */
const timeOut = <A, E, R>(batch: Effect.Effect<A, E, R>, bodies: Bodies) =>
  Effect.gen(function* () {
    const fiber = yield* fork(Effect.timeoutOption(batch, "1 second"))
    yield* settle
    yield* TestClock.adjust("1 second")
    yield* settle
    yield* bodies.finalize
    yield* settle
    assert.isDefined(fiber.pollUnsafe(), "the batch has ended")
  })

describe("5.6 what stands in line when a batch is ended never runs:", () => {
  type Handle = Effect.Success<ReturnType<typeof Api.spawn>>
  const asks: ReadonlyArray<[string, number, (api: Handle) => ReadonlyArray<Effect.Effect<unknown, unknown>>]> = [
    ["asks", 10, (api) => many((n) => api.send(n))],
    ["calls of a group", 3, (api) => many(() => api.grouped())],
    ["calls whose finalizers take their time", 10, (api) => many(() => api.cleanup())],
    ["streams", 10, (api) => many(() => Stream.runDrain(api.stream()))]
  ]
  for (const [what, limit, calls] of asks) {
    it.effect(what, () =>
      Effect.gen(function* () {
        const bodies = new Bodies()
        const api = yield* Api.spawn(bodies)
        yield* timeOut(all(calls(api)), bodies)
        assert.strictEqual(bodies.ran, limit)
      })
    )
  }

  it.effect("submissions that wait for room", () =>
    Effect.gen(function* () {
      for (const maxPendingCalls of [2, 3, 10]) {
        const bodies = new Bodies()
        const tight = yield* Tight.options({ maxPendingCalls }).spawn(bodies)
        yield* timeOut(all(many((n) => tight.send(n))), bodies)
        assert.strictEqual(bodies.ran, 2)
      }
    })
  )

  it.effect("calls of a key", () =>
    Effect.gen(function* () {
      keyedBodies = new Bodies()
      const keyed = yield* Keyed
      yield* timeOut(all(many((n) => keyed.get("a").send(n))), keyedBodies)
      assert.strictEqual(keyedBodies.ran, 2)
    }).pipe(Effect.provide(Keyed.layer))
  )

  it.effect("calls of a task", () =>
    Effect.gen(function* () {
      const bodies = new Bodies()
      const task = Task.make("test/task", () => bodies.body, { maxConcurrency: 4 })
      yield* timeOut(all(many(() => task())), bodies)
      assert.strictEqual(bodies.ran, 4)
    })
  )

  it.effect("work for a pool, by run and by map", () =>
    Effect.gen(function* () {
      const bodies = new Bodies()
      const pool = yield* ActorPool.make({ spawn: Api.spawn(bodies), size: 3 })
      yield* timeOut(all(many(() => pool.run((api) => api.send()))), bodies)
      assert.strictEqual(bodies.ran, 3)
      yield* timeOut(Stream.runDrain(pool.map(range(MANY), (api) => api.send())), bodies)
      assert.strictEqual(bodies.ran, 6)
    })
  )

  it.effect("calls of one actor by another that is cancelled, or killed", () =>
    Effect.forEach(["cancel", "kill"], (how) =>
      Effect.gen(function* () {
        class Parent extends Actor.Service<Parent>()("test/Parent", {
          make: Effect.succeed({ run: (effect: Effect.Effect<void>) => effect })
        }) {}
        const bodies = new Bodies()
        const api = yield* Api.spawn(bodies)
        const parent = yield* Parent.spawn()
        const ref = yield* parent.run.remote(Effect.orDie(all(many((n) => api.send(n)))))
        yield* settle
        yield* how === "cancel" ? ObjectRef.cancel(ref) : Actor.kill(parent)
        yield* settle
        assert.strictEqual(bodies.ran, 10)
      })
    )
  )
})

describe("5.6 a batch is ended", () => {
  it.effect("by a sibling that fails, also one that fails on the spot when it is its turn", () =>
    Effect.gen(function* () {
      const bodies = new Bodies()
      const api = yield* Api.spawn(bodies)
      const failed = yield* fork(Effect.exit(all([api.fail(), ...many((n) => api.send(n))])))
      yield* settle
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(failed)
      yield* settle
      assert.strictEqual(bodies.ran, 9)

      const single = yield* Api.options({ maxConcurrency: 1 }).spawn(bodies)
      bodies.ran = 0
      const first = yield* fork(Effect.exit(single.fail()))
      const batch = yield* fork(Effect.exit(all([single.failNow(), ...many(() => single.failNow())])))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(first)
      yield* Fiber.join(batch)
      yield* settle
      assert.strictEqual(bodies.ran, 1)
    })
  )

  it.effect("by the interruption of all its fibers", () =>
    Effect.gen(function* () {
      const bodies = new Bodies()
      const api = yield* Api.spawn(bodies)
      const fibers = yield* Effect.forEach(
        many((n) => api.send(n)),
        fork
      )
      yield* settle
      yield* Fiber.interruptAll(fibers)
      yield* settle
      assert.strictEqual(bodies.ran, 10)
    })
  )

  const submitted = (bodies: Bodies) =>
    Effect.gen(function* () {
      const api = yield* Api.spawn(bodies)
      const refs = yield* Effect.forEach(range(2000), (n) => api.send.remote(n))
      yield* settle
      return { api, refs }
    })

  it.effect("by cancelling its refs, one after the other or together", () =>
    Effect.forEach([1, "unbounded"] as const, (concurrency) =>
      Effect.gen(function* () {
        const bodies = new Bodies()
        const { refs } = yield* submitted(bodies)
        yield* Effect.forEach(refs, (ref) => ObjectRef.cancel(ref), { concurrency })
        yield* settle
        assert.strictEqual(bodies.ran, 10)
      })
    )
  )

  it.effect("by timeouts of its calls", () =>
    Effect.gen(function* () {
      const bodies = new Bodies()
      const api = yield* Api.spawn(bodies)
      const calls = yield* fork(all(many(() => Effect.exit(api.send.options({ timeout: "1 second" })()))))
      yield* settle
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(calls)
      yield* settle
      assert.strictEqual(bodies.ran, 10)
    })
  )

  it("by an AbortSignal, and by plain code that awaits one cancellation after the other", async () => {
    const bodies = new Bodies()
    const runtime = ManagedRuntime.make(Api.layerArgs(bodies))
    const api = await runtime.runPromise(Api)
    const abort = new AbortController()
    const asks = many((n) => runtime.runPromise(api.send(n), { signal: abort.signal }))
    abort.abort()
    await Promise.allSettled(asks)
    assert.strictEqual(bodies.ran, 10)

    const refs = many((n) => AsyncHandle.make(api).send(n))
    await runtime.runPromise(settle)
    for (const ref of refs) await runtime.runPromise(ObjectRef.cancel(ref))
    assert.strictEqual(bodies.ran, 20)
    await runtime.dispose()
  })

  it.effect("and the permits and the room of its calls are there for others a turn later", () =>
    Effect.gen(function* () {
      const bodies = new Bodies()
      const tight = yield* Tight.spawn(bodies)
      const batch = yield* fork(all(many((n) => tight.send(n))))
      const others = yield* fork(all(range(4).map((n) => Effect.exit(tight.failNow.options({ name: `other ${n}` })()))))
      yield* settle
      yield* Fiber.interrupt(batch)
      yield* Fiber.join(others)
      assert.strictEqual(bodies.ran, 6)
    })
  )
})

describe("5.7", () => {
  it.effect("5.7 cancelAll ends many calls at once, and has an outcome for each, in order", () =>
    Effect.gen(function* () {
      const bodies = new Bodies()
      const api = yield* Api.options({ maxConcurrency: 1 }).spawn(bodies)
      const done = yield* api.failNow.remote()
      yield* Effect.exit(done)
      const [running, waiting, spared] = yield* Effect.all([
        api.cleanup.remote(),
        api.send.remote(),
        api.failNow.remote()
      ])
      yield* settle
      const cancelled = yield* fork(ObjectRef.cancelAll([waiting, running, done, waiting]))
      yield* settle
      assert.isUndefined(cancelled.pollUnsafe(), "it waits for finalizers")
      yield* bodies.finalize
      assert.deepStrictEqual(yield* Fiber.join(cancelled), ["NotStarted", "Interrupted", "AlreadyDone", "NotStarted"])
      assert.strictEqual((yield* reasonOf(waiting))._tag, "TaskCancelled")
      yield* Effect.exit(spared)
      assert.strictEqual(bodies.ran, 3, "done, running and spared")
    })
  )

  it.effect("5.7 cancelAll takes refs of all kinds, also of calls that wait for room, and none at all", () =>
    Effect.gen(function* () {
      const tight = yield* Tight.spawn(new Bodies())
      const plain = AsyncHandle.make(tight)
      const refs = many((n) => plain.send(n))
      const others = [ObjectRef.fromPromise(new Promise(() => {})), yield* ObjectRef.fromEffect(Effect.never)]
      yield* settle
      const outcomes = yield* ObjectRef.cancelAll([...refs, ...others])
      assert.deepStrictEqual(outcomes.slice(0, 3), ["Interrupted", "Interrupted", "NotStarted"])
      assert.deepStrictEqual(new Set(outcomes.slice(2, -2)), new Set(["NotStarted"]))
      assert.deepStrictEqual(outcomes.slice(-2), ["Interrupted", "Interrupted"])
      assert.deepStrictEqual(yield* ObjectRef.cancelAll([]), [])
    })
  )

  it.effect("5.7 cancelAll is recursive, unless told otherwise", () =>
    Effect.forEach([true, false], (recursive) =>
      Effect.gen(function* () {
        class Parent extends Actor.Service<Parent>()("test/Parent", {
          make: Effect.succeed({ run: (effect: Effect.Effect<unknown, unknown>) => effect })
        }) {}
        const api = yield* Api.spawn(new Bodies())
        const parent = yield* Parent.spawn()
        const children: Array<ObjectRef.Any> = []
        const submit = Effect.map(api.send.remote(), (ref) => children.push(ref))
        const refs = yield* Effect.forEach(range(3), () => parent.run.remote(Effect.andThen(submit, Effect.never)))
        yield* settle
        yield* ObjectRef.cancelAll(refs, { recursive })
        yield* settle
        const outcomes = yield* ObjectRef.cancelAll(children)
        assert.deepStrictEqual(
          outcomes,
          range(3).map(() => (recursive ? "AlreadyDone" : "Interrupted"))
        )
      })
    )
  )

  it.effect("5.7 what is no ref is refused before anything is cancelled", () =>
    Effect.gen(function* () {
      const api = yield* Api.spawn(new Bodies())
      const ref = yield* api.send.remote()
      const exit = yield* Effect.exit(ObjectRef.cancelAll([ref, api.send() as any]))
      assert.include(String(exit), "ObjectRef.cancelAll takes ObjectRefs")
      assert.strictEqual(yield* ObjectRef.cancel(ref), "NotStarted")
    })
  )

  it.effect("5.7 an actor is no ref, and the caller who cancels one is told how actors end", () =>
    Effect.gen(function* () {
      const api = yield* Api.spawn(new Bodies())
      const exit = yield* Effect.exit(ObjectRef.cancel(api as any))
      assert.include(String(exit), "To end an actor, use Actor.stop or Actor.kill.")
    })
  )
})
