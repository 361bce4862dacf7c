import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorContext, ObjectRef } from "@troupe/core"
import { Cause, Effect, Exit, Fiber, Logger, Schedule, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Diary, defectOf, errorOf, fork, Probe, range, reasonOf, reasonOfExit, settle, Worker } from "./support.ts"

describe("6.6", () => {
  it.effect("6.6 a typed failure of a method never harms the actor, whatever onDefect says", () =>
    Effect.gen(function* () {
      for (const onDefect of ["resume", "restart", "stop"] as const) {
        const probe = new Probe()
        const diary = yield* Diary.options({ onDefect }).spawn(probe)
        yield* diary.count()
        assert.strictEqual(yield* errorOf(diary.fail("typed")), "typed")
        assert.strictEqual(yield* diary.count(), 2)
        assert.deepStrictEqual(probe.log, ["made"])
      }
    })
  )

  it.effect('6.6 a defect fails that call with the same defect; then onDefect "resume", the default, goes on', () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const diary = yield* Diary.spawn(probe)
      const neighbour = yield* diary.work.remote("neighbour")
      yield* diary.count()
      const defect = new Error("defect")
      assert.strictEqual(yield* defectOf(diary.die(defect)), defect)
      assert.strictEqual(yield* defectOf(yield* diary.die.remote(defect)), defect)
      assert.strictEqual(yield* diary.count(), 2, "it has its state")
      yield* probe.open("neighbour")
      assert.strictEqual(yield* neighbour, "neighbour")
    })
  )

  it.effect('6.6 with onDefect "restart" the instance is rebuilt', () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const diary = yield* Diary.options({ onDefect: "restart" }).spawn(probe)
      yield* diary.count()
      const defect = new Error("defect")
      assert.strictEqual(yield* defectOf(diary.die(defect)), defect)
      const count = yield* fork(diary.count())
      yield* TestClock.adjust("99 millis")
      assert.isUndefined(count.pollUnsafe(), "100 ms before the first restart")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(count), 1, "its state is new")
      assert.deepStrictEqual(probe.log, ["made", "gone", "made"])
    })
  )

  it.effect('6.6 with onDefect "stop" it ends, with its running and waiting calls', () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const diary = yield* Diary.options({ onDefect: "stop", maxConcurrency: 2 }).spawn(probe)
      const running = yield* diary.work.remote("running")
      yield* probe.started("running")
      const defect = new Error("defect")
      const dying = yield* diary.run.remote(Effect.andThen(Effect.yieldNow, Effect.die(defect)))
      const waiting = yield* diary.count.remote()
      assert.strictEqual(yield* defectOf(dying), defect)
      assert.deepInclude(yield* reasonOf(running), { _tag: "ActorDied", mayHaveRun: true })
      assert.deepInclude(yield* reasonOf(waiting), { _tag: "ActorDied", mayHaveRun: false })
      const reason = yield* Actor.watch(diary)
      assert.strictEqual(reason.cause, defect)
      assert.deepStrictEqual(probe.log, ["made", "running start", "running cut", "gone"])
    })
  )

  it.effect("6.6 a method that throws, rejects or returns no Effect dies of it, too", () =>
    Effect.gen(function* () {
      const error = new Error("thrown")
      class Throws extends Actor.Service<Throws>()("test/Throws", {
        onDefect: "stop",
        make: Effect.succeed({
          throws: (): Effect.Effect<void> => {
            throw error
          },
          rejects: () => Effect.promise(() => Promise.reject(error)),
          odd: () => 1 as never as Effect.Effect<void>
        })
      }) {}
      for (const method of ["throws", "rejects", "odd"] as const) {
        const throws = yield* Throws.spawn()
        const defect = yield* defectOf(throws[method]())
        assert.strictEqual((yield* Actor.watch(throws)).cause, defect)
        if (method !== "odd") assert.strictEqual(defect, error)
      }
    })
  )

  it.effect("6.6 a defect of another actor, met through an ask, fails the call, and is not the instance's own", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const diary = yield* Diary.options({ onDefect: "stop" }).spawn(new Probe())
      assert.strictEqual(yield* defectOf(diary.run(worker.die("elsewhere"))), "elsewhere")
      const ref = yield* worker.die.remote("elsewhere")
      assert.strictEqual(yield* defectOf(diary.run(Effect.andThen(Effect.yieldNow, ref))), "elsewhere")
      assert.strictEqual(yield* diary.count(), 1)
      assert.strictEqual(yield* worker.add(1, 2), 3)
      const both = Effect.ensuring(worker.die("elsewhere"), Effect.die("its own"))
      assert.strictEqual(yield* defectOf(diary.run(both)), "elsewhere")
      yield* Actor.watch(diary)
    })
  )

  it.effect("6.6 a defect while the instance stops changes nothing about that", () =>
    Effect.forEach(["stop", "restart"] as const, (onDefect) =>
      Effect.gen(function* () {
        const probe = new Probe()
        const diary = yield* Diary.options({ onDefect }).spawn(probe)
        const other = yield* diary.work.remote("other")
        const dying = yield* diary.run.remote(Effect.andThen(probe.gate("die"), Effect.die("bug")))
        yield* probe.started("other")
        const stop = yield* fork(Actor.stop(diary))
        yield* probe.open("die")
        assert.strictEqual(yield* defectOf(dying), "bug")
        yield* probe.open("other")
        assert.strictEqual(yield* other, "other")
        yield* Fiber.join(stop)
        assert.deepInclude(yield* Actor.watch(diary), { why: "it was stopped" })
        assert.deepStrictEqual(probe.log, ["made", "other start", "other end", "gone"])
      })
    )
  )

  it.effect("6.6 a finalizer of the instance that dies is logged at Error level, with its cause", () =>
    Effect.gen(function* () {
      const logged: Array<string> = []
      const logger = Logger.make(({ cause, logLevel, message }) => {
        logged.push(`${logLevel} ${String(message)} ${Cause.pretty(cause)}`)
      })
      class Odd extends Actor.Service<Odd>()("test/Odd", {
        make: Effect.as(
          Effect.addFinalizer(() => Effect.die("finalizer")),
          { ping: () => Effect.void }
        )
      }) {}
      const odd = yield* Effect.provide(Odd.spawn(), Logger.layer([logger]))
      yield* Actor.stop(odd)
      assert.lengthOf(logged, 1)
      assert.match(logged[0]!, /^Error .*test\/Odd.*finalizer/s)
    })
  )
})

describe("6.7", () => {
  const twice = Schedule.max([Schedule.spaced("1 second"), Schedule.recurs(2)])

  it.effect("6.7 restart: Schedule paces and bounds restarts; when it ends, the actor dies with the last cause", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const diary = yield* Diary.options({ restart: twice }).spawn(probe)
      for (const i of range(2)) {
        yield* diary.count()
        assert.strictEqual(yield* defectOf(diary.die(`bug ${i}`)), `bug ${i}`)
        const next = yield* fork(diary.count())
        yield* TestClock.adjust("999 millis")
        assert.isUndefined(next.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        assert.strictEqual(yield* Fiber.join(next), 1)
      }
      assert.strictEqual(yield* defectOf(diary.die("last bug")), "last bug")
      const reason = yield* Actor.watch(diary)
      assert.strictEqual(reason.cause, "last bug")
      assert.include(reason.message, "restart schedule ended")
      assert.strictEqual((yield* reasonOf(diary.count()))._tag, "ActorDied")
      assert.deepStrictEqual(probe.log, ["made", "gone", "made", "gone", "made", "gone"])
    })
  )

  it.effect("6.7 while restarting, waiting calls stay queued, in order, and new ones queue behind them", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const diary = yield* Diary.options({ restart: twice, maxConcurrency: 1 }).spawn(probe)
      const dying = yield* diary.die.remote("bug")
      const before = [yield* diary.note.remote("1"), yield* diary.note.remote("2")]
      yield* defectOf(dying)
      const during = [yield* diary.note.remote("3"), yield* fork(diary.note("4")), yield* diary.note.remote("5")]
      yield* settle
      assert.deepStrictEqual(probe.log, ["made", "gone"])
      yield* TestClock.adjust("1 second")
      yield* ObjectRef.all(before)
      for (const call of during) yield* Fiber.isFiber(call) ? Fiber.await(call) : Effect.exit(call)
      assert.deepStrictEqual(probe.log, ["made", "gone", "made", "1", "2", "3", "4", "5"])
    })
  )

  it.effect("6.7 running calls are interrupted and fail with ActorUnavailable: they may have executed", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const diary = yield* Diary.options({ restart: twice }).spawn(probe)
      const running = yield* diary.work.remote("a")
      const masked = yield* diary.run.remote(Effect.uninterruptible(probe.work("b")))
      yield* probe.started("b")
      const dying = yield* diary.die.remote("bug")
      yield* defectOf(dying)
      const reason = yield* reasonOf(running)
      assert.deepInclude(reason, { _tag: "ActorUnavailable", mayHaveRun: true, retrySafe: false })
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(probe.log, ["made", "a start", "b start", "a cut"], "the rebuild waits for those that run")
      yield* probe.open("b")
      assert.strictEqual(yield* masked, "b")
      yield* settle
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* diary.count(), 1)
      assert.deepStrictEqual(probe.log.slice(4), ["b end", "gone", "made"])
    })
  )

  it.effect("6.7 a call on whose stack a neighbour dies is interrupted as well", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const diary = yield* Diary.options({ restart: twice }).spawn(probe)
      const body = Effect.andThen(Effect.exit(diary.die("bug")), probe.work("after"))
      const ref = yield* diary.run.remote(body)
      assert.strictEqual((yield* reasonOf(ref))._tag, "ActorUnavailable")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* diary.count(), 1)
    })
  )

  const retried = (restart: Schedule.Schedule<any, Cause.Cause<unknown>>) =>
    Effect.gen(function* () {
      const probe = new Probe()
      const diary = yield* Diary.options({ restart, maxTaskRetries: 1 }).spawn(probe)
      let tries = 0
      const running = yield* diary.work.remote("a")
      yield* probe.started("a")
      const once = Effect.suspend(() => (tries++ === 0 ? Effect.die("bug") : Effect.succeed("ok")))
      const dying = yield* diary.run.remote(once)
      yield* settle
      yield* TestClock.adjust("1 second")
      yield* probe.open("a")
      assert.strictEqual(yield* running, "a")
      assert.strictEqual(yield* dying, "ok")
      assert.deepStrictEqual(probe.log, ["made", "a start", "a cut", "gone", "made", "a start", "a end"])
    })

  it.effect("6.7 running calls that may be retried run again after the restart, with the one that died", () =>
    retried(twice)
  )

  it.effect("6.7 the same holds for a restart without a pause", () => retried(Schedule.recurs(2)))

  it.effect("6.7 a call that dies and is retried on the spot runs in the new instance", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const diary = yield* Diary.options({ restart: Schedule.recurs(3), maxTaskRetries: 1 }).spawn(probe)
      let tries = 0
      // It dies synchronously, on the stack of its asker.
      const dying = Effect.suspend(() => (tries++ === 0 ? Effect.die("bug") : Effect.succeed("ok")))
      const ask = yield* fork(diary.run(dying))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(ask), "ok")
      assert.deepStrictEqual(probe.log, ["made", "gone", "made"])
    })
  )

  it.effect(
    "6.7 a constructor that fails in a restart is tried again as the schedule allows, then the actor dies of it",
    () =>
      Effect.gen(function* () {
        let makes = 0
        let broken = true
        class Flaky extends Actor.Service<Flaky>()("test/Flaky", {
          restart: Schedule.max([Schedule.spaced("1 second"), Schedule.recurs(3)]),
          make: Effect.suspend(() => {
            if (++makes > 1 && broken) return Effect.fail(`make ${makes}`)
            return Effect.succeed({ ping: () => Effect.succeed("pong"), die: () => Effect.die("bug") })
          })
        }) {}
        const healed = yield* Flaky.spawn()
        yield* Effect.exit(healed.die())
        const ping = yield* fork(healed.ping())
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual(makes, 3)
        assert.isUndefined(ping.pollUnsafe())
        broken = false
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* Fiber.join(ping), "pong")

        makes = 0
        broken = true
        const doomed = yield* Flaky.spawn()
        yield* Effect.exit(doomed.die())
        const waiting = yield* fork(doomed.ping())
        yield* TestClock.adjust("3 seconds")
        const reason = reasonOfExit(yield* Fiber.await(waiting))
        assert.deepInclude(reason, { _tag: "ActorDied", mayHaveRun: false, cause: "make 4" })
        assert.strictEqual(makes, 4)
      })
  )

  it.effect("6.7 the old Scope is closed before the new one is used, and each is closed once", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      let makes = 0
      class Scoped extends Actor.Service<Scoped>()("test/Scoped", {
        restart: Schedule.recurs(5),
        make: Effect.gen(function* () {
          const id = ++makes
          yield* Effect.acquireRelease(
            Effect.sync(() => log.push(`open ${id}`)),
            () =>
              Effect.andThen(
                Effect.yieldNow,
                Effect.sync(() => log.push(`close ${id}`))
              )
          )
          const context = yield* ActorContext.ActorContext
          return {
            die: () => Effect.die("bug"),
            restarts: () => Effect.sync(() => context.restarts)
          }
        })
      }) {}
      const scoped = yield* Scoped.spawn()
      for (const _ of range(3)) yield* Effect.exit(scoped.die())
      const restarts = yield* fork(scoped.restarts())
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(restarts), 3)
      yield* Actor.stop(scoped)
      assert.deepStrictEqual(
        log,
        range(4).flatMap((i) => [`open ${i + 1}`, `close ${i + 1}`])
      )
    })
  )

  it.effect("6.7 kill and Scope close end a restart under way", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const killed = yield* Diary.options({ restart: Schedule.spaced("1 hour") }).spawn(probe)
      yield* Effect.exit(killed.die("bug"))
      const waiting = yield* killed.count.remote()
      yield* Actor.kill(killed)
      assert.deepInclude(yield* reasonOf(waiting), { _tag: "ActorDied", mayHaveRun: false })
      const scope = yield* Scope.make()
      const closed = yield* Scope.provide(Diary.options({ restart: Schedule.spaced("1 hour") }).spawn(probe), scope)
      yield* Effect.exit(closed.die("bug"))
      const close = yield* fork(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(close)
      yield* TestClock.adjust("2 hours")
      assert.deepStrictEqual(probe.log, ["made", "gone", "made", "gone"])
    })
  )

  it.effect("6.7 kill while the constructor of a restart runs interrupts it, and closes what it has opened", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      let makes = 0
      class Slow extends Actor.Service<Slow>()("test/Slow", {
        restart: Schedule.recurs(5),
        make: Effect.gen(function* () {
          yield* Effect.acquireRelease(probe.note("acquired"), () => probe.note("released"))
          if (++makes > 1) yield* probe.work("make")
          return { die: () => Effect.die("bug"), ping: () => Effect.void }
        })
      }) {}
      const slow = yield* Slow.spawn()
      yield* Effect.exit(slow.die())
      yield* TestClock.adjust("1 second")
      yield* probe.started("make")
      const waiting = yield* slow.ping.remote()
      yield* Actor.kill(slow)
      assert.strictEqual((yield* reasonOf(waiting))._tag, "ActorDied")
      assert.deepStrictEqual(probe.log, ["acquired", "released", "acquired", "make start", "make cut", "released"])
    })
  )

  it.effect("6.7 stop while restarting: accepted calls are served by the new instance, then it ends", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const diary = yield* Diary.options({ restart: twice }).spawn(probe)
      yield* Effect.exit(diary.die("bug"))
      const accepted = yield* diary.count.remote()
      const stop = yield* fork(Actor.stop(diary))
      assert.strictEqual((yield* reasonOf(diary.count()))._tag, "ActorDied")
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(stop)
      assert.strictEqual(yield* accepted, 1)
      assert.deepStrictEqual(probe.log, ["made", "gone", "made", "gone"])
    })
  )

  it.effect("6.7 several defects at once make one restart", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const diary = yield* Diary.options({ restart: twice }).spawn(probe)
      const together = Effect.andThen(probe.gate("die"), Effect.die("bug"))
      const refs = yield* Effect.forEach(range(5), () => diary.run.remote(together))
      yield* settle
      yield* probe.open("die")
      yield* ObjectRef.allSettled(refs)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* diary.count(), 1)
      assert.deepStrictEqual(probe.log, ["made", "gone", "made"])
    })
  )

  it.effect("6.7 the default is five restarts, after 100, 200, 400, 800 and 1600 ms", () =>
    Effect.gen(function* () {
      const diary = yield* Diary.options({ onDefect: "restart" }).spawn(new Probe())
      for (const pause of [100, 200, 400, 800, 1600]) {
        yield* Effect.exit(diary.die("bug"))
        const count = yield* fork(diary.count())
        yield* TestClock.adjust(pause - 1)
        assert.isUndefined(count.pollUnsafe(), `not before ${pause} ms`)
        yield* TestClock.adjust(1)
        assert.strictEqual(yield* Fiber.join(count), 1)
      }
      yield* Effect.exit(diary.die("last"))
      assert.strictEqual((yield* Actor.watch(diary)).cause, "last")
    })
  )

  it.effect("6.7 a cancelled call is cancelled in a restart, too, and a suspended submitter goes on after it", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const diary = yield* Diary.options({ restart: twice, maxPendingCalls: 2, overflow: "suspend" }).spawn(probe)
      yield* Effect.exit(diary.die("bug"))
      const refs = [yield* diary.note.remote("1"), yield* diary.note.remote("2")]
      const suspended = yield* fork(diary.note("3"))
      assert.strictEqual(yield* ObjectRef.cancel(refs[0]!), "NotStarted")
      yield* TestClock.adjust("1 second")
      yield* refs[1]!
      yield* Fiber.join(suspended)
      assert.deepStrictEqual(probe.log, ["made", "gone", "made", "2", "3"])
    })
  )
})

describe("6.8", () => {
  /** Fails until it has run `failures` times. */
  const flaky = (failures: number, error: unknown = "not yet") => {
    const state = { runs: 0 }
    const effect = Effect.suspend(() => (++state.runs <= failures ? Effect.fail(error) : Effect.succeed(state.runs)))
    return { state, effect }
  }

  it.effect("6.8 5 retries are at most 6 executions", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.options({ maxTaskRetries: 5, retry: true }).spawn()
      const enough = flaky(5)
      assert.strictEqual(yield* worker.run(enough.effect), 6)
      const never = flaky(Infinity)
      assert.strictEqual(yield* errorOf(worker.run(never.effect)), "not yet")
      assert.strictEqual(never.state.runs, 6)
    })
  )

  it.effect("6.8 a typed failure is retried only if retry says so: never by default, by a predicate, or always", () =>
    Effect.gen(function* () {
      const none = flaky(1)
      const worker = yield* Worker.options({ maxTaskRetries: 5 }).spawn()
      assert.strictEqual(yield* errorOf(worker.run(none.effect)), "not yet")
      assert.strictEqual(none.state.runs, 1)
      const picky = yield* Worker.options({ maxTaskRetries: 5, retry: (error) => error === "again" }).spawn()
      const again = flaky(2, "again")
      assert.strictEqual(yield* picky.run(again.effect), 3)
      const other = flaky(2, "other")
      assert.strictEqual(yield* errorOf(picky.run(other.effect)), "other")
      assert.strictEqual(other.state.runs, 1)
      const noRetries = yield* Worker.options({ maxTaskRetries: 0, retry: true }).spawn()
      const once = flaky(1)
      yield* errorOf(noRetries.run(once.effect))
      assert.strictEqual(once.state.runs, 1)
    })
  )

  it.effect("6.8 a predicate that throws fails its call with that defect, and harms nobody", () =>
    Effect.gen(function* () {
      const thrown = new Error("predicate")
      const retry = () => {
        throw thrown
      }
      const worker = yield* Worker.options({ maxTaskRetries: 5, retry, maxConcurrency: 1 }).spawn()
      const ref = yield* worker.run.remote(Effect.andThen(Effect.yieldNow, Effect.fail("typed")))
      const exit = yield* Effect.exit(ref)
      assert.isTrue(Exit.isFailure(exit))
      assert.strictEqual(yield* worker.add(1, 2), 3, "its permit is back")
    })
  )

  it.effect("6.8 a defect is not retried unless the instance restarts", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.options({ maxTaskRetries: 5, retry: true }).spawn()
      let runs = 0
      const dies = Effect.suspend(() => Effect.die(`bug ${++runs}`))
      assert.strictEqual(yield* defectOf(worker.run(dies)), "bug 1")
      assert.strictEqual(runs, 1)
    })
  )

  it.effect("6.8 the option of a call goes over that of its method, and that over the actor's", () =>
    Effect.gen(function* () {
      const states: Record<string, number> = {}
      const body = (id: string) =>
        Effect.suspend(() => {
          states[id] = (states[id] ?? 0) + 1
          return Effect.fail(id)
        })
      class Layered extends Actor.Service<Layered>()("test/Layered", {
        maxTaskRetries: 1,
        retry: true,
        methodOptions: { method: { maxTaskRetries: 2 }, quiet: { retry: false } },
        make: Effect.succeed({ actor: body, method: body, quiet: body })
      }) {}
      const layered = yield* Layered.spawn()
      yield* errorOf(layered.actor("actor"))
      yield* errorOf(layered.method("method"))
      yield* errorOf(layered.quiet("quiet"))
      yield* errorOf(layered.method.options({ maxTaskRetries: 3 })("call"))
      yield* errorOf(layered.method.options({ maxTaskRetries: 0 })("none"))
      yield* errorOf(layered.quiet.options({ retry: true })("loud"))
      yield* errorOf(layered.method.options({ maxTaskRetries: undefined, retry: undefined })("undefined"))
      assert.deepStrictEqual(states, { actor: 2, method: 3, quiet: 1, call: 4, none: 1, loud: 2, undefined: 3 })
    })
  )

  it.effect("6.8 a retried call keeps its place in line, and its ref", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1, maxTaskRetries: 1, retry: true }).spawn(probe)
      const { effect } = flaky(1)
      const first = yield* worker.run.remote(Effect.tap(Effect.andThen(probe.note("try"), effect), probe.note("ok")))
      const second = yield* worker.note.remote("second")
      assert.strictEqual(yield* first, 2)
      yield* second
      assert.deepStrictEqual(probe.log, ["try", "try", "ok", "second"])
    })
  )

  it.effect(
    "6.8 100,000 retries in a row do not overflow the stack",
    () =>
      Effect.gen(function* () {
        const worker = yield* Worker.options({ maxTaskRetries: Infinity, retry: true }).spawn()
        assert.strictEqual(yield* worker.run(flaky(100_000).effect), 100_001)
      }),
    60_000
  )

  it.effect("6.8 a call that is retried for ever can be cancelled, and ends with its actor", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.options({ maxTaskRetries: Infinity, retry: true }).spawn()
      const hopeless = Effect.andThen(Effect.yieldNow, Effect.fail("again"))
      const cancelled = yield* worker.run.remote(hopeless)
      yield* settle
      yield* ObjectRef.cancel(cancelled)
      yield* Effect.exit(cancelled)
      const killed = yield* worker.run.remote(hopeless)
      yield* settle
      yield* Actor.kill(worker)
      yield* Effect.exit(killed)
    })
  )
})
