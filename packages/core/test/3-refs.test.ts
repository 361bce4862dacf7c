import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorError, Driver, ObjectRef } from "@troupe/core"
import { Cause, Context, Deferred, Effect, Exit, Fiber, Latch, Option, Random, Stream } from "effect"
import { TestClock } from "effect/testing"
import { defectOf, errorOf, fork, Probe, range, reasonOf, reasonOfExit, seeded, settle, Worker } from "./support.ts"

class NotFound extends Error {
  readonly _tag = "NotFound"
}

const isDone = (ref: ObjectRef.Any) => Deferred.isDone(ObjectRef.asDeferred(ref))

/** Refs that a test settles by hand, by index. */
const manual = <A = number, E = string>(count: number) =>
  Effect.gen(function* () {
    const deferreds = yield* Effect.forEach(range(count), () => Deferred.make<A, E>())
    const refs = yield* Effect.forEach(deferreds, (deferred) => ObjectRef.fromEffect(Deferred.await(deferred)))
    const succeed = (i: number, value: A) => Effect.andThen(Deferred.succeed(deferreds[i]!, value), settle)
    const fail = (i: number, error: E) => Effect.andThen(Deferred.fail(deferreds[i]!, error), settle)
    return { refs, succeed, fail }
  })

describe("3.1", () => {
  it.effect("3.1 a ref is an Effect: it waits for the value, any number of times, from any number of fibers", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const ref = yield* worker.work.remote("a")
      assert.isTrue(Effect.isEffect(ref))
      const waiters = yield* Effect.forEach(range(100), () => fork(ref))
      yield* probe.open("a")
      assert.deepStrictEqual(
        yield* Fiber.joinAll(waiters),
        range(100).map(() => "a")
      )
      assert.strictEqual(yield* ref, "a")
      assert.strictEqual(yield* ref.pipe(Effect.map((a) => a + a)), "aa")
      assert.deepStrictEqual(probe.log, ["a start", "a end"], "it ran once")
    })
  )

  it.effect("3.1 a ref of a failed call fails as often, with the same cause", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const error = new NotFound()
      const ref = yield* worker.fail.remote(error)
      for (const _ of range(3)) assert.strictEqual(yield* errorOf(ref), error)
    })
  )

  it.effect("3.1 interrupting a waiter never disturbs the call, nor other waiters", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const ref = yield* worker.work.remote("a")
      const waiters = yield* Effect.forEach(range(9), () => fork(ref))
      for (const i of [0, 4, 8]) yield* Fiber.interrupt(waiters[i]!)
      yield* Effect.exit(Effect.race(ref, Effect.void))
      const late = yield* fork(Effect.timeoutOption(ref, "1 second"))
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isNone(yield* Fiber.join(late)))
      yield* probe.open("a")
      const exits = yield* Fiber.awaitAll(waiters)
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [false, true, true, true, false, true, true, true, false])
      assert.deepStrictEqual(probe.log, ["a start", "a end"])
    })
  )

  it.effect("3.1 a waiter that is interrupted in the turn in which the call settles harms nobody", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const ref = yield* worker.work.remote("a")
      const others: Array<Fiber.Fiber<any, any>> = []
      // The first to hear of the result interrupts those behind it.
      yield* fork(
        Effect.andThen(
          ref,
          Effect.suspend(() => Fiber.interruptAll(others.slice(0, 2)))
        )
      )
      for (const _ of range(4)) others.push(yield* fork(ref))
      yield* probe.open("a")
      const exits = yield* Fiber.awaitAll(others)
      assert.deepStrictEqual(exits.slice(2).map(Exit.isSuccess), [true, true])
    })
  )

  it.effect(
    "3.1 10,000 waiters of one ref are interrupted in random order",
    () =>
      seeded(
        Effect.gen(function* () {
          const { refs, succeed } = yield* manual(1)
          const waiters = yield* Effect.forEach(range(10_000), () => fork(refs[0]!))
          for (const waiter of yield* Random.shuffle(waiters)) yield* Fiber.interrupt(waiter)
          yield* succeed(0, 1)
          assert.strictEqual(yield* refs[0]!, 1)
        })
      ),
    60_000
  )
})

describe("3.2", () => {
  it.effect("3.2 a ref is a Deferred at run time: its state is readable, and it can be awaited as one", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const ref = yield* worker.work.remote("a")
      const deferred = ObjectRef.asDeferred(ref)
      assert.isTrue(Deferred.isDeferred(ref))
      assert.isFalse(yield* Deferred.isDone(deferred))
      assert.isTrue(Option.isNone(yield* Deferred.poll(deferred)))
      const waiter = yield* fork(Deferred.await(deferred))
      const interrupted = yield* fork(Deferred.await(deferred))
      yield* Fiber.interrupt(interrupted)
      yield* probe.open("a")
      assert.strictEqual(yield* Fiber.join(waiter), "a")
      assert.isTrue(yield* Deferred.isDone(deferred))
      assert.strictEqual(yield* Option.getOrThrow(yield* Deferred.poll(deferred)), "a")
      assert.strictEqual(yield* Deferred.await(deferred), "a")
    })
  )

  it.effect("3.2 refs of failed calls poll as failures", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const ref = yield* worker.fail.remote("typed")
      yield* Effect.exit(ref)
      const polled = yield* Deferred.poll(ObjectRef.asDeferred(ref))
      assert.strictEqual(yield* errorOf(Option.getOrThrow(polled)), "typed")
    })
  )

  it.effect("3.2 it is covariant in its types", () =>
    Effect.gen(function* () {
      const narrow: ObjectRef.ObjectRef<1, never> = ObjectRef.succeed(1 as const)
      const wide: ObjectRef.ObjectRef<number | string, Error> = narrow
      assert.strictEqual(yield* wide, 1)
    })
  )

  it.effect("3.2 nobody but the runtime can complete it", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const ref = yield* worker.work.remote("a")
      const deferred = ObjectRef.asDeferred(ref) as Deferred.Deferred<string, unknown>
      const attempts = [
        Deferred.succeed(deferred, "forged"),
        Deferred.fail(deferred, "forged"),
        Deferred.die(deferred, "forged"),
        Deferred.interrupt(deferred),
        Deferred.complete(deferred, Effect.succeed("forged"))
      ]
      for (const attempt of attempts) assert.instanceOf(yield* defectOf(attempt), TypeError)
      assert.isFalse(yield* isDone(ref))
      yield* probe.open("a")
      assert.strictEqual(yield* ref, "a")
      for (const attempt of attempts) assert.isFalse(yield* Effect.orDie(attempt), "too late, as for any Deferred")
      assert.strictEqual(yield* ref, "a")
    })
  )

  it.effect("3.2 ids are unique, and a ref says what it is", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const running = yield* worker.work.remote("a")
      const waiting = yield* worker.fail.remote(new NotFound("no such thing"))
      assert.notStrictEqual(running.id, waiting.id)
      yield* probe.started("a")
      yield* TestClock.adjust("1200 millis")
      assert.strictEqual(inspect(running), `ObjectRef(#${running.id} test/Worker.work, running 1.2 s)`)
      assert.strictEqual(`${waiting}`, `ObjectRef(#${waiting.id} test/Worker.fail, waiting 1.2 s)`)
      yield* probe.open("a")
      yield* Effect.exit(waiting)
      assert.strictEqual(inspect(running), `ObjectRef(#${running.id} test/Worker.work, succeeded)`)
      assert.include(inspect(waiting), "failed with Error: no such thing")
      assert.deepStrictEqual(JSON.parse(JSON.stringify(running)), {
        _id: "ObjectRef",
        id: running.id,
        call: "test/Worker.work",
        status: "succeeded"
      })
    })
  )
})

describe("3.3", () => {
  const spawned = <A>(f: (worker: Worker["Service"]) => Promise<A>) =>
    Effect.flatMap(Worker.spawn(), (worker) => Effect.promise(() => f(worker)))

  const submit = <A, E>(effect: Effect.Effect<ObjectRef.ObjectRef<A, E>, any>): ObjectRef.ObjectRef<A, E> =>
    Effect.runSync(effect)

  it.effect("3.3 a ref is thenable: await, then, Promise.all, Promise.race, Promise.allSettled", () =>
    spawned(async (worker) => {
      const refs = range(5).map((i) => submit(worker.add.remote(i, i)))
      assert.strictEqual(await refs[1]!, 2)
      assert.strictEqual(await refs[1]!, 2, "again")
      assert.strictEqual(await refs[2]!.then((n) => n + 1), 5)
      assert.deepStrictEqual(await Promise.all(refs), [0, 2, 4, 6, 8])
      assert.strictEqual(await Promise.race([submit(worker.run.remote(Effect.never)), refs[3]!]), 6)
      const failed = submit(worker.fail.remote("typed"))
      assert.deepStrictEqual(await Promise.allSettled([refs[4]!, failed]), [
        { status: "fulfilled", value: 8 },
        { status: "rejected", reason: "typed" }
      ])
      assert.strictEqual(await Promise.any([failed, refs[0]!]), 0)
    })
  )

  it.effect("3.3 a ref has catch and finally, as a promise has", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const failed = yield* worker.run.remote(Effect.fail("typed"))
      assert.strictEqual(yield* Effect.promise(() => failed.catch((error) => `caught ${error}`)), "caught typed")
      const done: Array<string> = []
      const one = yield* worker.run.remote(Effect.succeed(1))
      assert.strictEqual(yield* Effect.promise(() => one.catch(() => 2).finally(() => void done.push("then"))), 1)
      assert.strictEqual(yield* Effect.promise(() => one.finally(() => void done.push("at once"))), 1)
      assert.deepStrictEqual(done, ["then", "at once"])
    })
  )

  it.effect("3.3 a ref has the status that React looks for, with the value or the reason", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<number, string>()
      const read = (ref: object) => {
        const { reason, status, value } = ref as Readonly<Record<string, unknown>>
        return { reason, status, value }
      }
      const ref = yield* ObjectRef.fromEffect(Deferred.await(gate))
      assert.deepStrictEqual(read(ref), { reason: undefined, status: "pending", value: undefined })
      yield* Deferred.succeed(gate, 1)
      yield* ref
      assert.deepStrictEqual(read(ref), { reason: undefined, status: "fulfilled", value: 1 })
      assert.deepStrictEqual(read(ObjectRef.fail("no")), { reason: "no", status: "rejected", value: undefined })
    })
  )

  it.effect("3.3 async iteration over arrays of refs", () =>
    spawned(async (worker) => {
      const seen: Array<number> = []
      for await (const value of range(4).map((i) => submit(worker.add.remote(i, 1)))) seen.push(value)
      assert.deepStrictEqual(seen, [1, 2, 3, 4])
    })
  )

  it.effect("3.3 it rejects with the typed error itself, with the defect itself, or with ActorError", () =>
    spawned(async (worker) => {
      const rejection = (ref: PromiseLike<unknown>): Promise<any> =>
        Promise.resolve(ref).then(
          () => assert.fail("expected a rejection"),
          (error) => error
        )
      const typed = new NotFound("typed")
      const defect = new RangeError("defect")
      const error = await rejection(submit(worker.fail.remote(typed)))
      assert.strictEqual(error, typed)
      assert.instanceOf(error, NotFound)
      assert.strictEqual(error._tag, "NotFound")
      assert.strictEqual(await rejection(submit(worker.die.remote(defect))), defect)
      assert.strictEqual(await rejection(submit(worker.fail.remote("text"))), "text")
      const cancelled = submit(worker.run.remote(Effect.never))
      await Effect.runPromise(ObjectRef.cancel(cancelled))
      const actorError = await rejection(cancelled)
      assert.instanceOf(actorError, ActorError.ActorError)
      assert.strictEqual(actorError._tag, "ActorError")
      assert.strictEqual(actorError.reason._tag, "TaskCancelled")
    })
  )

  it.effect("3.3 a ref that nobody awaits causes no unhandledRejection", () =>
    Effect.gen(function* () {
      const unhandled: Array<unknown> = []
      const listener = (error: unknown) => unhandled.push(error)
      yield* Effect.acquireRelease(
        Effect.sync(() => process.on("unhandledRejection", listener)),
        () => Effect.sync(() => process.off("unhandledRejection", listener))
      )
      const worker = yield* Worker.spawn()
      yield* worker.fail.remote("typed")
      yield* worker.die.remote("defect")
      ObjectRef.fail("made")
      const rejected = ObjectRef.fromPromise(Promise.reject(new Error("rejected")))
      yield* ObjectRef.fromEffect(Effect.fail("effect"))
      const awaited = yield* worker.fail.remote("awaited")
      yield* Effect.promise(() => Promise.allSettled([awaited, awaited]))
      yield* settle
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      assert.deepStrictEqual(unhandled, [])
      assert.instanceOf(yield* defectOf(rejected), Error)
    })
  )

  it.effect("3.3 a ref can be awaited before and after it settles, by promises and fibers alike, in order", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const { refs, succeed } = yield* manual(1)
      const [ref] = refs as [ObjectRef.ObjectRef<number, string>]
      const before = ref.then((n) => log.push(`promise ${n}`))
      const fiber = yield* fork(Effect.map(ref, (n) => log.push(`fiber ${n}`)))
      yield* succeed(0, 1)
      yield* Fiber.join(fiber)
      yield* Effect.promise(() => before)
      yield* Effect.promise(() => ref.then((n) => log.push(`late ${n}`)) as Promise<number>)
      assert.deepStrictEqual(log, ["fiber 1", "promise 1", "late 1"])
    })
  )
})

describe("3.4", () => {
  it.effect("3.4 await Effect.runPromise(handle.method.remote(x)) gives the value, and TypeScript says so", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      yield* Effect.promise(async () => {
        const value: number = await Effect.runPromise(worker.add.remote(1, 2))
        assert.strictEqual(value, 3)
        const error = new NotFound()
        const rejected = await Effect.runPromise(worker.fail.remote(error)).then(
          () => "resolved",
          (error: unknown) => error
        )
        assert.strictEqual(rejected, error)
      })
    })
  )

  it.effect("3.4 inside Effect the ref stays a ref: flatMap, Fiber.join and Effect.all do not flatten it", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const refs = yield* Effect.all([worker.add.remote(1, 2), worker.add.remote(3, 4)])
      assert.isTrue(refs.every(ObjectRef.isObjectRef))
      const joined = yield* Fiber.join(yield* fork(worker.add.remote(1, 2)))
      assert.isTrue(ObjectRef.isObjectRef(joined))
      assert.isTrue(ObjectRef.isObjectRef(yield* Effect.sync(() => refs[0])))
    })
  )
})

describe("3.5", () => {
  it.effect("3.5 ObjectRef.succeed and fail make settled refs", () =>
    Effect.gen(function* () {
      const value = { any: "thing" }
      assert.strictEqual(yield* ObjectRef.succeed(value), value)
      const error = new NotFound()
      assert.strictEqual(yield* errorOf(ObjectRef.fail(error)), error)
      assert.isTrue(yield* isDone(ObjectRef.succeed(undefined)))
      assert.isTrue(ObjectRef.isObjectRef(ObjectRef.fail(error)))
      assert.isFalse(ObjectRef.isObjectRef(Effect.succeed(1)))
      assert.isFalse(ObjectRef.isObjectRef(null))
    })
  )

  it.effect("3.5 ObjectRef.fromPromise makes a ref of a promise; a rejection is a defect unless catch types it", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* ObjectRef.fromPromise(Promise.resolve(1)), 1)
      const untyped = (value: unknown) => () => ObjectRef.fromPromise(value as Promise<number>)
      assert.throws(
        untyped(async () => 1),
        TypeError,
        "takes a Promise, but got a function. Call the function: "
      )
      assert.throws(untyped(Effect.succeed(1)), TypeError, "For an Effect there is ObjectRef.fromEffect")
      assert.throws(untyped(1), TypeError, "but got 1. For a value that is there already, there is ObjectRef.succeed")
      const boom = new Error("boom")
      assert.strictEqual(yield* defectOf(ObjectRef.fromPromise(Promise.reject(boom))), boom)
      const typed = ObjectRef.fromPromise(Promise.reject(boom), { catch: (error) => new NotFound(String(error)) })
      assert.strictEqual((yield* errorOf(typed)).message, "Error: boom")
      const thenable = ObjectRef.fromPromise({ then: (resolve: any) => resolve(2) } as PromiseLike<number>)
      assert.strictEqual(yield* thenable, 2)
    })
  )

  it.effect("3.5 a catch that throws makes the ref die: it does not hang, and nothing is unhandled", () =>
    Effect.gen(function* () {
      const ref = ObjectRef.fromPromise(Promise.reject(new Error("boom")), {
        catch: () => {
          throw new RangeError("catch")
        }
      })
      assert.instanceOf(yield* defectOf(ref), RangeError)
    })
  )

  it.effect("3.5 ObjectRef.fromEffect runs in the background with the services around, and outlives its fiber", () =>
    Effect.gen(function* () {
      class Name extends Context.Service<Name, string>()("test/Name") {}
      const probe = new Probe()
      const ref = yield* Fiber.join(
        yield* fork(
          ObjectRef.fromEffect(Effect.flatMap(Name, (name) => probe.work(name))).pipe(Effect.provideService(Name, "n"))
        )
      )
      assert.isFalse(yield* isDone(ref))
      yield* probe.open("n")
      assert.strictEqual(yield* ref, "n")
      assert.strictEqual(yield* errorOf(yield* ObjectRef.fromEffect(Effect.fail("typed"))), "typed")
      assert.strictEqual(yield* defectOf(yield* ObjectRef.fromEffect(Effect.die("defect"))), "defect")
    })
  )

  it.effect("3.5 a ref from an Effect can be cancelled: the effect is interrupted, finalizers included", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const ref = yield* ObjectRef.fromEffect(probe.work("a"))
      assert.strictEqual(yield* ObjectRef.cancel(ref), "Interrupted")
      assert.deepStrictEqual(probe.log, ["a start", "a cut"])
      assert.strictEqual((yield* reasonOf(ref))._tag, "TaskCancelled")
      assert.strictEqual(yield* ObjectRef.cancel(ref), "AlreadyDone")
      const masked = yield* ObjectRef.fromEffect(Effect.uninterruptible(probe.work("b")))
      const cancel = yield* fork(ObjectRef.cancel(masked))
      yield* probe.open("b")
      assert.strictEqual(yield* Fiber.join(cancel), "AlreadyDone")
      assert.strictEqual(yield* masked, "b")
    })
  )

  it.effect("3.5 a ref from a promise can be cancelled: nobody waits for it any longer", () =>
    Effect.gen(function* () {
      const ref = ObjectRef.fromPromise(new Promise<number>(() => {}))
      const waiter = yield* fork(ref)
      assert.strictEqual(yield* ObjectRef.cancel(ref), "Interrupted")
      assert.strictEqual(reasonOfExit(yield* Fiber.await(waiter))._tag, "TaskCancelled")
    })
  )

  it.effect("3.5 ObjectRef.toPromise gives a real Promise", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const promise = ObjectRef.toPromise(yield* worker.add.remote(1, 2))
      assert.instanceOf(promise, Promise)
      assert.strictEqual(yield* Effect.promise(() => promise), 3)
      const failed = ObjectRef.toPromise(ObjectRef.fail("typed"))
      assert.strictEqual(yield* Effect.promise(() => failed.catch((error) => error)), "typed")
    })
  )
})

describe("3.7", () => {
  it.effect("3.7 values pass by reference inside one process; nothing is copied", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const value = { list: [1, 2], map: new Map(), call: () => 1 }
      assert.strictEqual(yield* worker.echo(value), value)
      const ref = yield* worker.echo.remote(ObjectRef.succeed(value))
      assert.strictEqual(yield* ref, value)
      assert.strictEqual(yield* Effect.promise(() => ObjectRef.toPromise(ref)), value)
      assert.strictEqual(yield* errorOf(worker.fail(value)), value)
    })
  )
})

describe("3.8", () => {
  it.effect("3.8 ObjectRef.all gives all values in the same shape", () =>
    Effect.gen(function* () {
      const { refs, succeed } = yield* manual(3)
      const [a, b, c] = refs as [ObjectRef.ObjectRef<number, string>, ...Array<ObjectRef.ObjectRef<number, string>>]
      const list = yield* fork(ObjectRef.all([a, b!, c!]))
      const record = yield* fork(ObjectRef.all({ a, twice: a, c: c! }))
      for (const i of [2, 0, 1]) yield* succeed(i, i)
      assert.deepStrictEqual(yield* Fiber.join(list), [0, 1, 2])
      assert.deepStrictEqual(yield* Fiber.join(record), { a: 0, twice: 0, c: 2 })
      assert.deepStrictEqual(yield* ObjectRef.all(refs), [0, 1, 2], "settled ones too")
      assert.deepStrictEqual(yield* ObjectRef.all([]), [])
      assert.deepStrictEqual(yield* ObjectRef.all({}), {})
    })
  )

  it.effect("3.8 ObjectRef.all fails with the first failure, without waiting for the others", () =>
    Effect.gen(function* () {
      const { fail, refs } = yield* manual(3)
      const all = yield* fork(ObjectRef.all(refs))
      yield* fail(1, "one")
      yield* fail(0, "zero")
      assert.strictEqual(yield* errorOf(Fiber.join(all)), "one")
      assert.isFalse(yield* isDone(refs[2]!))
    })
  )

  it.effect("3.8 interrupting a combinator disturbs no ref, and it can be run again", () =>
    Effect.gen(function* () {
      const { refs, succeed } = yield* manual(2)
      const all = ObjectRef.all(refs)
      const combined: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        all,
        ObjectRef.race(refs),
        ObjectRef.any(refs),
        ObjectRef.allSettled(refs)
      ]
      for (const effect of combined) yield* Fiber.interrupt(yield* fork(effect))
      yield* Fiber.interrupt(yield* fork(Stream.runCollect(ObjectRef.asCompleted(refs))))
      yield* succeed(0, 0)
      yield* succeed(1, 1)
      assert.deepStrictEqual(yield* all, [0, 1])
      assert.deepStrictEqual(yield* all, [0, 1])
    })
  )

  it.effect("3.8 ObjectRef.race settles as the first that settles, be it a value or a failure; the others go on", () =>
    Effect.gen(function* () {
      const one = yield* manual(2)
      const race = yield* fork(ObjectRef.race(one.refs))
      yield* one.succeed(1, 1)
      assert.strictEqual(yield* Fiber.join(race), 1)
      yield* one.succeed(0, 0)
      assert.strictEqual(yield* one.refs[0]!, 0)
      const two = yield* manual(2)
      const failing = yield* fork(ObjectRef.race(two.refs))
      yield* two.fail(0, "failed")
      assert.strictEqual(yield* errorOf(Fiber.join(failing)), "failed")
      assert.instanceOf(yield* defectOf(ObjectRef.race([])), RangeError)
    })
  )

  it.effect("3.8 ObjectRef.any succeeds with the first value, and fails with all causes when all have failed", () =>
    Effect.gen(function* () {
      const one = yield* manual(3)
      const any = yield* fork(ObjectRef.any(one.refs))
      yield* one.fail(0, "zero")
      yield* one.succeed(2, 2)
      assert.strictEqual(yield* Fiber.join(any), 2)
      const two = yield* manual(2)
      const none = yield* fork(ObjectRef.any(two.refs))
      yield* two.fail(1, "one")
      yield* two.fail(0, "zero")
      const exit = yield* Fiber.await(none)
      assert.isTrue(Exit.isFailure(exit))
      if (Exit.isSuccess(exit)) return
      assert.deepStrictEqual(
        exit.cause.reasons.map((reason) => Cause.isFailReason(reason) && reason.error),
        ["one", "zero"]
      )
      assert.instanceOf(yield* defectOf(ObjectRef.any([])), RangeError)
    })
  )

  it.effect("3.8 ObjectRef.allSettled waits for all and gives their exits in the same shape", () =>
    Effect.gen(function* () {
      const { fail, refs, succeed } = yield* manual(2)
      const settled = yield* fork(ObjectRef.allSettled({ a: refs[0]!, b: refs[1]! }))
      yield* fail(0, "zero")
      assert.isUndefined(settled.pollUnsafe())
      yield* succeed(1, 1)
      const { a, b } = yield* Fiber.join(settled)
      assert.isTrue(Exit.isFailure(a))
      assert.deepStrictEqual(b, Exit.succeed(1))
      assert.deepStrictEqual(yield* ObjectRef.allSettled([]), [])
    })
  )

  it.effect("3.8 ObjectRef.asCompleted is a Stream in order of completion", () =>
    Effect.gen(function* () {
      const { refs, succeed } = yield* manual(4)
      yield* succeed(3, 3)
      const seen: Array<number> = []
      const fiber = yield* fork(Stream.runForEach(ObjectRef.asCompleted(refs), (n) => Effect.sync(() => seen.push(n))))
      yield* settle
      assert.deepStrictEqual(seen, [3], "what is ready comes at once")
      for (const i of [1, 0, 2]) {
        yield* succeed(i, i)
        yield* settle
      }
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(seen, [3, 1, 0, 2])
      assert.deepStrictEqual(yield* Stream.runCollect(ObjectRef.asCompleted([])), [])
    })
  )

  it.effect("3.8 ObjectRef.asCompleted fails at the first failure, after the values before it", () =>
    Effect.gen(function* () {
      const { fail, refs, succeed } = yield* manual(3)
      const seen: Array<number> = []
      const fiber = yield* fork(Stream.runForEach(ObjectRef.asCompleted(refs), (n) => Effect.sync(() => seen.push(n))))
      yield* succeed(2, 2)
      yield* fail(0, "zero")
      assert.strictEqual(yield* errorOf(Fiber.join(fiber)), "zero")
      assert.deepStrictEqual(seen, [2])
    })
  )

  it.effect(
    "3.8 ObjectRef.asSettled gives each ref with its exit, in order of completion, and goes on after failures",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const worker = yield* Worker.spawn(probe)
        const a = yield* worker.work.remote("a")
        const b = yield* worker.run.remote(Effect.andThen(probe.work("b"), Effect.fail("typed")))
        const c = yield* worker.work.remote("c")
        const refs = [a, b, c]
        const seen: Array<readonly [ObjectRef.Any, Exit.Exit<unknown, unknown>]> = []
        const fiber = yield* fork(
          Stream.runForEach(ObjectRef.asSettled(refs), (pair) => Effect.sync(() => seen.push(pair)))
        )
        for (const id of ["c", "b", "a"]) {
          yield* probe.open(id)
          yield* settle
        }
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(
          seen.map(([ref]) => ref),
          [c, b, a]
        )
        assert.deepStrictEqual(
          seen.map(([, exit]) => (Exit.isSuccess(exit) ? exit.value : Cause.squash(exit.cause))),
          ["c", "typed", "a"]
        )
        assert.deepStrictEqual(yield* Stream.runCollect(ObjectRef.asSettled([])), [])
        const [first] = yield* Stream.runCollect(Stream.take(ObjectRef.asSettled(refs), 1))
        assert.strictEqual(first?.[0], a, "those that had settled before come in the order of the list")
      })
  )

  it.effect("3.8 ObjectRef.asCompleted can be left early", () =>
    Effect.gen(function* () {
      const { refs, succeed } = yield* manual(3)
      const first = yield* fork(Stream.runCollect(Stream.take(ObjectRef.asCompleted(refs), 1)))
      yield* succeed(1, 1)
      assert.deepStrictEqual(yield* Fiber.join(first), [1])
      yield* succeed(0, 0)
      assert.strictEqual(yield* refs[0]!, 0)
    })
  )

  it.effect("3.8 they are allowed inside actors", () =>
    Effect.gen(function* () {
      class Joiner extends Actor.Service<Joiner>()("test/Joiner", {
        make: Effect.succeed({
          all: (refs: ReadonlyArray<ObjectRef.ObjectRef<number>>) => ObjectRef.all(refs),
          race: (refs: ReadonlyArray<ObjectRef.ObjectRef<number>>) => ObjectRef.race(refs),
          any: (refs: ReadonlyArray<ObjectRef.ObjectRef<number>>) => ObjectRef.any(refs),
          settled: (refs: ReadonlyArray<ObjectRef.ObjectRef<number>>) => ObjectRef.allSettled(refs),
          completed: (refs: ReadonlyArray<ObjectRef.ObjectRef<number>>) =>
            Stream.runCollect(ObjectRef.asCompleted(refs)),
          one: (box: readonly [ObjectRef.ObjectRef<number>]) => box[0]
        })
      }) {}
      const joiner = yield* Joiner.spawn()
      const refs = [ObjectRef.succeed(1), ObjectRef.fromPromise(Promise.resolve(2))]
      assert.deepStrictEqual(yield* joiner.all(refs), [1, 2])
      assert.strictEqual(yield* joiner.race(refs), 1)
      assert.strictEqual(yield* joiner.any(refs), 1)
      assert.deepStrictEqual(yield* joiner.settled(refs), [Exit.succeed(1), Exit.succeed(2)])
      assert.deepStrictEqual(yield* joiner.completed(refs), [1, 2])
      assert.strictEqual(yield* joiner.one([ObjectRef.succeed(3)]), 3)
    })
  )

  it.effect("3.8 what is no ref is refused, with the name of the operation", () =>
    Effect.gen(function* () {
      const handle = yield* Worker.spawn()
      for (const wrong of [1, undefined, null, Effect.succeed(1), handle.add(1, 2), handle, Promise.resolve(1)]) {
        const refs = [ObjectRef.succeed(1), wrong] as never as Array<ObjectRef.Any>
        const operations: Record<string, () => Effect.Effect<unknown, unknown>> = {
          all: () => ObjectRef.all(refs),
          allSettled: () => ObjectRef.allSettled(refs),
          race: () => ObjectRef.race(refs),
          any: () => ObjectRef.any(refs),
          asCompleted: () => Stream.runDrain(ObjectRef.asCompleted(refs)),
          cancel: () => ObjectRef.cancel(refs[1]!),
          wait: () => Effect.provide(ObjectRef.wait(refs), Driver.layer),
          get: () => Effect.provide(ObjectRef.get(refs), Driver.layer)
        }
        for (const [name, operation] of Object.entries(operations)) {
          const defect = yield* defectOf(Effect.suspend(operation))
          assert.instanceOf(defect, TypeError)
          assert.include(String(defect), `ObjectRef.${name}`)
        }
      }
    })
  )

  it.effect(
    "3.8 10,000 refs at once",
    () =>
      seeded(
        Effect.gen(function* () {
          const { refs, succeed } = yield* manual(10_000)
          const latch = yield* Latch.make()
          const all = yield* fork(ObjectRef.all(refs))
          const settled = yield* fork(Effect.tap(ObjectRef.allSettled(refs), latch.open))
          const completed = yield* fork(Stream.runCollect(ObjectRef.asCompleted(refs)))
          const order = yield* Random.shuffle(range(10_000))
          for (const i of order) yield* succeed(i, i)
          assert.deepStrictEqual(yield* Fiber.join(all), range(10_000))
          assert.strictEqual((yield* Fiber.join(settled)).length, 10_000)
          assert.deepStrictEqual(yield* Fiber.join(completed), order)
        })
      ),
    60_000
  )

  it.effect("3.8 they work on one ref many times over", () =>
    Effect.gen(function* () {
      const { refs, succeed } = yield* manual(1)
      const many = range(1000).map(() => refs[0]!)
      const fiber = yield* fork(ObjectRef.all(many))
      yield* succeed(0, 7)
      assert.deepStrictEqual(
        yield* Fiber.join(fiber),
        many.map(() => 7)
      )
      assert.deepStrictEqual(yield* Effect.provide(ObjectRef.get(many.slice(0, 2)), Driver.layer), [7, 7])
    })
  )
})
