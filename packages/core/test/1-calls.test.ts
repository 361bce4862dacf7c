import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Actor, type ActorError, AsyncHandle, ObjectRef, Task } from "@troupe/core"
import { Cause, Deferred, Effect, Exit, Fiber, Latch, Random, Schedule } from "effect"
import { TestClock } from "effect/testing"
import { defectOf, errorOf, fork, Probe, range, reasonOf, seeded, settle, Worker } from "./support.ts"

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
