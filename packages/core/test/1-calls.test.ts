import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Actor, type ActorError, AsyncHandle, ObjectRef, Task } from "@troupe/core"
import { Cause, Deferred, Effect, Exit, Fiber, Latch, Random, Record, Schedule } from "effect"
import { TestClock } from "effect/testing"
import { defectOf, errorOf, fork, Probe, range, reasonOf, reasonOfExit, seeded, settle, Worker } from "./support.ts"

describe("1.1", () => {
  it.effect("1.1 handle.method(...args) is an Effect that submits one call and waits for it", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const fiber = yield* fork(worker.work("a"))
      yield* probe.started("a")
      assert.isUndefined(fiber.pollUnsafe(), "it waits")
      yield* probe.open("a")
      assert.strictEqual(yield* Fiber.join(fiber), "a")
      assert.deepStrictEqual(probe.log, ["a start", "a end"])
    })
  )

  it.effect("1.1 running it twice submits two calls", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const ask = worker.note("a")
      assert.isTrue(Effect.isEffect(ask))
      yield* ask
      yield* ask
      yield* Effect.repeat(ask, { times: 2 })
      assert.deepStrictEqual(probe.log, ["a", "a", "a", "a", "a"])
    })
  )

  it.effect("1.1 it has no effect until it is run", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      worker.note("a")
      worker.note.remote("a")
      worker.note.options({ name: "other" })("a")
      yield* settle
      assert.deepStrictEqual(probe.log, [])
    })
  )

  it.effect("1.1 it retries and composes like any Effect: each run is a call of its own", () =>
    Effect.gen(function* () {
      let calls = 0
      const worker = yield* Worker.spawn()
      const flaky = Effect.suspend(() => (++calls < 3 ? Effect.fail("not yet") : Effect.succeed(calls)))
      assert.strictEqual(yield* Effect.retry(worker.run(flaky), Schedule.recurs(5)), 3)
      assert.deepStrictEqual(yield* Effect.all([worker.add(1, 2), worker.add(3, 4)]), [3, 7])
      assert.strictEqual(yield* worker.add(1, 2).pipe(Effect.map((n) => n * 2)), 6)
    })
  )

  it.effect("1.1 a method may have optional and rest parameters", () =>
    Effect.gen(function* () {
      class Variadic extends Actor.Service<Variadic>()("test/Variadic", {
        make: Effect.succeed({
          optional: (a: number, b?: number) => Effect.succeed([a, b]),
          rest: (first: string, ...more: Array<number>) => Effect.succeed([first, ...more]),
          readonly: (...ids: ReadonlyArray<string>) => Effect.succeed(ids),
          none: () => Effect.succeed("none")
        })
      }) {}
      const variadic = yield* Variadic.spawn()
      assert.deepStrictEqual(yield* variadic.optional(1), [1, undefined])
      assert.deepStrictEqual(yield* variadic.optional(1, ObjectRef.succeed(2)), [1, 2])
      assert.deepStrictEqual(yield* variadic.rest("a", 1, ObjectRef.succeed(2)), ["a", 1, 2])
      assert.deepStrictEqual(yield* variadic.readonly("a", ObjectRef.succeed("b")), ["a", "b"])
      assert.strictEqual(yield* variadic.none(), "none")
    })
  )

  it.effect("1.1 a method that needs no fiber runs once per call, and fails and dies as it would on one", () =>
    Effect.gen(function* () {
      const ran: Array<string> = []
      const boom = new Error("boom")
      const note = <A>(name: string, end: () => A): A => {
        ran.push(name)
        return end()
      }
      const throws = (): never => {
        throw boom
      }
      class Quick extends Actor.Service<Quick>()("test/Quick", {
        make: Effect.succeed({
          sync: () => Effect.sync(() => note("sync", () => 1)),
          syncThrows: () => Effect.sync(() => note("syncThrows", throws)),
          suspended: () => Effect.suspend(() => note("suspended", () => Effect.sync(() => note("inner", () => 2)))),
          suspendedFails: () => Effect.suspend(() => note("suspendedFails", () => Effect.fail("no" as const))),
          suspendedThrows: () => Effect.suspend((): Effect.Effect<number> => note("suspendedThrows", throws)),
          suspendedWaits: () => Effect.suspend(() => note("suspendedWaits", () => Effect.as(Effect.yieldNow, 3)))
        })
      }) {}
      const quick = yield* Quick.spawn()
      for (const submit of ["ask", "remote"] as const) {
        ran.length = 0
        const run = <A, E>(method: Actor.Method<[], A, E>) =>
          submit === "ask" ? method() : Effect.flatten(method.remote())
        assert.strictEqual(yield* run(quick.sync), 1)
        assert.strictEqual(yield* defectOf(run(quick.syncThrows)), boom)
        assert.strictEqual(yield* run(quick.suspended), 2)
        assert.strictEqual(yield* Effect.flip(run(quick.suspendedFails)), "no")
        assert.strictEqual(yield* defectOf(run(quick.suspendedThrows)), boom)
        assert.strictEqual(yield* run(quick.suspendedWaits), 3)
        assert.deepStrictEqual(ran, [
          "sync",
          "syncThrows",
          "suspended",
          "inner",
          "suspendedFails",
          "suspendedThrows",
          "suspendedWaits"
        ])
      }
    })
  )
})

describe("1.2", () => {
  it.effect("1.2 interrupting a fiber that waits for a running call cancels it and waits for its finalizers", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const slowEnd = Effect.onInterrupt(probe.work("a"), () => Effect.andThen(probe.gate("end"), probe.note("ended")))
      const asker = yield* fork(worker.run(slowEnd))
      yield* probe.started("a")
      const interrupt = yield* fork(Fiber.interrupt(asker))
      yield* settle
      assert.deepStrictEqual(probe.log, ["a start", "a cut"])
      assert.isUndefined(interrupt.pollUnsafe(), "the finalizer still runs")
      yield* probe.open("end")
      yield* Fiber.join(interrupt)
      assert.deepStrictEqual(probe.log, ["a start", "a cut", "ended"])
    })
  )

  it.effect("1.2 interrupting a fiber that waits for a call in line takes the call out of the line", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const first = yield* fork(worker.work("first"))
      const second = yield* fork(worker.work("second"))
      const third = yield* fork(worker.work("third"))
      yield* probe.started("first")
      yield* Fiber.interrupt(second)
      assert.deepStrictEqual(probe.log, ["first start"], "it returned while the first still runs")
      yield* probe.open("first", "second", "third")
      yield* Fiber.joinAll([first, third])
      assert.deepStrictEqual(probe.startOrder, ["first", "third"])
    })
  )

  it.effect(
    "1.2 interrupting a fiber that waits for a call with missing arguments cancels the call, not the argument",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const worker = yield* Worker.spawn(probe)
        const argument = yield* worker.work.remote("a")
        const asker = yield* fork(worker.note(argument))
        yield* probe.started("a")
        yield* Fiber.interrupt(asker)
        yield* probe.open("a")
        assert.strictEqual(yield* argument, "a")
        yield* settle
        assert.deepStrictEqual(probe.log, ["a start", "a end"])
      })
  )

  it.effect("1.2 a fiber that is interrupted while it waits for room submits nothing", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxPendingCalls: 1, overflow: "suspend" }).spawn(probe)
      const first = yield* fork(worker.work("first"))
      const second = yield* fork(worker.note("second"))
      yield* Fiber.interrupt(second)
      yield* probe.open("first")
      yield* Fiber.join(first)
      yield* settle
      assert.deepStrictEqual(probe.log, ["first start", "first end"])
      assert.strictEqual(yield* worker.note("third"), "third")
    })
  )

  it.effect("1.2 a fiber that is interrupted as its call is admitted cancels that call", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxPendingCalls: 1, overflow: "suspend" }).spawn(probe)
      const first = yield* fork(worker.work("first"))
      const second = yield* fork(worker.work("second"))
      // Opening admits the second call in the same turn in which its asker is interrupted.
      yield* probe.open("first")
      yield* Fiber.join(first)
      yield* Fiber.interrupt(second)
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(second)))
      yield* settle
      assert.strictEqual(probe.running, 0)
      assert.strictEqual(yield* worker.note("third"), "third", "its place is free again")
    })
  )

  it.effect("1.2 a timeout of the asker cancels the call", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const asker = yield* fork(Effect.timeout(worker.work("a"), "1 second"))
      yield* TestClock.adjust("1 second")
      assert.isTrue(Cause.isTimeoutError(yield* errorOf(Fiber.join(asker))))
      assert.deepStrictEqual(probe.log, ["a start", "a cut"])
    })
  )

  it.effect("1.2 the loser of a race is cancelled", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const race = yield* fork(Effect.race(worker.work("a"), worker.work("b")))
      yield* probe.open("b")
      assert.strictEqual(yield* Fiber.join(race), "b")
      assert.deepStrictEqual(probe.log, ["a start", "b start", "b end", "a cut"])
    })
  )

  it.effect("1.2 a call that cannot be interrupted runs to its end, and the interruption waits for it", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const asker = yield* fork(worker.run(Effect.uninterruptible(probe.work("a"))))
      yield* probe.started("a")
      const interrupt = yield* fork(Fiber.interrupt(asker))
      yield* settle
      assert.isUndefined(interrupt.pollUnsafe())
      yield* probe.open("a")
      yield* Fiber.join(interrupt)
      assert.deepStrictEqual(probe.log, ["a start", "a end"])
    })
  )

  it.effect("1.2 interrupting one asker leaves the calls of others alone", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const one = yield* fork(worker.work("one"))
      const two = yield* fork(worker.work("two"))
      yield* Fiber.interrupt(one)
      yield* probe.open("two")
      assert.strictEqual(yield* Fiber.join(two), "two")
    })
  )
})

describe("1.3", () => {
  it.effect(
    "1.3 handle.method.remote(...args) submits one call and succeeds at once with its ObjectRef; the method's body has not started when it succeeds",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const worker = yield* Worker.spawn(probe)
        const ref = yield* worker.note.remote("a")
        assert.isTrue(ObjectRef.isObjectRef(ref))
        assert.deepStrictEqual(probe.log, [])
        assert.strictEqual(yield* ref, "a")
        assert.deepStrictEqual(probe.log, ["a"])
      })
  )

  it.effect("1.3 the method itself has not been called either", () =>
    Effect.gen(function* () {
      let called = 0
      class Plain extends Actor.Service<Plain>()("test/Plain", {
        make: Effect.succeed({ get: () => Effect.succeed(++called) })
      }) {}
      const plain = yield* Plain.spawn()
      const ref = yield* plain.get.remote()
      assert.strictEqual(called, 0)
      assert.strictEqual(yield* ref, 1)
    })
  )

  it.effect("1.3 the call starts without anybody waiting for it", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      yield* worker.work.remote("a")
      yield* probe.started("a")
    })
  )

  it.effect("1.3 the call outlives the fiber that submitted it, be it done or interrupted", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const a = yield* Fiber.join(yield* fork(worker.work.remote("a")))
      const refs = yield* Deferred.make<ObjectRef.ObjectRef<string, ActorError.ActorError>>()
      const submitter = yield* fork(
        worker.work.remote("b").pipe(
          Effect.flatMap((ref) => Deferred.succeed(refs, ref)),
          Effect.andThen(Effect.never)
        )
      )
      const b = yield* Deferred.await(refs)
      yield* Fiber.interrupt(submitter)
      yield* probe.open("a", "b")
      assert.deepStrictEqual(yield* ObjectRef.all([a, b]), ["a", "b"])
    })
  )

  it.effect("1.3 the call outlives the submitter that is interrupted before the body has started", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const first = yield* worker.work.remote("first")
      const submitter = yield* fork(Effect.andThen(worker.note.remote("second"), Effect.never))
      yield* Fiber.interrupt(submitter)
      yield* probe.open("first")
      yield* first
      yield* settle
      assert.deepStrictEqual(probe.log, ["first start", "first end", "second"])
    })
  )

  it.effect("1.3 it can be submitted with runSync, and from uninterruptible regions", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const ref = Effect.runSync(worker.add.remote(1, 2))
      assert.strictEqual(yield* ref, 3)
      assert.strictEqual(yield* Effect.uninterruptible(Effect.flatten(worker.add.remote(1, 2))), 3)
    })
  )

  it.effect("1.3 a submission to a dead actor succeeds, and the ref fails", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      yield* Actor.kill(worker)
      const ref = yield* worker.add.remote(1, 2)
      assert.strictEqual((yield* reasonOf(ref))._tag, "ActorDied")
    })
  )
})

describe("1.4", () => {
  it.effect("1.4 calls start in submission order", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 3 }).spawn(probe)
      const refs = yield* Effect.forEach(range(50), (i) => worker.work.remote(`${i}`))
      for (const i of range(50)) yield* probe.open(`${i}`)
      yield* ObjectRef.all(refs)
      assert.deepStrictEqual(probe.startOrder, range(50).map(String))
    })
  )

  it.effect("1.4 an ask that finds a free permit while older calls wait to be started starts after those", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      yield* worker.note.remote("a")
      yield* worker.note.remote("b")
      yield* worker.note("c")
      assert.deepStrictEqual(probe.log, ["a", "b", "c"])
    })
  )

  it.effect("1.4 also behind thousands of them", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: Infinity }).spawn(probe)
      yield* Effect.forEach(range(5000), (i) => worker.note.remote(`${i}`), { discard: true })
      yield* worker.note("ask")
      assert.deepStrictEqual(probe.log, [...range(5000).map(String), "ask"])
    })
  )

  it.effect(
    "1.4 a call that the first of several waiting calls submits to its own actor starts after all of them",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const worker = yield* Worker.spawn(probe)
        const first = yield* worker.run.remote(Effect.andThen(probe.note("a"), worker.note("d")))
        yield* worker.note.remote("b")
        yield* worker.note.remote("c")
        yield* first
        assert.deepStrictEqual(probe.log, ["a", "b", "c", "d"])
      })
  )

  it.effect("1.4 asks and submissions, mixed at random, start in submission order at any limit", () =>
    seeded(
      Effect.forEach([1, 2, 7, Infinity], (maxConcurrency) =>
        Effect.gen(function* () {
          const submitted: Array<string> = []
          const started: Array<string> = []
          const latch = yield* Latch.make()
          const worker = yield* Worker.options({ maxConcurrency }).spawn()
          const body = (id: string) =>
            Effect.gen(function* () {
              started.push(id)
              const hops = yield* Random.nextIntBetween(0, 3)
              yield* latch.await
              for (let i = 0; i < hops; i++) yield* Effect.yieldNow
            })
          const join = (call: Fiber.Fiber<any, any> | ObjectRef.Any): Effect.Effect<any, any> =>
            Fiber.isFiber(call) ? Fiber.join(call as Fiber.Fiber<any, any>) : (call as ObjectRef.Any)
          const submit = (id: string) =>
            Effect.gen(function* () {
              submitted.push(id)
              const how = yield* Random.nextIntBetween(0, 4)
              if (how === 0) return yield* fork(worker.run(body(id)))
              if (how === 1) return yield* worker.run.remote(ObjectRef.succeed(body(id)))
              const ref = yield* worker.run.remote(body(id))
              if (how === 2) yield* Effect.yieldNow
              return ref
            })
          const calls = yield* Effect.forEach(range(400), (i) => {
            if (i === 100) latch.openUnsafe()
            return submit(`${i}`)
          })
          for (const call of calls) yield* join(call)
          assert.deepStrictEqual(started, submitted)
        })
      )
    )
  )

  it.effect("1.4 the order holds across callers: fibers, promises and other actors", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const other = yield* Worker.spawn()
      const holder = yield* worker.work.remote("holder")
      yield* probe.started("holder")
      const last: Array<Fiber.Fiber<unknown, unknown>> = []
      for (const i of range(10)) {
        yield* fork(worker.note.remote(`fiber ${i}`))
        Effect.runFork(worker.note(`promise ${i}`))
        last.push(yield* fork(other.run(worker.note(`actor ${i}`))))
      }
      yield* probe.open("holder")
      yield* holder
      yield* Fiber.awaitAll(last)
      const expected = range(10).flatMap((i) => [`fiber ${i}`, `promise ${i}`, `actor ${i}`])
      assert.deepStrictEqual(probe.log.slice(2), expected)
    })
  )

  it.effect("1.4 a call whose argument is a ref that is ready keeps its place", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const first = yield* worker.note.remote("a")
      yield* first
      yield* worker.note.remote("b")
      yield* worker.note.remote(first)
      yield* worker.note("c")
      assert.deepStrictEqual(probe.log, ["a", "b", "a", "c"])
    })
  )

  it.effect("1.4 a call that waits for an argument may be overtaken, and stands in line once it has it", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const argument = yield* Deferred.make<string>()
      const late = yield* ObjectRef.fromEffect(Deferred.await(argument))
      const waiting = yield* worker.note.remote(late)
      assert.strictEqual(yield* worker.note("overtakes"), "overtakes")
      const holder = yield* worker.work.remote("holder")
      const before = yield* worker.note.remote("before")
      yield* Deferred.succeed(argument, "late")
      yield* settle
      const after = yield* worker.note.remote("after")
      yield* probe.open("holder")
      yield* ObjectRef.all([holder, before, waiting, after])
      assert.deepStrictEqual(probe.log, ["overtakes", "holder start", "holder end", "before", "late", "after"])
    })
  )

  it.effect("1.4 the order holds at maxConcurrency 1 while another call is retried", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      let failures = 2
      const flaky = Effect.suspend(() => {
        log.push("flaky")
        return failures-- > 0 ? Effect.fail("not yet") : Effect.succeed("ok")
      })
      const worker = yield* Worker.options({ maxConcurrency: 1, maxTaskRetries: 5, retry: true }).spawn()
      const first = yield* worker.run.remote(flaky)
      const others = yield* Effect.forEach(range(5), (i) => worker.run.remote(Effect.sync(() => log.push(`${i}`))))
      yield* worker.run(Effect.sync(() => log.push("ask")))
      assert.strictEqual(yield* first, "ok")
      yield* ObjectRef.all(others)
      assert.deepStrictEqual(log, ["flaky", "flaky", "flaky", "0", "1", "2", "3", "4", "ask"])
    })
  )

  it.effect("1.4 a retried call that gave up its permit goes before everything submitted after it", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      let failures = 1
      const flaky = Effect.gen(function* () {
        yield* probe.work("flaky")
        if (failures-- > 0) yield* Effect.fail("not yet")
      })
      const worker = yield* Worker.options({ maxConcurrency: 2, maxTaskRetries: 1, retry: true }).spawn(probe)
      const refs = [
        yield* worker.run.remote(flaky),
        yield* worker.work.remote("b"),
        yield* worker.work.remote("c"),
        yield* worker.work.remote("d")
      ]
      yield* probe.started("b")
      yield* probe.open("flaky")
      yield* settle
      yield* probe.open("b", "c", "d")
      yield* ObjectRef.all(refs)
      assert.deepStrictEqual(probe.startOrder, ["flaky", "b", "flaky", "c", "d"])
    })
  )

  it.effect("1.4 a cancelled call leaves the order of the others as it was", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const holder = yield* worker.work.remote("holder")
      const refs = yield* Effect.forEach(range(9), (i) => worker.note.remote(`${i}`))
      yield* probe.started("holder")
      for (const i of [0, 4, 8]) yield* ObjectRef.cancel(refs[i]!)
      const last = yield* worker.note.remote("last")
      yield* probe.open("holder")
      yield* ObjectRef.all([holder, last])
      assert.deepStrictEqual(probe.log.slice(2), ["1", "2", "3", "5", "6", "7", "last"])
    })
  )

  it.effect("1.4 the order is per concurrency group", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      class Grouped extends Actor.Service<Grouped>()("test/Grouped", {
        maxConcurrency: 1,
        shutdownTimeout: 0,
        concurrencyGroups: { io: { maxConcurrency: 1, methods: ["io"] } },
        make: Effect.succeed({ cpu: probe.work, io: probe.work })
      }) {}
      const grouped = yield* Grouped.spawn()
      const refs = [
        yield* grouped.cpu.remote("cpu1"),
        yield* grouped.cpu.remote("cpu2"),
        yield* grouped.io.remote("io1"),
        yield* grouped.io.remote("io2")
      ]
      yield* probe.open("io1", "io2")
      yield* probe.started("io2")
      yield* probe.open("cpu1", "cpu2")
      yield* ObjectRef.all(refs)
      assert.deepStrictEqual(
        probe.startOrder.filter((id) => id.startsWith("io")),
        ["io1", "io2"]
      )
      assert.deepStrictEqual(
        probe.startOrder.filter((id) => id.startsWith("cpu")),
        ["cpu1", "cpu2"]
      )
    })
  )
})

describe("1.5", () => {
  it.effect("1.5 any argument of a call may be an ObjectRef of that argument's type", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const one = yield* worker.add.remote(0, 1)
      const two = yield* worker.add.remote(one, one)
      assert.strictEqual(yield* worker.add(one, two), 3)
      assert.strictEqual(yield* worker.add(one, 10), 11)
      assert.strictEqual(yield* worker.add(ObjectRef.succeed(5), 10), 15)
      assert.strictEqual(yield* worker.add(5, ObjectRef.fromPromise(Promise.resolve(10))), 15)
      assert.strictEqual(yield* Effect.flatten(worker.add.remote(one, two)), 3)
    })
  )

  it.effect("1.5 the body runs only when all such refs have succeeded, and holds no permit while it waits", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const argument = (id: string) => ObjectRef.fromEffect(Effect.as(probe.gate(id), id))
      const a = yield* argument("a")
      const b = yield* argument("b")
      const call = yield* worker.run.remote(
        yield* ObjectRef.fromEffect(Effect.map(ObjectRef.all([a, b]), Effect.succeed))
      )
      const both = yield* Effect.map(Worker.spawn(), (other) => other.add)
      const sum = yield* both.remote(a as never, b as never)
      yield* probe.open("a")
      yield* settle
      assert.isFalse(yield* Deferred.isDone(ObjectRef.asDeferred(call)))
      assert.isFalse(yield* Deferred.isDone(ObjectRef.asDeferred(sum)))
      assert.strictEqual(yield* worker.note("free"), "free", "the only permit is free")
      yield* probe.open("b")
      assert.deepStrictEqual(yield* call, ["a", "b"])
      assert.strictEqual(yield* sum, "ab" as never)
    })
  )

  it.effect(
    "1.5 if one fails, the body never runs and the call fails with that same error, without waiting for others",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const worker = yield* Worker.spawn(probe)
        class Broken extends Error {
          readonly _tag = "Broken"
        }
        const broken = new Broken("pipe")
        const never = yield* ObjectRef.fromEffect(Effect.never)
        const early = ObjectRef.fail(broken)
        const late: ObjectRef.ObjectRef<never, unknown> = yield* worker.fail.remote(broken)
        assert.strictEqual(yield* errorOf(worker.add(never, early)), broken)
        assert.strictEqual(yield* errorOf(worker.add(never, late)), broken)
        assert.strictEqual(yield* errorOf(worker.note(late)), broken)
        assert.deepStrictEqual(probe.log, [])
      })
  )

  it.effect("1.5 an argument that dies makes the call die of the same defect, and harms no actor", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ onDefect: "stop" }).spawn(probe)
      const defect = new Error("bug elsewhere")
      const elsewhere = yield* Worker.spawn()
      const argument = yield* elsewhere.die.remote(defect)
      const exit = yield* Effect.exit(worker.note(argument))
      assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) === defect)
      assert.strictEqual(yield* worker.note("alive"), "alive")
    })
  )

  it.effect("1.5 a cancelled argument fails the call with TaskCancelled of the argument's call", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const argument = yield* worker.work.remote("a")
      const call = yield* worker.note.remote(argument)
      yield* ObjectRef.cancel(argument)
      const reason = yield* reasonOf(call)
      assert.strictEqual(reason._tag, "TaskCancelled")
      assert.strictEqual(reason.method, "work")
      assert.deepStrictEqual(probe.log, [])
    })
  )

  it.effect("1.5 refs nested inside an argument are passed on untouched", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const ref = yield* ObjectRef.fromEffect(Effect.never)
      const list = [ref]
      const record = { ref, deep: { ref } }
      assert.strictEqual(yield* worker.echo(list), list)
      assert.strictEqual(yield* worker.echo(record), record)
      assert.strictEqual(record.deep.ref, ref)
    })
  )

  it.effect("1.5 a call that is cancelled while its arguments are prepared never runs", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const argument = yield* ObjectRef.fromEffect(Effect.as(probe.gate("a"), "a"))
      const call = yield* worker.note.remote(argument)
      assert.strictEqual(yield* ObjectRef.cancel(call), "NotStarted")
      yield* probe.open("a")
      yield* argument
      yield* settle
      assert.deepStrictEqual(probe.log, [])
      assert.strictEqual((yield* reasonOf(call))._tag, "TaskCancelled")
    })
  )

  it.effect("1.5 an actor killed while arguments are prepared fails the call; one that is stopped waits for it", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const argument = yield* ObjectRef.fromEffect(Effect.as(probe.gate("a"), "a"))
      const killed = yield* Worker.spawn(probe)
      const stopped = yield* Worker.spawn(probe)
      const lost = yield* killed.note.remote(argument)
      const kept = yield* stopped.note.remote(argument)
      yield* Actor.kill(killed)
      const stop = yield* fork(Actor.stop(stopped))
      const reason = yield* reasonOf(lost)
      assert.strictEqual(reason._tag, "ActorDied")
      assert.isFalse(reason.mayHaveRun)
      yield* settle
      assert.isUndefined(stop.pollUnsafe())
      yield* probe.open("a")
      assert.strictEqual(yield* kept, "a")
      yield* Fiber.join(stop)
      assert.deepStrictEqual(probe.log, ["a"])
    })
  )

  it.effect("1.5 the permit that its arguments did not hold may be gone: the call then stands in line", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const argument = yield* ObjectRef.fromEffect(Effect.as(probe.gate("a"), "a"))
      const call = yield* worker.note.remote(argument)
      const holder = yield* worker.work.remote("holder")
      yield* probe.started("holder")
      yield* probe.open("a")
      yield* settle
      assert.deepStrictEqual(probe.log, ["holder start"])
      yield* probe.open("holder")
      yield* ObjectRef.all([holder, call])
      assert.deepStrictEqual(probe.log, ["holder start", "holder end", "a"])
    })
  )
})

describe("1.6", () => {
  it.effect("1.6 an unknown method fails at the call with an error that names the actor and lists what exists", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const untyped = worker as any
      const message = 'test/Worker has no method "nope", it has work, note, echo, add, fail, die, run'
      assert.throws(() => untyped.nope(1), TypeError, message)
      assert.throws(() => untyped.nope.remote(1), TypeError, message)
      assert.throws(() => untyped.nope.options({}), TypeError, message)
      assert.strictEqual(yield* worker.add(1, 2), 3, "no harm is done")
    })
  )

  it.effect(
    "1.6 an unknown concurrency group fails at the call with an error that names the actor and lists what exists",
    () =>
      Effect.gen(function* () {
        class Grouped extends Actor.Service<Grouped>()("test/Grouped", {
          concurrencyGroups: { io: { maxConcurrency: 1, methods: [] }, cpu: { maxConcurrency: 1, methods: [] } },
          make: Effect.succeed({ ping: () => Effect.succeed("pong") })
        }) {}
        const grouped = yield* Grouped.spawn()
        const worker = yield* Worker.spawn()
        const none = { concurrencyGroup: "nope" } as never
        assert.throws(() => grouped.ping.options(none), RangeError, /test\/Grouped.*"nope".*io, cpu/)
        assert.throws(() => worker.add.options(none), RangeError, /test\/Worker.*"nope".*none/)
        assert.strictEqual(yield* grouped.ping(), "pong")
      })
  )

  it.effect("1.6 wrong arguments fail the call, and never harm the actor", () =>
    Effect.gen(function* () {
      class Upper extends Actor.Service<Upper>()("test/Upper", {
        make: Effect.succeed({ upper: (text: string) => Effect.succeed(text.toUpperCase()) })
      }) {}
      const upper = yield* Upper.spawn()
      const exit = yield* Effect.exit(upper.upper(1 as never))
      assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) instanceof TypeError)
      assert.strictEqual(yield* upper.upper("a"), "A")
    })
  )

  it.effect("1.6 a method that returns no Effect is a defect that says so, and never harms the actor", () =>
    Effect.gen(function* () {
      class Odd extends Actor.Service<Odd>()("test/Odd", {
        make: Effect.succeed({
          value: () => 1 as never as Effect.Effect<number>,
          promise: () => Promise.resolve(1) as never as Effect.Effect<number>,
          nothing: () => undefined as never as Effect.Effect<number>,
          null: () => null as never as Effect.Effect<number>,
          suspended: () => Effect.suspend(() => 1 as never as Effect.Effect<number>),
          generator: function* () {} as never as () => Effect.Effect<number>,
          big: () => 1n as never as Effect.Effect<number>,
          fine: () => Effect.succeed(1)
        })
      }) {}
      const odd = yield* Odd.spawn()
      const remedies = {
        value: "1. Effect.succeed wraps a value",
        promise: "a Promise. Wrap it: Effect.promise(() => ...)",
        nothing: "undefined. Effect.succeed wraps a value",
        null: "null. Effect.succeed wraps a value",
        suspended: "1. Effect.succeed wraps a value",
        big: "1n. Effect.succeed wraps a value",
        generator: "a generator. Wrap it: Effect.gen(function* () { ... })"
      }
      for (const [method, remedy] of Record.toEntries(remedies)) {
        const exit = yield* Effect.exit(odd[method]())
        const defect = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
        assert.instanceOf(defect, TypeError)
        assert.strictEqual(defect.message, `test/Odd.${method} must return an Effect, but returned ${remedy}`)
      }
      assert.strictEqual(yield* odd.fine(), 1)
    })
  )

  it.effect("1.6 handles can be looked at by tools that try properties: await, inspect, JSON, assertions", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      assert.strictEqual(yield* Effect.promise(async () => worker), worker)
      assert.match(inspect(worker), /^test\/Worker\(#\d+, 0 running, 0 waiting\)$/)
      assert.match(`${worker}`, /^test\/Worker\(#\d+/)
      assert.include(JSON.stringify(worker), '"actor":"test/Worker"')
      assert.strictEqual(worker, worker)
      assert.deepStrictEqual({ worker }, { worker })
      assert.isTrue(Actor.isHandle(worker))
      assert.isFalse(Actor.isHandle({}))
      assert.deepStrictEqual(Object.keys(worker), ["work", "note", "echo", "add", "fail", "die", "run"])
    })
  )
})

describe("1.1 a call that was not run", () => {
  const notRun = /^test\/Worker\.add(\.remote)?\(\.\.\.\) has not run: yield\* it, or give it to Effect\.runPromise/

  it.effect("1.1 says what to do where it is printed or awaited, in text and in JSON", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      for (const call of [worker.add(1, 2), worker.add.remote(1, 2)]) {
        assert.match(inspect(call), notRun)
        assert.match(`${call}`, notRun)
        assert.match(inspect(yield* Effect.promise(async () => ({ call: await call }))), /has not run: yield\* it/)
        assert.match(JSON.stringify({ call }), /"test\/Worker\.add","status":"has not run: yield\* it/)
      }
    })
  )

  it.effect("1.1 is no number, and neither is a ref", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const call: any = worker.add(1, 2)
      const refs: ReadonlyArray<any> = [yield* worker.add.remote(1, 2), ObjectRef.succeed(1)]
      assert.throws(() => call * 2, TypeError, notRun)
      assert.match(call + 1, notRun)
      for (const ref of refs) assert.throws(() => ref * 2, TypeError, /is no number: yield\* or await it/)
    })
  )

  it.effect("1.5 is no argument, if it was to give a ref: the call dies, and says which argument of what", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      type Untyped = (...args: Array<unknown>) => Effect.Effect<ObjectRef.ObjectRef<unknown, unknown>, unknown>
      const add = worker.add as unknown as Untyped & { readonly remote: Untyped }
      const echo = Task.make("test/echo", (_: unknown) => Effect.void)
      const refused =
        /argument 2 of test\/Worker\.add is test\/Worker\.add\.remote\(\.\.\.\), which has not run: yield\* it/
      assert.match(String(yield* defectOf(add(1, add.remote(1, 2)))), refused)
      assert.match(String(yield* defectOf(yield* add.remote(1, add.remote(1, 2)))), refused)
      const plain = AsyncHandle.make({ add: worker.add }) as unknown as { readonly add: Untyped }
      assert.match(String(yield* defectOf(plain.add(ObjectRef.succeed(1), add.remote(1, 2)))), refused)
      assert.match(String(yield* defectOf(echo(add.remote(1, 2)))), /argument 1 of test\/echo is/)
      assert.strictEqual(yield* worker.add(1, 2), 3)
    })
  )

  it.effect("1.5 is an argument like any other, if the method takes an Effect", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      assert.strictEqual(yield* worker.run(worker.add(1, 2)), 3)
      const ref: ObjectRef.ObjectRef<number> = yield* worker.run(Effect.suspend(() => worker.add.remote(1, 2)))
      assert.strictEqual(yield* ref, 3)
    })
  )
})

describe("1.7", () => {
  const unsettled = (refs: ReadonlyArray<ObjectRef.Any>) =>
    Effect.filter(refs, (ref) => Effect.map(Deferred.isDone(ObjectRef.asDeferred(ref)), (done) => !done))

  it.effect("1.7 every submitted call settles when the actor is killed: preparing, waiting, running, suspended", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const options = { maxConcurrency: 1, maxPendingCalls: 3, overflow: "suspend" } as const
      const worker = yield* Worker.options(options).spawn(probe)
      const never = yield* ObjectRef.fromEffect(Effect.never)
      const running = yield* worker.work.remote("running")
      const waiting = yield* worker.work.remote("waiting")
      const preparing = yield* worker.echo.remote(never)
      const suspended = yield* fork(worker.work("suspended"))
      const remote = yield* fork(worker.work.remote("remote"))
      yield* probe.started("running")
      yield* Actor.kill(worker)
      const reasons = yield* Effect.forEach([running, waiting, preparing], reasonOf)
      assert.deepStrictEqual(
        reasons.map((reason) => [reason._tag, reason.mayHaveRun]),
        [
          ["ActorDied", true],
          ["ActorDied", false],
          ["ActorDied", false]
        ]
      )
      assert.strictEqual(reasonOfExit(yield* Fiber.await(suspended))._tag, "ActorDied")
      assert.strictEqual((yield* reasonOf(yield* Fiber.join(remote)))._tag, "ActorDied")
    })
  )

  it.effect("1.7 a method that kills its own actor as it starts: all calls settle once", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn()
      const killer = yield* worker.run.remote(Actor.kill(worker))
      const waiting = yield* Effect.forEach(range(1000), () => worker.add.remote(1, 2))
      const exits = yield* ObjectRef.allSettled([killer, ...waiting])
      assert.isTrue(exits.every((exit) => reasonOfExit(exit)._tag === "ActorDied"))
      assert.isTrue(reasonOfExit(exits[0]!).mayHaveRun)
      yield* Actor.watch(worker)
    })
  )

  it.effect("1.7 an ask that kills its own actor as it starts settles, also on its caller's stack", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      assert.strictEqual((yield* reasonOf(worker.run(Actor.kill(worker))))._tag, "ActorDied")
      yield* Actor.watch(worker)
    })
  )

  it.effect("1.7 an actor killed by another one that it called as it started: both calls settle", () =>
    Effect.gen(function* () {
      const victim = yield* Worker.spawn()
      const killer = yield* Worker.spawn()
      const reason = yield* reasonOf(victim.run(killer.run(Actor.kill(victim))))
      assert.strictEqual(reason._tag, "ActorDied")
      assert.strictEqual(reason.method, "run")
      assert.strictEqual(yield* killer.add(1, 2), 3)
    })
  )

  it.effect("1.7 a method that kills its own actor and goes on without waiting: its call settles", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      // The body has no fiber yet when it dies, and then waits for ever.
      const body = Effect.andThen(Effect.forkDetach(Actor.kill(worker), { startImmediately: true }), Effect.never)
      assert.strictEqual((yield* reasonOf(worker.run(body)))._tag, "ActorDied")
    })
  )

  it.effect(
    "1.7 a method that stops its own actor: it finishes, those accepted before finish, then the actor is gone",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
        const stopper = yield* worker.run.remote(Effect.as(Actor.stop(worker), "stopped"))
        const accepted = yield* worker.note.remote("accepted")
        assert.strictEqual(yield* stopper, "stopped")
        assert.strictEqual(yield* accepted, "accepted")
        yield* Actor.watch(worker)
        assert.strictEqual((yield* reasonOf(worker.note("late")))._tag, "ActorDied")
      })
  )

  it.effect("1.7 a method that cancels its own ref settles once, as cancelled", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const own = yield* Deferred.make<ObjectRef.Any>()
      const ref = yield* worker.run.remote(Effect.flatMap(Deferred.await(own), (ref) => ObjectRef.cancel(ref)))
      yield* Deferred.succeed(own, ref)
      assert.strictEqual((yield* reasonOf(ref))._tag, "TaskCancelled")
    })
  )

  it.effect("1.7 a method that resizes its own actor as it starts: everything settles", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const refs = [
        yield* worker.run.remote(Actor.resize(worker, 3)),
        ...(yield* Effect.forEach(range(10), (i) => worker.note.remote(`${i}`)))
      ]
      yield* ObjectRef.all(refs)
      assert.deepStrictEqual(probe.log, range(10).map(String))
    })
  )

  it.effect("1.7 a call whose actor's Scope closes as it is submitted settles", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const refs: Array<ObjectRef.Any> = []
      const outer = yield* Effect.scoped(
        Effect.gen(function* () {
          const worker = yield* Worker.spawn(probe)
          refs.push(yield* worker.work.remote("running"), yield* worker.note.remote("scheduled"))
          return worker
        })
      )
      refs.push(yield* outer.note.remote("late"))
      const reasons = yield* Effect.forEach(refs, (ref) => Effect.exit(ref))
      assert.strictEqual(reasonOfExit(reasons[0]!)._tag, "ActorDied")
      assert.strictEqual(reasonOfExit(reasons[2]!)._tag, "ActorDied")
      assert.deepStrictEqual(yield* unsettled(refs), [])
    })
  )

  it.effect("1.7 whatever happens at random to an actor and its callers, every call settles, exactly once", () =>
    seeded(
      Effect.gen(function* () {
        for (const _ of range(60)) {
          const maxConcurrency = yield* Random.nextIntBetween(1, 5)
          const probe = new Probe()
          const worker = yield* Worker.options({
            maxConcurrency,
            maxTaskRetries: 1,
            restart: Schedule.recurs(2)
          }).spawn(probe)
          const refs: Array<ObjectRef.ObjectRef<any, any>> = []
          let settled = 0
          const body: Effect.Effect<void> = Effect.gen(function* () {
            switch (yield* Random.nextIntBetween(0, 12)) {
              case 0:
                return yield* Effect.die("bug")
              case 1:
                return yield* Effect.interrupt
              case 2:
                return yield* Effect.orDie(worker.run(Effect.yieldNow))
              case 3:
                return yield* Actor.resize(worker, yield* Random.nextIntBetween(1, 9))
              case 4:
                if (refs.length > 0) yield* ObjectRef.cancel(yield* Random.choice(refs as never as [ObjectRef.Any]))
                return
              case 5:
                if ((yield* Random.nextIntBetween(0, 10)) === 0) yield* Actor.kill(worker)
                return
              case 6:
                return yield* Effect.never
              default:
                for (let i = yield* Random.nextIntBetween(0, 4); i > 0; i--) yield* Effect.yieldNow
            }
          })
          const watch = (ref: ObjectRef.Any) => {
            refs.push(ref)
            const count = () => void settled++
            ref.then(count, count)
          }
          for (const _ of range(60)) {
            const argument =
              refs.length > 0 && (yield* Random.nextBoolean)
                ? yield* Random.choice(refs as never as [ObjectRef.Any])
                : 1
            watch(yield* worker.run.remote(body))
            watch(yield* worker.echo.remote(argument))
            if (yield* Random.nextBoolean) yield* Effect.yieldNow
          }
          const end = yield* Random.nextBoolean
          // Those that wait for ever are cut off by one end or the other.
          if (end) yield* Actor.kill(worker)
          else yield* Effect.forEach(refs, (ref) => ObjectRef.cancel(ref), { concurrency: "unbounded" })
          const exits = yield* ObjectRef.allSettled(refs)
          yield* settle
          yield* Effect.promise(() => Promise.resolve())
          assert.strictEqual(settled, refs.length)
          const again = yield* ObjectRef.allSettled(refs)
          assert.isTrue(exits.every((exit, i) => again[i] === exit))
          yield* Actor.kill(worker)
        }
      })
    )
  )
})
