import { assert, describe, it } from "@effect/vitest"
import { Actor, ObjectRef } from "@troupe/core"
import { Effect, Exit, Fiber, Random } from "effect"
import { TestClock } from "effect/testing"
import { errorOf, fork, Probe, range, reasonOf, reasonOfExit, seeded, settle, Worker } from "./support.ts"

/** Sleeps a second in each call, and counts. */
class Sleeper extends Actor.Service<Sleeper>()("test/Sleeper", {
  make: (counts: { started: number; ended: number }) =>
    Effect.succeed({
      sleep: () =>
        Effect.sync(() => counts.started++).pipe(
          Effect.andThen(Effect.sleep("1 second")),
          Effect.andThen(Effect.sync(() => counts.ended++))
        )
    })
}) {}

describe("2.1", () => {
  it.effect("2.1 at most maxConcurrency calls of one actor are between start and settle", () =>
    seeded(
      Effect.forEach([1, 2, 10], (maxConcurrency) =>
        Effect.gen(function* () {
          const probe = new Probe()
          const worker = yield* Worker.options({ maxConcurrency }).spawn(probe)
          const ids = range(40).map(String)
          const calls = yield* Effect.forEach(ids, (id) => worker.work.remote(id))
          for (const id of yield* Random.shuffle(ids)) {
            yield* probe.open(id)
            yield* Effect.yieldNow
          }
          yield* ObjectRef.all(calls)
          assert.strictEqual(probe.peak, maxConcurrency)
          assert.strictEqual(probe.running, 0)
        })
      )
    )
  )

  it.effect("2.1 the default is 1000", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      yield* Effect.forEach(range(1001), (i) => worker.work.remote(`${i}`))
      yield* settle
      assert.strictEqual(probe.running, 1000)
      yield* probe.open("0")
      yield* probe.started("1000")
      assert.strictEqual(probe.running, 1000)
    })
  )

  it.effect("2.1 two instances have permits of their own", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const one = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const two = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      yield* one.work.remote("one")
      yield* two.work.remote("two")
      yield* settle
      assert.strictEqual(probe.running, 2)
    })
  )

  it.effect("2.1 a call that waits keeps its permit: for time, for another ref, for a finalizer", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const waits = [
        Effect.sleep("1 second"),
        Effect.flatMap(ObjectRef.fromEffect(probe.gate("open")), (ref) => ref),
        Effect.ensuring(Effect.void, probe.gate("open"))
      ]
      const calls = []
      for (const wait of waits) {
        const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
        calls.push(yield* worker.run.remote(wait), yield* worker.note.remote("next"))
      }
      yield* settle
      assert.deepStrictEqual(probe.log, [])
      yield* TestClock.adjust("1 second")
      yield* probe.open("open")
      yield* ObjectRef.all(calls)
      assert.deepStrictEqual(probe.log, ["next", "next", "next"])
    })
  )

  it.effect("2.1 a permit comes back however its call ends", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      yield* Effect.exit(worker.fail("typed"))
      yield* Effect.exit(worker.die("defect"))
      yield* Effect.exit(worker.run(Effect.interrupt))
      yield* Effect.exit(worker.run(undefined as never))
      const throws = Effect.suspend(() => {
        throw new Error("thrown")
      })
      yield* Effect.exit(worker.run(throws as Effect.Effect<never>))
      const cancelled = yield* worker.work.remote("cancelled")
      yield* probe.started("cancelled")
      yield* ObjectRef.cancel(cancelled)
      const asker = yield* fork(worker.work("interrupted"))
      yield* Fiber.interrupt(asker)
      yield* Effect.exit(Effect.scoped(worker.run(Effect.andThen(Effect.yieldNow, Effect.fail("late")))))
      assert.strictEqual(yield* worker.note("free"), "free")
    })
  )
})

describe("2.2", () => {
  it.effect("2.2 50 calls that sleep 1 s at limit 10 run as five waves of ten", () =>
    Effect.gen(function* () {
      const counts = { started: 0, ended: 0 }
      const sleeper = yield* Sleeper.options({ maxConcurrency: 10 }).spawn(counts)
      const refs = yield* Effect.forEach(range(50), () => sleeper.sleep.remote())
      yield* settle
      for (const wave of range(5)) {
        assert.deepStrictEqual(counts, { started: 10 * (wave + 1), ended: 10 * wave })
        yield* TestClock.adjust("999 millis")
        assert.deepStrictEqual(counts, { started: 10 * (wave + 1), ended: 10 * wave })
        yield* TestClock.adjust("1 millis")
      }
      assert.deepStrictEqual(counts, { started: 50, ended: 50 })
      yield* ObjectRef.all(refs)
    })
  )

  it.effect("2.2 at the default limit all 50 start at once", () =>
    Effect.gen(function* () {
      const counts = { started: 0, ended: 0 }
      const sleeper = yield* Sleeper.spawn(counts)
      const refs = yield* Effect.forEach(range(50), () => sleeper.sleep.remote())
      yield* settle
      assert.deepStrictEqual(counts, { started: 50, ended: 0 })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(counts, { started: 50, ended: 50 })
      yield* ObjectRef.all(refs)
    })
  )

  it.effect("2.2 asks of 50 fibers do the same", () =>
    Effect.gen(function* () {
      const counts = { started: 0, ended: 0 }
      const sleeper = yield* Sleeper.options({ maxConcurrency: 10 }).spawn(counts)
      const all = yield* fork(
        Effect.all(
          range(50).map(() => sleeper.sleep()),
          { concurrency: "unbounded" }
        )
      )
      yield* TestClock.adjust("4999 millis")
      assert.deepStrictEqual(counts, { started: 50, ended: 40 })
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(all)
      assert.strictEqual(counts.ended, 50)
    })
  )
})

describe("2.3", () => {
  it.effect("2.3 maxConcurrency 1 means no interleaving", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const hops = (id: string) =>
        Effect.gen(function* () {
          yield* probe.note(`${id} start`)
          yield* Effect.yieldNow
          yield* Effect.yieldNow
          yield* probe.note(`${id} end`)
        })
      yield* ObjectRef.all(yield* Effect.forEach(["a", "b", "c"], (id) => worker.run.remote(hops(id))))
      assert.deepStrictEqual(probe.log, ["a start", "a end", "b start", "b end", "c start", "c end"])
    })
  )

  it.effect("2.3 state that is read and written across a wait does not lose updates", () =>
    Effect.gen(function* () {
      class Unguarded extends Actor.Service<Unguarded>()("test/Unguarded", {
        maxConcurrency: 1,
        make: Effect.sync(() => {
          let count = 0
          return {
            increment: () =>
              Effect.gen(function* () {
                const seen = count
                yield* Effect.yieldNow
                count = seen + 1
                return count
              })
          }
        })
      }) {}
      const counter = yield* Unguarded.spawn()
      yield* Effect.all(
        range(100).map(() => counter.increment()),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(yield* counter.increment(), 101)
    })
  )

  it.effect("2.3 the next call starts after the finalizers of the one before, also when that was interrupted", () =>
    Effect.forEach(["done", "failed", "interrupted"], (how) =>
      Effect.gen(function* () {
        const probe = new Probe()
        const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
        const finalizer = Effect.andThen(probe.gate("finalizer"), probe.note("finalized"))
        const work = how === "failed" ? Effect.andThen(probe.work("a"), Effect.fail("a")) : probe.work("a")
        const asker = yield* fork(worker.run(Effect.ensuring(work, finalizer)))
        const next = yield* worker.note.remote("next")
        yield* probe.started("a")
        if (how === "interrupted") yield* fork(Fiber.interrupt(asker))
        else yield* probe.open("a")
        yield* settle
        assert.strictEqual(probe.log.length, 2, "the finalizer has not finished")
        yield* probe.open("finalizer")
        yield* next
        assert.deepStrictEqual(probe.log.slice(2), ["finalized", "next"])
        yield* Fiber.await(asker)
      })
    )
  )

  it.effect("2.3 the next call starts after the finalizers of a cancelled one", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const scoped = Effect.scoped(
        Effect.andThen(
          Effect.acquireRelease(probe.note("acquired"), () =>
            Effect.andThen(probe.gate("release"), probe.note("released"))
          ),
          probe.work("a")
        )
      )
      const ref = yield* worker.run.remote(scoped)
      const next = yield* worker.note.remote("next")
      yield* probe.started("a")
      const cancel = yield* fork(ObjectRef.cancel(ref))
      yield* settle
      assert.deepStrictEqual(probe.log, ["acquired", "a start", "a cut"])
      yield* probe.open("release")
      assert.strictEqual(yield* Fiber.join(cancel), "Interrupted")
      yield* next
      assert.deepStrictEqual(probe.log, ["acquired", "a start", "a cut", "released", "next"])
    })
  )

  it.effect("2.3 a caller that goes on with a result finds the permit free", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const first = yield* worker.work.remote("a")
      const chained = yield* fork(Effect.andThen(first, worker.note("b")))
      yield* probe.open("a")
      yield* Fiber.join(chained)
      assert.deepStrictEqual(probe.log, ["a start", "a end", "b"])
    })
  )
})

describe("2.4", () => {
  const bad = [0, -1, 1.5, Number.NaN, -Infinity, "3" as never, {} as never]

  it("2.4 anything but an integer of at least 1, or Infinity, throws a RangeError where it is written, naming the actor and the value", () => {
    const make = Effect.succeed({ ping: () => Effect.void })
    for (const maxConcurrency of bad) {
      const isPlain = !["string", "object"].includes(typeof maxConcurrency)
      const value = isPlain ? String(maxConcurrency) : JSON.stringify(maxConcurrency)
      const message = `test/Bad: maxConcurrency must be an integer of at least 1, or Infinity, but is ${value}`
      assert.throws(() => Actor.Service<any>()("test/Bad", { maxConcurrency, make }), RangeError, message)
      const Fine = Actor.Service<any>()("test/Bad", { make })
      assert.throws(() => Fine.options({ maxConcurrency }), RangeError, message)
      const concurrencyGroups = { io: { maxConcurrency, methods: [] } }
      assert.throws(
        () => Actor.Service<any>()("test/Bad", { concurrencyGroups, make }),
        RangeError,
        /test\/Bad: .*io.*maxConcurrency must be an integer of at least 1/
      )
    }
    for (const maxConcurrency of [1, 2, Infinity, Number.MAX_SAFE_INTEGER, undefined]) {
      Actor.Service<any>()("test/Good", { maxConcurrency, make })
    }
  })

  it.effect("2.4 an actor without a line is resized however deep the stack of the caller is", () =>
    Effect.gen(function* () {
      const [worker, idle] = [yield* Worker.spawn(), yield* Worker.spawn()]
      for (const depth of range(50)) {
        const nest = (inner: Effect.Effect<any, any>): Effect.Effect<any, any> => worker.run(inner)
        yield* range(depth).reduce(nest, Actor.resize(idle, 2))
      }
    })
  )

  it.effect("2.4 the same holds for Actor.resize, and the actor goes on as before", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      for (const limit of bad)
        assert.throws(() => Actor.resize(worker, limit), RangeError, /test\/Worker: maxConcurrency/)
      assert.throws(
        () => Actor.resize(worker, 1, { concurrencyGroup: "nope" }),
        RangeError,
        /test\/Worker.*concurrency group "nope"/
      )
      assert.throws(() => Actor.resize({}, 1), TypeError)
      assert.strictEqual(yield* worker.add(1, 2), 3)
    })
  )

  it.effect("2.4 growing starts waiting calls, in order", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      yield* Effect.forEach(range(5), (i) => worker.work.remote(`${i}`))
      yield* settle
      assert.strictEqual(probe.running, 1)
      yield* Actor.resize(worker, 3)
      yield* settle
      assert.deepStrictEqual(probe.startOrder, ["0", "1", "2"])
      yield* Actor.resize(worker, Infinity)
      yield* settle
      assert.strictEqual(probe.running, 5)
    })
  )

  it.effect(
    "2.4 shrinking below what runs lets running calls finish, and starts the next only below the new limit",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const worker = yield* Worker.options({ maxConcurrency: 4 }).spawn(probe)
        const refs = yield* Effect.forEach(range(6), (i) => worker.work.remote(`${i}`))
        yield* settle
        yield* Actor.resize(worker, 2)
        assert.strictEqual(probe.running, 4)
        for (const i of [0, 1]) {
          yield* probe.open(`${i}`)
          yield* refs[i]!
          yield* settle
          assert.deepStrictEqual(probe.startOrder, ["0", "1", "2", "3"], "no new one starts at or above the limit")
        }
        yield* probe.open("2")
        yield* probe.started("4")
        yield* settle
        assert.strictEqual(probe.running, 2)
        yield* probe.open("3", "4", "5")
        yield* ObjectRef.all(refs)
        assert.isFalse(probe.log.some((event) => event.endsWith("cut")))
      })
  )

  it.effect("2.4 shrinking and growing again before anything ends does not over-commit", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 3 }).spawn(probe)
      const refs = yield* Effect.forEach(range(6), (i) => worker.work.remote(`${i}`))
      yield* settle
      yield* Actor.resize(worker, 1)
      yield* Actor.resize(worker, 3)
      yield* settle
      assert.strictEqual(probe.running, 3)
      yield* Actor.resize(worker, 4)
      yield* settle
      assert.strictEqual(probe.running, 4)
      yield* probe.open(...range(6).map(String))
      yield* ObjectRef.all(refs)
    })
  )

  it.effect("2.4 resizing at random while calls run never exceeds the limit by a start, and loses no call", () =>
    seeded(
      Effect.gen(function* () {
        const probe = new Probe()
        let limit = 5
        let running = 0
        const worker = yield* Worker.options({ maxConcurrency: limit }).spawn(probe)
        const body = Effect.gen(function* () {
          assert.isAtMost(++running, limit, "a call started above the limit")
          const hops = yield* Random.nextIntBetween(0, 5)
          for (let i = 0; i < hops; i++) yield* Effect.yieldNow
          running--
        })
        const refs = []
        for (const _ of range(500)) {
          refs.push(yield* worker.run.remote(body))
          if ((yield* Random.nextIntBetween(0, 3)) === 0) yield* Effect.yieldNow
          if ((yield* Random.nextIntBetween(0, 3)) > 0) continue
          const next = yield* Random.nextIntBetween(1, 10)
          limit = next
          yield* Actor.resize(worker, next)
        }
        yield* ObjectRef.all(refs)
        assert.strictEqual(running, 0)
      })
    )
  )

  it.effect("2.4 a group is resized by its name, and the others stay as they are", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const grouped = yield* Grouped.spawn(probe)
      yield* Effect.forEach(range(3), (i) => grouped.io.remote(`io${i}`))
      yield* Effect.forEach(range(3), (i) => grouped.cpu.remote(`cpu${i}`))
      yield* settle
      yield* Actor.resize(grouped, 3, { concurrencyGroup: "io" })
      yield* settle
      assert.deepStrictEqual(probe.startOrder.sort(), ["cpu0", "io0", "io1", "io2"])
    })
  )

  it.effect("2.4 a dead actor can be resized, to no effect", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      yield* Actor.kill(worker)
      yield* Actor.resize(worker, 5)
      assert.strictEqual((yield* reasonOf(worker.add(1, 2)))._tag, "ActorDied")
    })
  )
})

/** One permit each for `io` and for everything else. */
class Grouped extends Actor.Service<Grouped>()("test/Grouped", {
  maxConcurrency: 1,
  shutdownTimeout: 0,
  concurrencyGroups: { io: { maxConcurrency: 1, methods: ["io"] }, spare: { maxConcurrency: 2, methods: [] } },
  methodOptions: { moved: { concurrencyGroup: "spare" } },
  make: (probe: Probe) => Effect.succeed({ cpu: probe.work, other: probe.work, io: probe.work, moved: probe.work })
}) {}

describe("2.5", () => {
  it.effect("2.5 each group has its own permits, and a full group never delays another", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const grouped = yield* Grouped.spawn(probe)
      yield* grouped.cpu.remote("cpu0")
      yield* grouped.cpu.remote("cpu1")
      const io = yield* grouped.io.remote("io0")
      yield* grouped.io.remote("io1")
      yield* grouped.moved.remote("moved0")
      yield* grouped.moved.remote("moved1")
      yield* grouped.moved.remote("moved2")
      yield* settle
      assert.deepStrictEqual(probe.startOrder.sort(), ["cpu0", "io0", "moved0", "moved1"])
      yield* probe.open("io0")
      yield* io
      yield* probe.started("io1")
      assert.notInclude(probe.startOrder, "cpu1")
    })
  )

  it.effect("2.5 the methods in no group share the actor's permits", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const grouped = yield* Grouped.spawn(probe)
      const cpu = yield* grouped.cpu.remote("cpu")
      yield* grouped.other.remote("other")
      yield* settle
      assert.deepStrictEqual(probe.startOrder, ["cpu"])
      yield* probe.open("cpu")
      yield* cpu
      yield* probe.started("other")
    })
  )

  it.effect("2.5 handle.method.options({ concurrencyGroup }) moves one call", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const grouped = yield* Grouped.spawn(probe)
      yield* grouped.cpu.remote("cpu0")
      yield* grouped.cpu.options({ concurrencyGroup: "io" }).remote("cpu1")
      yield* grouped.cpu.options({ concurrencyGroup: "spare" }).remote("cpu2")
      yield* fork(grouped.other.options({ concurrencyGroup: "spare" })("other0"))
      yield* grouped.cpu.remote("cpu3")
      yield* grouped.io.remote("io0")
      yield* settle
      assert.deepStrictEqual(probe.startOrder.sort(), ["cpu0", "cpu1", "cpu2", "other0"])
    })
  )

  it.effect("2.5 a call in a group still counts for the instance: kill, stop and maxPendingCalls see it", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const grouped = yield* Grouped.options({ maxPendingCalls: 2 }).spawn(probe)
      const running = yield* grouped.io.remote("io0")
      const waiting = yield* grouped.io.remote("io1")
      assert.strictEqual((yield* reasonOf(grouped.cpu.remote("cpu")))._tag, "PendingCallsLimitExceeded")
      yield* settle
      yield* Actor.kill(grouped)
      const exits = yield* ObjectRef.allSettled([running, waiting])
      assert.deepStrictEqual(
        exits.map((exit) => reasonOfExit(exit).mayHaveRun),
        [true, false]
      )
    })
  )

  it("2.5 a method in two groups is refused where it is written", () => {
    const io = { maxConcurrency: 1, methods: ["ping"] as const }
    assert.throws(
      () =>
        Actor.Service<any>()("test/Twice", {
          concurrencyGroups: { a: io, b: io },
          make: Effect.succeed({ ping: () => Effect.void })
        }),
      RangeError,
      /test\/Twice.*"ping".*"a" and "b"/
    )
  })
})

describe("2.6", () => {
  const saturated = Effect.gen(function* () {
    const probe = new Probe()
    const worker = yield* Worker.options({ maxConcurrency: 1, maxPendingCalls: 3, overflow: "suspend" }).spawn(probe)
    const refs = yield* Effect.forEach(range(3), (i) => worker.work.remote(`${i}`))
    const suspended = yield* fork(worker.work("suspended"))
    yield* probe.started("0")
    return { probe, worker, refs, suspended }
  })

  it.effect("2.6 kill acts on a saturated actor at once", () =>
    Effect.gen(function* () {
      const { probe, refs, suspended, worker } = yield* saturated
      yield* Actor.kill(worker)
      assert.deepStrictEqual(probe.log, ["0 start", "0 cut"])
      for (const ref of refs) assert.strictEqual((yield* reasonOf(ref))._tag, "ActorDied")
      assert.strictEqual(reasonOfExit(yield* Fiber.await(suspended))._tag, "ActorDied")
    })
  )

  it.effect("2.6 stop acts on a saturated actor at once: those suspended are refused, those accepted finish", () =>
    Effect.gen(function* () {
      const { probe, refs, suspended, worker } = yield* saturated
      const stop = yield* fork(Actor.stop(worker))
      assert.strictEqual(reasonOfExit(yield* Fiber.await(suspended))._tag, "ActorDied")
      yield* probe.open("0", "1", "2")
      assert.deepStrictEqual(yield* ObjectRef.all(refs), ["0", "1", "2"])
      yield* Fiber.join(stop)
    })
  )

  it.effect("2.6 resize acts on a saturated actor at once", () =>
    Effect.gen(function* () {
      const { probe, worker } = yield* saturated
      yield* Actor.resize(worker, 2)
      yield* probe.started("1")
    })
  )

  it.effect("2.6 inspection shows a saturated actor at once", () =>
    Effect.gen(function* () {
      const { refs, worker } = yield* saturated
      assert.match(String(worker), /1 running, 2 waiting/)
      assert.match(String(refs[0]), /test\/Worker\.work, running 0 ms/)
      assert.match(String(refs[1]), /test\/Worker\.work, waiting 0 ms/)
    })
  )

  it.effect("2.6 cancelling and watching act on a saturated actor at once", () =>
    Effect.gen(function* () {
      const { refs, worker } = yield* saturated
      const watcher = yield* fork(Actor.watch(worker))
      assert.strictEqual(yield* ObjectRef.cancel(refs[2]!), "NotStarted")
      assert.strictEqual(yield* ObjectRef.cancel(refs[0]!), "Interrupted")
      yield* Actor.kill(worker)
      assert.strictEqual((yield* Fiber.join(watcher))._tag, "ActorDied")
    })
  )
})

describe("2.7", () => {
  it.effect(
    "2.7 beyond maxPendingCalls, running ones included, the submission fails with PendingCallsLimitExceeded",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const worker = yield* Worker.options({ maxConcurrency: 1, maxPendingCalls: 2 }).spawn(probe)
        const running = yield* worker.work.remote("running")
        const waiting = yield* worker.work.remote("waiting")
        yield* probe.started("running")
        const submission = yield* errorOf(worker.work.remote("refused"))
        assert.strictEqual(submission._tag, "ActorError")
        const { reason } = submission
        if (reason._tag !== "PendingCallsLimitExceeded") return assert.fail(reason._tag)
        assert.deepInclude(reason, { actor: "test/Worker", method: "work", maxPendingCalls: 2 })
        assert.isFalse(reason.mayHaveRun)
        assert.isTrue(reason.retrySafe)
        assert.strictEqual((yield* reasonOf(worker.work("refused")))._tag, "PendingCallsLimitExceeded")
        yield* probe.open("running", "waiting")
        yield* running
        yield* worker.note("room again")
        yield* waiting
        assert.deepStrictEqual(probe.startOrder, ["running", "waiting"], "what was refused never ran")
      })
  )

  it.effect("2.7 calls that wait for arguments count", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.options({ maxPendingCalls: 1 }).spawn()
      const never = yield* ObjectRef.fromEffect(Effect.never)
      const preparing = yield* worker.echo.remote(never)
      assert.strictEqual((yield* reasonOf(worker.add(1, 2)))._tag, "PendingCallsLimitExceeded")
      yield* ObjectRef.cancel(preparing)
      assert.strictEqual(yield* worker.add(1, 2), 3)
    })
  )

  it.effect("2.7 room comes back however a call ends", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1, maxPendingCalls: 2 }).spawn(probe)
      const [a, b] = [yield* worker.work.remote("a"), yield* worker.note.remote("b")]
      yield* probe.started("a")
      yield* ObjectRef.cancel(b)
      yield* ObjectRef.cancel(a)
      yield* Effect.exit(worker.fail("typed"))
      yield* Effect.exit(worker.die("defect"))
      yield* Effect.exit(worker.echo(ObjectRef.fail("argument") as never))
      const refs = [yield* worker.note.remote("c"), yield* worker.note.remote("d")]
      assert.strictEqual((yield* reasonOf(worker.note("e")))._tag, "PendingCallsLimitExceeded")
      yield* ObjectRef.all(refs)
    })
  )

  it.effect('2.7 with overflow: "suspend" the submitting fiber waits until there is room', () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxPendingCalls: 1, overflow: "suspend" }).spawn(probe)
      yield* worker.work.remote("a")
      const remote = yield* fork(worker.work.remote("b"))
      const ask = yield* fork(worker.work("c"))
      yield* settle
      assert.isUndefined(remote.pollUnsafe())
      assert.deepStrictEqual(probe.startOrder, ["a"])
      yield* probe.open("a")
      const b = yield* Fiber.join(remote)
      yield* probe.open("b", "c")
      assert.strictEqual(yield* b, "b")
      assert.strictEqual(yield* Fiber.join(ask), "c")
    })
  )

  it.effect('2.7 with overflow: "suspend" a suspended submission starts no body before it succeeds', () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxPendingCalls: 1, overflow: "suspend" }).spawn(probe)
      yield* worker.work.remote("a")
      const remote = yield* fork(Effect.tap(worker.work.remote("b"), probe.note("b submitted")))
      yield* probe.open("a")
      yield* Fiber.join(remote)
      yield* probe.started("b")
      assert.deepStrictEqual(probe.log, ["a start", "a end", "b submitted", "b start"])
    })
  )

  it.effect("2.7 suspended submitters go in order, and an interrupted one is passed over", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxPendingCalls: 1, overflow: "suspend" }).spawn(probe)
      yield* worker.work.remote("first")
      const fibers = yield* Effect.forEach(range(9), (i) =>
        fork(i % 2 === 0 ? Effect.flatten(worker.note.remote(`${i}`)) : worker.note(`${i}`))
      )
      for (const i of [0, 3, 8]) yield* Fiber.interrupt(fibers[i]!)
      yield* probe.open("first")
      yield* Fiber.awaitAll(fibers)
      assert.deepStrictEqual(probe.log.slice(2), ["1", "2", "4", "5", "6", "7"])
    })
  )

  it.effect("2.7 nobody barges in before those who wait, not even whoever hears of the free room first", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxPendingCalls: 1, overflow: "suspend" }).spawn(probe)
      const first = yield* worker.work.remote("first")
      const barger = yield* fork(Effect.andThen(first, worker.note("barger")))
      const suspended = yield* fork(worker.note("suspended"))
      yield* probe.open("first")
      yield* Fiber.joinAll([barger, suspended])
      assert.deepStrictEqual(probe.log.slice(2), ["suspended", "barger"])
    })
  )

  it.effect("2.7 the limit holds at any time while suspended submitters are let in", () =>
    seeded(
      Effect.gen(function* () {
        const probe = new Probe()
        const maxPendingCalls = 4
        const worker = yield* Worker.options({ maxPendingCalls, overflow: "suspend" }).spawn(probe)
        const started: Array<number> = []
        const body = (i: number) =>
          Effect.gen(function* () {
            started.push(i)
            assert.isAtMost(++probe.running, maxPendingCalls)
            const hops = yield* Random.nextIntBetween(0, 4)
            for (let i = 0; i < hops; i++) yield* Effect.yieldNow
            probe.running--
          })
        const fibers = []
        for (const i of range(300)) {
          fibers.push(
            yield* fork((yield* Random.nextBoolean) ? worker.run(body(i)) : Effect.flatten(worker.run.remote(body(i))))
          )
        }
        yield* Fiber.joinAll(fibers)
        assert.deepStrictEqual(started, range(300))
      })
    )
  )

  it.effect(
    "2.7 10,000 suspended submitters of a method that ends on the spot do not overflow the stack",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const worker = yield* Worker.options({ maxPendingCalls: 1, overflow: "suspend" }).spawn(probe)
        yield* worker.work.remote("first")
        const fibers = yield* Effect.forEach(range(10_000), (i) => fork(worker.echo(i)))
        yield* probe.open("first")
        assert.deepStrictEqual(yield* Fiber.joinAll(fibers), range(10_000))
      }),
    60_000
  )

  it.effect(
    "2.7 a dead actor refuses with ActorDied, not for want of room: while it stops, and for both policies",
    () =>
      Effect.gen(function* () {
        for (const overflow of ["fail", "suspend"] as const) {
          const probe = new Probe()
          const worker = yield* Worker.options({ maxPendingCalls: 1, overflow }).spawn(probe)
          yield* worker.work.remote("a")
          const stop = yield* fork(Actor.stop(worker))
          const ask = yield* fork(worker.note("b"))
          yield* settle
          const exit = ask.pollUnsafe()
          assert.isDefined(exit, "it is told at once")
          assert.strictEqual(reasonOfExit(exit!)._tag, "ActorDied")
          assert.strictEqual((yield* reasonOf(Effect.flatten(worker.note.remote("c"))))._tag, "ActorDied")
          yield* probe.open("a")
          yield* Fiber.join(stop)
        }
      })
  )

  it.effect("2.7 a suspended submitter whose actor is killed gets ActorDied", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxPendingCalls: 1, overflow: "suspend" }).spawn(probe)
      yield* worker.work.remote("a")
      const ask = yield* fork(worker.note("b"))
      const remote = yield* fork(worker.note.remote("c"))
      yield* probe.started("a")
      yield* Actor.kill(worker)
      assert.strictEqual(reasonOfExit(yield* Fiber.await(ask))._tag, "ActorDied")
      assert.strictEqual((yield* reasonOf(yield* Fiber.join(remote)))._tag, "ActorDied")
    })
  )

  it("2.7 a bad limit or policy throws where it is written", () => {
    const make = Effect.succeed({ ping: () => Effect.void })
    for (const maxPendingCalls of [0, -1, 1.5, Number.NaN]) {
      assert.throws(
        () => Actor.Service<any>()("test/Bad", { maxPendingCalls, make }),
        RangeError,
        `test/Bad: maxPendingCalls must be an integer of at least 1, or Infinity, but is ${maxPendingCalls}`
      )
    }
    assert.throws(
      () => Actor.Service<any>()("test/Bad", { overflow: "drop" as never, make }),
      RangeError,
      'test/Bad: overflow must be "fail" or "suspend", but is "drop"'
    )
  })
})

/** As many as can wait; fewer where the tests run once for each mutant. */
const million = process.env.TROUPE_TESTED === undefined ? 1_000_000 : 10_000

describe("2.8", () => {
  it.effect(
    "2.8 a million waiting calls drain",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        let ran = 0
        class Count extends Actor.Service<Count>()("test/Count", {
          maxConcurrency: 1,
          make: Effect.succeed({
            wait: () => probe.work("first"),
            tick: () => Effect.sync(() => void ran++),
            last: () => Effect.sync(() => ran)
          })
        }) {}
        const count = yield* Count.spawn()
        yield* count.wait.remote()
        for (let i = 0; i < million; i++) yield* count.tick.remote()
        const last = yield* count.last.remote()
        yield* probe.started("first")
        assert.strictEqual(ran, 0)
        assert.match(String(count), new RegExp(`1 running, ${million + 1} waiting`))
        yield* probe.open("first")
        assert.strictEqual(yield* last, million)
      }),
    60_000
  )

  it.effect(
    "2.8 200,000 waiting calls that hop once each drain",
    () =>
      Effect.gen(function* () {
        let ran = 0
        const worker = yield* Worker.options({ maxConcurrency: 100 }).spawn()
        const hop = Effect.andThen(
          Effect.yieldNow,
          Effect.sync(() => void ran++)
        )
        for (let i = 0; i < million / 5; i++) yield* worker.run.remote(hop)
        yield* worker.run(hop)
        yield* Actor.stop(worker)
        assert.strictEqual(ran, million / 5 + 1)
      }),
    60_000
  )

  it.effect("2.8 a long line that drains does not keep others from their turn", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      let ran = 0
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      yield* worker.work.remote("first")
      for (let i = 0; i < 100_000; i++) yield* worker.run.remote(Effect.sync(() => void ran++))
      yield* probe.open("first")
      yield* settle
      assert.isAbove(ran, 0)
      assert.isBelow(ran, 100_000, "this fiber had its turn before the line was through")
      yield* worker.add(1, 2)
      assert.strictEqual(ran, 100_000)
    })
  )

  it.effect("2.8 a line of calls that are interrupted, failed and done drains all the same", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.options({ maxConcurrency: 2 }).spawn()
      const bodies = [Effect.void, Effect.fail("a"), Effect.die("b"), Effect.interrupt, Effect.yieldNow]
      const refs = yield* Effect.forEach(range(1000), (i) => worker.run.remote(bodies[i % bodies.length]!))
      const exits = yield* ObjectRef.allSettled(refs)
      assert.strictEqual(exits.filter(Exit.isSuccess).length, 400)
      assert.strictEqual(yield* worker.add(1, 2), 3)
    })
  )
})
