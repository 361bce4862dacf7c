import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorError, AsyncHandle, Driver, ObjectRef } from "@troupe/core"
import { Effect, Fiber, Layer, ManagedRuntime, Ref, Stream } from "effect"
import { fork, Probe, range, reasonOf, settle, Worker } from "./support.ts"

class Counter extends Actor.Service<Counter>()("test/Counter", {
  make: Effect.map(Ref.make(0), (count) => ({
    increment: (by: number) => Ref.updateAndGet(count, (n) => n + by),
    fail: (error: string) => Effect.fail(error),
    ticks: (n: number) => Stream.range(1, n)
  }))
}) {}

/** A plain async function, called from a test. */
const plain = <A>(f: () => Promise<A>) => Effect.promise(f)

const rejection = (promise: PromiseLike<unknown>): Promise<any> =>
  Promise.resolve(promise).then(
    () => assert.fail("expected a rejection"),
    (error) => error
  )

describe("plain async code: Effect.runPromise and ManagedRuntime", () => {
  it.effect("Effect.runPromise runs asks, refs and submissions", () =>
    Effect.gen(function* () {
      const counter = yield* Counter.spawn()
      yield* plain(async () => {
        assert.strictEqual(await Effect.runPromise(counter.increment(1)), 1)
        assert.strictEqual(await Effect.runPromise(counter.increment.remote(1)), 2)
        assert.strictEqual(await rejection(Effect.runPromise(counter.fail("typed"))), "typed")
        const ref = Effect.runSync(counter.increment.remote(1))
        assert.strictEqual(await Effect.runPromise(ref), 3)
        assert.strictEqual(await ref, 3)
      })
    })
  )

  it.effect("an ask of a method that ends on the spot can be run with runSync", () =>
    Effect.gen(function* () {
      const counter = yield* Counter.spawn()
      assert.strictEqual(Effect.runSync(counter.increment(1)), 1)
      assert.strictEqual(Effect.runSync(counter.increment(1)), 2)
    })
  )

  /** Runs `submit` with a method that yields until the event loop has turned. */
  const turns = (submit: (body: Effect.Effect<string>) => ObjectRef.ObjectRef<string, unknown>) =>
    Effect.gen(function* () {
      let turn = false
      const body = Effect.gen(function* () {
        setImmediate(() => {
          turn = true
        })
        for (let n = 0; n < 100_000; n++) {
          if (turn) return "had its turn"
          yield* Effect.yieldNow
        }
        return "starved"
      })
      assert.strictEqual(yield* submit(body), "had its turn")
    })

  it.effect("a method submitted with runSync leaves timers and I/O their turn", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      yield* turns((body) => Effect.runSync(worker.run.remote(body)))
    })
  )

  it.effect("an actor brought up with runSync leaves timers and I/O their turn", () =>
    Effect.gen(function* () {
      const runtime = ManagedRuntime.make(Worker.layerArgs())
      const async = AsyncHandle.make(runtime.runSync(Worker))
      yield* turns((body) => async.run(body))
      yield* plain(() => runtime.dispose())
    })
  )

  it.effect("an AbortSignal cancels the call", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const controller = new AbortController()
      const promise = Effect.runPromise(worker.work("a"), { signal: controller.signal })
      const rejected = rejection(promise)
      yield* probe.started("a")
      controller.abort()
      yield* plain(() => rejected)
      assert.deepStrictEqual(probe.log, ["a start", "a cut"])
    })
  )

  it.effect("ManagedRuntime brings up the actor, keeps it, and ends it when disposed", () =>
    plain(async () => {
      const runtime = ManagedRuntime.make(Layer.mergeAll(Counter.layer, Driver.layer))
      const counter = await runtime.runPromise(Counter)
      assert.strictEqual(await runtime.runPromise(Counter), counter)
      assert.strictEqual(await runtime.runPromise(counter.increment(1)), 1)
      const refs = await runtime.runPromise(
        Effect.forEach([1, 2, 3], (by) => Effect.map(counter.increment.remote(by), (ref) => [ref] as const))
      )
      const values = await runtime.runPromise(ObjectRef.get(refs.map(([ref]) => ref)))
      assert.deepStrictEqual(values, [2, 4, 7])
      await runtime.dispose()
      const error = await rejection(Effect.runPromise(counter.increment(1)))
      assert.instanceOf(error, ActorError.ActorError)
      assert.strictEqual(error.reason._tag, "ActorDied")
    })
  )

  it.effect("disposing waits for the calls that were accepted", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const runtime = ManagedRuntime.make(Worker.options({ shutdownTimeout: "1 hour" }).layerArgs(probe))
      const worker = yield* plain(() => runtime.runPromise(Worker))
      const ref = yield* worker.work.remote("a")
      yield* probe.started("a")
      const disposed = yield* fork(plain(() => runtime.dispose()))
      yield* settle
      assert.isUndefined(disposed.pollUnsafe())
      yield* probe.open("a")
      yield* Fiber.join(disposed)
      assert.strictEqual(yield* ref, "a")
    })
  )
})

describe("AsyncHandle", () => {
  it.effect("remote and options belong to handles: here the error says what to write", () =>
    Effect.gen(function* () {
      const async = AsyncHandle.make(yield* Worker.spawn()) as any
      assert.throws(() => async.add.remote(1, 2), TypeError, /no add\.remote: add\(\.\.\.\) submits the call/)
      assert.throws(
        () => async.add.options({ timeout: 1 }),
        TypeError,
        /AsyncHandle\.make\(\{ add: handle\.add\.options/
      )
      assert.strictEqual(
        yield* (AsyncHandle.make(async) as any).add(1, 2) as Effect.Effect<number>,
        3,
        "an AsyncHandle of an AsyncHandle is the same"
      )
    })
  )

  it.effect("every method submits its call at once and returns the ref, which can be awaited", () =>
    Effect.gen(function* () {
      const counter = yield* Counter.spawn()
      const async = AsyncHandle.make(counter)
      yield* plain(async () => {
        const ref = async.increment(1)
        assert.isTrue(ObjectRef.isObjectRef(ref))
        const value: number = await ref
        assert.strictEqual(value, 1)
        const values = await Promise.all(range(50).map(() => async.increment(1)))
        assert.deepStrictEqual(
          values,
          range(50).map((i) => i + 2)
        )
        assert.strictEqual(await rejection(async.fail("typed")), "typed")
      })
      assert.strictEqual(yield* async.increment(1), 52, "the ref is an Effect, too")
    })
  )

  it.effect("it submits without being awaited, and the body has not started when it returns", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const async = AsyncHandle.make(yield* Worker.spawn(probe))
      async.note("a")
      async.note("b")
      assert.deepStrictEqual(probe.log, [])
      yield* settle
      assert.deepStrictEqual(probe.log, ["a", "b"])
    })
  )

  it.effect("calls go in order with those of the handle", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const async = AsyncHandle.make(worker)
      async.note("1")
      yield* worker.note.remote("2")
      async.note("3")
      yield* worker.note("4")
      assert.deepStrictEqual(probe.log, ["1", "2", "3", "4"])
    })
  )

  it.effect("refs are arguments, from either side", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const async = AsyncHandle.make(worker)
      const three = async.add(1, 2)
      assert.strictEqual(yield* worker.add(three, async.add(three, 1)), 7)
      assert.strictEqual(yield* plain(async () => await async.add(three, three)), 6)
    })
  )

  it.effect('overflow "fail": a submission that is not accepted gives a ref that fails', () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const async = AsyncHandle.make(yield* Worker.options({ maxPendingCalls: 1 }).spawn(probe))
      const accepted = async.work("a")
      const refused = async.note("b")
      assert.isTrue(ObjectRef.isObjectRef(refused))
      assert.strictEqual((yield* reasonOf(refused))._tag, "PendingCallsLimitExceeded")
      const error = yield* plain(() => rejection(async.note("c")))
      assert.instanceOf(error, ActorError.ActorError)
      yield* probe.open("a")
      assert.strictEqual(yield* accepted, "a")
      assert.deepStrictEqual(probe.log, ["a start", "a end"])
    })
  )

  it.effect('overflow "suspend": the call is submitted when there is room, in order', () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const options = { maxPendingCalls: 1, overflow: "suspend" } as const
      const async = AsyncHandle.make(yield* Worker.options(options).spawn(probe))
      const first = async.work("first")
      const refs = range(20).map((i) => async.note(`${i}`))
      yield* settle
      assert.deepStrictEqual(probe.log, ["first start"])
      yield* probe.open("first")
      assert.strictEqual(yield* first, "first")
      assert.deepStrictEqual(yield* plain(() => Promise.all(refs)), range(20).map(String))
      assert.deepStrictEqual(probe.log.slice(2), range(20).map(String))
    })
  )

  it.effect('overflow "suspend": a ref whose call still waits for room can be cancelled; the call never runs', () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const options = { maxPendingCalls: 1, overflow: "suspend" } as const
      const worker = yield* Worker.options(options).spawn(probe)
      const async = AsyncHandle.make(worker)
      async.work("first")
      const cancelled = async.note("cancelled")
      const last = async.note("last")
      assert.strictEqual(yield* ObjectRef.cancel(cancelled), "NotStarted")
      const reason = yield* reasonOf(cancelled)
      assert.deepInclude(reason, { _tag: "TaskCancelled", actor: "test/Worker", method: "note", mayHaveRun: false })
      yield* probe.open("first")
      yield* last
      assert.deepStrictEqual(probe.log, ["first start", "first end", "last"])
    })
  )

  it.effect(
    'overflow "suspend": a ref whose call was let in later is that call: cancelling it interrupts the body',
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const options = { maxPendingCalls: 1, overflow: "suspend" } as const
        const async = AsyncHandle.make(yield* Worker.options(options).spawn(probe))
        async.work("first")
        const second = async.work("second")
        assert.include(String(second), "test/Worker.work", "it says what it is")
        yield* probe.open("first")
        yield* probe.started("second")
        assert.strictEqual(yield* ObjectRef.cancel(second), "Interrupted")
        assert.deepStrictEqual(probe.log, ["first start", "first end", "second start", "second cut"])
      })
  )

  it.effect("calls to a dead actor reject with ActorDied, suspended ones too, and nothing is unhandled", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const options = { maxPendingCalls: 1, overflow: "suspend" } as const
      const worker = yield* Worker.options(options).spawn(probe)
      const async = AsyncHandle.make(worker)
      const refs = [async.work("first"), async.note("suspended")]
      yield* probe.started("first")
      yield* Actor.kill(worker)
      for (const ref of [...refs, async.note("late")]) {
        assert.strictEqual((yield* plain(() => rejection(ref))).reason._tag, "ActorDied")
      }
      async.note("nobody awaits this one")
      yield* settle
    })
  )

  it.effect("an unknown method fails like that of the handle", () =>
    Effect.gen(function* () {
      const async = AsyncHandle.make(yield* Counter.spawn()) as any
      assert.throws(() => async.nope(), TypeError)
      assert.strictEqual(yield* plain(async () => async), async, "it is no promise itself")
    })
  )
})
