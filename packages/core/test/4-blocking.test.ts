import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorError, Driver, ObjectRef } from "@troupe/core"
import { Cause, Deferred, Effect, Exit, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { defectOf, errorOf, fork, Probe, range, settle, Worker } from "./support.ts"

const isDone = (ref: ObjectRef.Any) => Deferred.isDone(ObjectRef.asDeferred(ref))

/** Three running calls, to be ended by the probe. */
const three = Effect.gen(function* () {
  const probe = new Probe()
  const worker = yield* Worker.spawn(probe)
  const refs = [yield* worker.work.remote("a"), yield* worker.work.remote("b"), yield* worker.work.remote("c")] as const
  yield* probe.started("c")
  return { probe, worker, refs }
})

describe("4.1", () => {
  it.effect("4.1 ObjectRef.get gives the values in the same shape: one ref, an array, a record", () =>
    Effect.gen(function* () {
      const { probe, refs } = yield* three
      const [a, b, c] = refs
      const one = yield* fork(ObjectRef.get(a))
      const list = yield* fork(ObjectRef.get([a, b, c]))
      const record = yield* fork(ObjectRef.get({ a, last: c }))
      yield* settle
      assert.isUndefined(one.pollUnsafe())
      yield* probe.open("c", "b", "a")
      const value: string = yield* Fiber.join(one)
      assert.strictEqual(value, "a")
      const [x, y, z]: ReadonlyArray<string> = yield* Fiber.join(list)
      assert.deepStrictEqual([x, y, z], ["a", "b", "c"])
      assert.deepStrictEqual(yield* Fiber.join(record), { a: "a", last: "c" })
      assert.deepStrictEqual(yield* ObjectRef.get([]), [])
      assert.deepStrictEqual(yield* ObjectRef.get({}), {})
      assert.deepStrictEqual(yield* ObjectRef.get([a, a]), ["a", "a"], "duplicates are fine here")
    }).pipe(Effect.provide(Driver.layer))
  )

  it.effect("4.1 it fails with the first failure without waiting for the slower ones", () =>
    Effect.gen(function* () {
      const { refs, worker } = yield* three
      const error = new Error("first")
      const failing = yield* worker.fail.remote(error)
      assert.strictEqual(yield* errorOf(ObjectRef.get([refs[0], failing, refs[1]])), error)
      assert.strictEqual(yield* errorOf(ObjectRef.get({ a: refs[0], failing })), error)
      assert.strictEqual(yield* errorOf(ObjectRef.get(failing)), error)
      assert.isFalse(yield* isDone(refs[0]), "the slower ones go on")
    }).pipe(Effect.provide(Driver.layer))
  )

  it.effect("4.1 a defect comes through as a defect, and a cancelled call as its ActorError", () =>
    Effect.gen(function* () {
      const { refs, worker } = yield* three
      const defect = new Error("defect")
      assert.strictEqual(yield* defectOf(ObjectRef.get(yield* worker.die.remote(defect))), defect)
      yield* ObjectRef.cancel(refs[0])
      const error = yield* errorOf(ObjectRef.get([refs[0]]))
      assert.strictEqual(error._tag, "ActorError")
      assert.strictEqual(error.reason._tag, "TaskCancelled")
    }).pipe(Effect.provide(Driver.layer))
  )

  it.effect("4.1 interrupting a get disturbs no call", () =>
    Effect.gen(function* () {
      const { probe, refs } = yield* three
      const get = yield* fork(ObjectRef.get(refs))
      yield* Fiber.interrupt(get)
      yield* probe.open("a", "b", "c")
      assert.deepStrictEqual(yield* ObjectRef.get(refs), ["a", "b", "c"])
    }).pipe(Effect.provide(Driver.layer))
  )

  it.effect("4.1 it requires Driver", () =>
    Effect.gen(function* () {
      const get = ObjectRef.get(ObjectRef.succeed(1))
      const wait = ObjectRef.wait([ObjectRef.succeed(1)])
      // @ts-expect-error Driver is missing
      const unprovided: Array<Effect.Effect<unknown>> = [get, wait]
      for (const effect of unprovided) assert.include(String(yield* defectOf(effect)), "Driver is not provided here")
      assert.strictEqual(yield* Effect.provide(get, Driver.layer), 1)
    })
  )
})

describe("4.2", () => {
  it.effect("4.2 get with a timeout fails with TimeoutError naming how many of how many refs were not ready", () =>
    Effect.gen(function* () {
      const { probe, refs } = yield* three
      const get = yield* fork(ObjectRef.get(refs, { timeout: "1 second" }))
      yield* probe.open("b")
      yield* TestClock.adjust("999 millis")
      assert.isUndefined(get.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      const error = yield* errorOf(Fiber.join(get))
      assert.isTrue(Cause.isTimeoutError(error))
      assert.include((error as Cause.TimeoutError).message, "2 of 3 refs were not ready")
      const one = yield* fork(ObjectRef.get(refs[0], { timeout: 100 }))
      yield* TestClock.adjust(100)
      assert.include(String(yield* errorOf(Fiber.join(one))), "1 of 1 ref was not ready")
    }).pipe(Effect.provide(Driver.layer))
  )

  it.effect("4.2 after a timeout the calls go on and the refs stay usable", () =>
    Effect.gen(function* () {
      const { probe, refs } = yield* three
      const get = yield* fork(ObjectRef.get(refs, { timeout: "1 second" }))
      yield* TestClock.adjust("1 second")
      yield* errorOf(Fiber.join(get))
      assert.strictEqual(probe.running, 3)
      yield* probe.open("a", "b", "c")
      assert.deepStrictEqual(yield* ObjectRef.get(refs, { timeout: "1 second" }), ["a", "b", "c"])
      assert.deepStrictEqual(
        probe.log.filter((event) => event.endsWith("cut")),
        []
      )
    }).pipe(Effect.provide(Driver.layer))
  )

  it.effect("4.2 timeout: 0 asks only what is ready, without waiting", () =>
    Effect.gen(function* () {
      const { probe, refs } = yield* three
      const now = ObjectRef.get(refs, { timeout: 0 })
      assert.include(String(yield* errorOf(now)), "3 of 3 refs were not ready")
      yield* probe.open("a", "b", "c")
      yield* ObjectRef.all(refs)
      assert.deepStrictEqual(yield* now, ["a", "b", "c"])
      const failed = ObjectRef.fail("typed")
      const pending = yield* ObjectRef.fromEffect(Effect.never)
      assert.strictEqual(yield* errorOf(ObjectRef.get([pending, failed], { timeout: 0 })), "typed")
      assert.isTrue(Cause.isTimeoutError(yield* errorOf(ObjectRef.get(pending, { timeout: "0 seconds" }))))
    }).pipe(Effect.provide(Driver.layer))
  )

  it.effect("4.2 a failure before the timeout wins", () =>
    Effect.gen(function* () {
      const { refs, worker } = yield* three
      const late = yield* worker.run.remote(Effect.andThen(Effect.sleep("500 millis"), Effect.fail("late")))
      const get = yield* fork(ObjectRef.get([refs[0], late], { timeout: "1 second" }))
      yield* TestClock.adjust("500 millis")
      assert.strictEqual(yield* errorOf(Fiber.join(get)), "late")
    }).pipe(Effect.provide(Driver.layer))
  )

  it.effect("4.2 a negative timeout dies with a RangeError", () =>
    Effect.gen(function* () {
      const refs = [ObjectRef.succeed(1)]
      const defect = yield* defectOf(Effect.suspend(() => ObjectRef.get(refs, { timeout: -1 })))
      assert.instanceOf(defect, RangeError)
      assert.include(
        String(defect),
        'ObjectRef.get: timeout must be a duration of at least 0, like "5 seconds", but is -1'
      )
    }).pipe(Effect.provide(Driver.layer))
  )

  it.effect("4.2 a timeout that is undefined, or Infinity, is none", () =>
    Effect.gen(function* () {
      const { probe, refs } = yield* three
      const none = yield* fork(ObjectRef.get(refs, { timeout: undefined }))
      const infinite = yield* fork(ObjectRef.get(refs, { timeout: Infinity }))
      yield* TestClock.adjust("1000 days")
      yield* probe.open("a", "b", "c")
      assert.deepStrictEqual(yield* Fiber.join(none), ["a", "b", "c"])
      assert.deepStrictEqual(yield* Fiber.join(infinite), ["a", "b", "c"])
    }).pipe(Effect.provide(Driver.layer))
  )
})

describe("4.3", () => {
  it.effect("4.3 ObjectRef.wait gives [ready, pending] once numReturns refs are ready; the default is 1", () =>
    Effect.gen(function* () {
      const { probe, refs } = yield* three
      const [a, b, c] = refs
      const one = yield* fork(ObjectRef.wait(refs))
      const two = yield* fork(ObjectRef.wait(refs, { numReturns: 2 }))
      yield* settle
      assert.isUndefined(one.pollUnsafe())
      yield* probe.open("c")
      assert.deepStrictEqual(yield* Fiber.join(one), [[c], [a, b]])
      yield* settle
      assert.isUndefined(two.pollUnsafe())
      yield* probe.open("a")
      assert.deepStrictEqual(yield* Fiber.join(two), [[a, c], [b]], "both lists are in input order")
    }).pipe(Effect.provide(Driver.layer))
  )

  it.effect("4.3 it gives at most numReturns ready refs, though more are ready", () =>
    Effect.gen(function* () {
      const refs = range(4).map((i) => ObjectRef.succeed(i))
      const [ready, pending] = yield* ObjectRef.wait(refs, { numReturns: 2 })
      assert.deepStrictEqual([ready, pending], [refs.slice(0, 2), refs.slice(2)])
      assert.deepStrictEqual(yield* ObjectRef.wait(refs, { numReturns: 4 }), [refs, []])
    }).pipe(Effect.provide(Driver.layer))
  )

  it.effect("4.3 failed refs count as ready", () =>
    Effect.gen(function* () {
      const { refs, worker } = yield* three
      const failing = yield* worker.fail.remote("typed")
      const dying = yield* worker.die.remote("defect")
      const [ready, pending] = yield* ObjectRef.wait([refs[0], failing, dying], { numReturns: 2 })
      assert.deepStrictEqual([ready, pending], [[failing, dying], [refs[0]]])
    }).pipe(Effect.provide(Driver.layer))
  )

  it.effect("4.3 with a timeout it gives what is ready then; timeout: 0 asks what is ready now", () =>
    Effect.gen(function* () {
      const { probe, refs } = yield* three
      const [a, b, c] = refs
      const wait = yield* fork(ObjectRef.wait(refs, { numReturns: 3, timeout: "1 second" }))
      const none = yield* fork(ObjectRef.wait([a], { timeout: "1 second" }))
      yield* probe.open("b")
      yield* TestClock.adjust("999 millis")
      assert.isUndefined(wait.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* Fiber.join(wait), [[b], [a, c]])
      assert.deepStrictEqual(yield* Fiber.join(none), [[], [a]])
      assert.deepStrictEqual(yield* ObjectRef.wait(refs, { numReturns: 3, timeout: 0 }), [[b], [a, c]])
      assert.deepStrictEqual(yield* ObjectRef.wait([a, c], { timeout: 0 }), [[], [a, c]])
    }).pipe(Effect.provide(Driver.layer))
  )

  it.effect("4.3 [] gives [[], []]", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* ObjectRef.wait([]), [[], []])
      assert.deepStrictEqual(yield* ObjectRef.wait([], { timeout: 0 }), [[], []])
    }).pipe(Effect.provide(Driver.layer))
  )

  it.effect(
    "4.3 duplicates, a bad numReturns and a negative timeout die with a RangeError that says which and why",
    () =>
      Effect.gen(function* () {
        const [a, b] = [ObjectRef.succeed(1), ObjectRef.succeed(2)]
        const dies = (effect: Effect.Effect<unknown, never, Driver.Driver>, message: RegExp) =>
          Effect.map(defectOf(effect), (defect) => {
            assert.instanceOf(defect, RangeError)
            assert.match((defect as Error).message, message)
          })
        yield* dies(ObjectRef.wait([a, b, a]), /ObjectRef\.wait: the refs must be distinct/)
        for (const numReturns of [0, -1, 3, 1.5, Number.NaN, Infinity]) {
          const message = new RegExp(`ObjectRef\\.wait: numReturns .* from 1 to .*\\(2\\), but is ${numReturns}`)
          yield* dies(ObjectRef.wait([a, b], { numReturns }), message)
        }
        yield* dies(
          ObjectRef.wait([a, b], { timeout: -1 }),
          /ObjectRef\.wait: timeout must be a duration of at least 0.*, but is -1/
        )
        yield* dies(ObjectRef.wait([a, b], { timeout: "-1 seconds" as never }), /ObjectRef\.wait: timeout/)
      }).pipe(Effect.provide(Driver.layer))
  )

  it.effect("4.3 options that are undefined are not given", () =>
    Effect.gen(function* () {
      const ref = ObjectRef.succeed(1)
      assert.deepStrictEqual(yield* ObjectRef.wait([ref], { numReturns: undefined, timeout: undefined }), [[ref], []])
    }).pipe(Effect.provide(Driver.layer))
  )

  it.effect("4.3 interrupting a wait disturbs no call, and leaves nothing behind that would", () =>
    Effect.gen(function* () {
      const { probe, refs } = yield* three
      yield* Fiber.interrupt(yield* fork(ObjectRef.wait(refs, { numReturns: 2 })))
      yield* probe.open("a", "b", "c")
      assert.deepStrictEqual(yield* ObjectRef.all(refs), ["a", "b", "c"])
    }).pipe(Effect.provide(Driver.layer))
  )

  it.effect("4.3 300 refs, one after the other, as a work list", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.options({ maxConcurrency: 10 }).spawn()
      let pending: Array<ObjectRef.Any> = yield* Effect.forEach(range(300), (i) =>
        worker.run.remote(Effect.as(Effect.yieldNow, i))
      )
      const seen: Array<number> = []
      while (pending.length > 0) {
        const [ready, rest] = yield* ObjectRef.wait(pending)
        assert.strictEqual(ready.length, 1)
        seen.push(yield* ready[0]!)
        pending = rest
      }
      assert.deepStrictEqual(
        seen.sort((a, b) => a - b),
        range(300)
      )
    }).pipe(Effect.provide(Driver.layer))
  )
})

describe("4.4", () => {
  it("4.4 a method, stream method or constructor whose Effect requires Driver does not compile where the actor is defined", () => {
    const ref = ObjectRef.succeed(1)
    // @ts-expect-error a method may not block
    Actor.Service<any>()("test/Blocks", { make: Effect.succeed({ get: () => ObjectRef.get(ref) }) })
    // @ts-expect-error a method may not block
    Actor.Service<any>()("test/Blocks", { make: Effect.succeed({ wait: () => ObjectRef.wait([ref]) }) })
    // @ts-expect-error a stream method may not block
    Actor.Service<any>()("test/Blocks", { make: Effect.succeed({ s: () => Stream.fromEffect(ObjectRef.get(ref)) }) })
    // @ts-expect-error a constructor may not block
    Actor.Service<any>()("test/Blocks", { make: Effect.as(ObjectRef.get(ref), { ping: () => Effect.void }) })
  })

  it.effect("4.4 Driver is not provided by an actor's environment: it stays at the edge", () =>
    Effect.gen(function* () {
      class Plain extends Actor.Service<Plain>()("test/Plain", {
        make: Effect.succeed({ double: (n: number) => Effect.succeed(2 * n) })
      }) {}
      const program = Effect.flatMap(Plain, (plain) =>
        Effect.flatMap(plain.double.remote(1), (ref) => ObjectRef.get(ref))
      )
      const edge: Effect.Effect<number, ActorError.ActorError, Driver.Driver> = Effect.provide(program, Plain.layer)
      assert.strictEqual(yield* Effect.provide(edge, Driver.layer), 2)
    })
  )
})

describe("4.5", () => {
  const smuggle = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provide(effect, Driver.layer)

  const isBlockingGetError = (defect: unknown, actor: string, method: string) => {
    assert.instanceOf(defect, ActorError.BlockingGetError)
    assert.deepInclude(defect as object, { _tag: "BlockingGetError", actor, method })
    assert.include((defect as Error).message, `${actor}.${method}`)
    assert.include((defect as Error).message, "yield* the ObjectRef instead")
  }

  it.effect("4.5 get inside a running call dies at once with BlockingGetError, naming actor and method", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const never = yield* ObjectRef.fromEffect(Effect.never)
      for (const ref of [never, ObjectRef.succeed(1)]) {
        isBlockingGetError(yield* defectOf(worker.run(smuggle(ObjectRef.get(ref)))), "test/Worker", "run")
        isBlockingGetError(yield* defectOf(worker.run(smuggle(ObjectRef.wait([ref])))), "test/Worker", "run")
        const timed = smuggle(ObjectRef.get([ref], { timeout: "1 second" }))
        isBlockingGetError(yield* defectOf(worker.run(timed)), "test/Worker", "run")
      }
      assert.strictEqual(yield* worker.add(1, 2), 3, "the actor goes on")
    })
  )

  it.effect("4.5 also where the caller's own Driver reaches the method through its context", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const get = ObjectRef.get(ObjectRef.succeed(1)) as Effect.Effect<number>
      isBlockingGetError(yield* defectOf(worker.run(get)), "test/Worker", "run")
    }).pipe(Effect.provide(Driver.layer))
  )

  it.effect("4.5 also on fibers that the call forked, and while others wait for it", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const forked = Effect.flatMap(Effect.forkChild(smuggle(ObjectRef.get(ObjectRef.succeed(1)))), (fiber) =>
        Fiber.join(fiber)
      )
      isBlockingGetError(yield* defectOf(worker.run(forked)), "test/Worker", "run")
      const other = yield* Worker.spawn()
      isBlockingGetError(yield* defectOf(other.run(worker.run(forked))), "test/Worker", "run")
    })
  )

  it.effect("4.5 also in a constructor and in a stream method", () =>
    Effect.gen(function* () {
      class Blocks extends Actor.Service<Blocks>()("test/Blocks", {
        make: Effect.as(smuggle(ObjectRef.get(ObjectRef.succeed(1))), { ping: () => Effect.void })
      }) {}
      isBlockingGetError(yield* defectOf(Effect.scoped(Blocks.spawn())), "test/Blocks", "make")
      class Streams extends Actor.Service<Streams>()("test/Streams", {
        make: Effect.succeed({ items: () => Stream.fromEffect(smuggle(ObjectRef.get(ObjectRef.succeed(1)))) })
      }) {}
      const streams = yield* Streams.spawn()
      isBlockingGetError(yield* defectOf(Stream.runCollect(streams.items())), "test/Streams", "items")
    })
  )

  it.effect("4.5 yielding the ref, and get outside, remain allowed", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const inner = yield* worker.add.remote(1, 2)
      const outer = yield* worker.run.remote(ObjectRef.succeed(Effect.map(ObjectRef.all([inner]), ([n]) => n)))
      assert.strictEqual(yield* ObjectRef.get(outer), 3)
      const exit = yield* Effect.exit(ObjectRef.get(inner))
      assert.isTrue(Exit.isSuccess(exit))
    }).pipe(Effect.provide(Driver.layer))
  )
})
