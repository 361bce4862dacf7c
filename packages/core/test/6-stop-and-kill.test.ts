import { assert, describe, it } from "@effect/vitest"
import { Actor, type ActorContext, ActorError, ActorPool, ObjectRef } from "@troupe/core"
import { Deferred, Effect, Exit, Fiber, Schedule, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Diary, defectOf, fork, Probe, range, reasonOf, reasonOfExit, settle, Worker } from "./support.ts"

describe("6.3", () => {
  it.effect(
    "6.3 stop: no new calls, accepted calls finish, then finalizers run; it succeeds when the actor is gone",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const diary = yield* Diary.options({ maxConcurrency: 1 }).spawn(probe)
        const argument = yield* ObjectRef.fromEffect(probe.gate("argument"))
        const running = yield* diary.work.remote("running")
        const waiting = yield* diary.note.remote("waiting")
        const preparing = yield* diary.note.remote(argument as never)
        yield* probe.started("running")
        const stop = yield* fork(Actor.stop(diary))
        assert.strictEqual((yield* reasonOf(diary.note("refused")))._tag, "ActorDied")
        assert.strictEqual((yield* reasonOf(yield* diary.note.remote("refused")))._tag, "ActorDied")
        yield* settle
        assert.isUndefined(stop.pollUnsafe())
        yield* probe.open("running")
        yield* waiting
        assert.isUndefined(stop.pollUnsafe())
        yield* probe.open("argument")
        yield* Fiber.join(stop)
        assert.strictEqual(yield* running, "running")
        yield* preparing
        assert.deepStrictEqual(probe.log, [
          "made",
          "running start",
          "running end",
          "waiting",
          undefined as never,
          "gone"
        ])
      })
  )

  it.effect(
    "6.3 kill: running calls are interrupted, waiting ones fail, finalizers run; it succeeds when the actor is gone",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const diary = yield* Diary.options({ maxConcurrency: 1 }).spawn(probe)
        const finalizer = Effect.andThen(probe.gate("finalizer"), probe.note("finalized"))
        const running = yield* diary.run.remote(Effect.ensuring(probe.work("running"), finalizer))
        const waiting = yield* diary.note.remote("waiting")
        yield* probe.started("running")
        const kill = yield* fork(Actor.kill(diary))
        assert.isFalse((yield* reasonOf(waiting)).mayHaveRun)
        yield* settle
        assert.isUndefined(kill.pollUnsafe(), "a finalizer of a call is still running")
        yield* probe.open("finalizer")
        yield* Fiber.join(kill)
        assert.isTrue((yield* reasonOf(running)).mayHaveRun)
        assert.deepStrictEqual(probe.log, ["made", "running start", "running cut", "finalized", "gone"])
      })
  )

  it.effect("6.3 both wait for the finalizers of the instance", () =>
    Effect.forEach([Actor.stop, Actor.kill], (end) =>
      Effect.gen(function* () {
        const probe = new Probe()
        class Slow extends Actor.Service<Slow>()("test/Slow", {
          make: Effect.as(
            Effect.addFinalizer(() => Effect.andThen(probe.gate("finalizer"), probe.note("finalized"))),
            { ping: () => Effect.void }
          )
        }) {}
        const slow = yield* Slow.spawn()
        const ending = yield* fork(end(slow))
        yield* settle
        assert.isUndefined(ending.pollUnsafe())
        yield* probe.open("finalizer")
        yield* Fiber.join(ending)
        assert.deepStrictEqual(probe.log, ["finalized"])
      })
    )
  )

  it.effect("6.3 both are idempotent: finalizers run once, and the first reason stands", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const stopped = yield* Diary.spawn(probe)
      yield* TestClock.adjust("1 second")
      yield* Effect.all([Actor.stop(stopped), Actor.stop(stopped), Actor.stop(stopped)], { concurrency: 3 })
      yield* TestClock.adjust("1 second")
      yield* Actor.stop(stopped)
      yield* Actor.kill(stopped)
      assert.deepInclude(yield* Actor.watch(stopped), { why: "it was stopped", at: 1000 })
      const killed = yield* Diary.spawn(probe)
      yield* Effect.all([Actor.kill(killed), Actor.kill(killed)], { concurrency: 2 })
      yield* TestClock.adjust("1 second")
      yield* Actor.kill(killed)
      yield* Actor.stop(killed)
      assert.deepInclude(yield* Actor.watch(killed), { why: "it was killed", at: 2000 })
      assert.deepStrictEqual(probe.log, ["made", "gone", "made", "gone"])
    })
  )

  it.effect("6.3 kill cuts a stop short, and both succeed", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const diary = yield* Diary.spawn(probe)
      const ref = yield* diary.work.remote("a")
      yield* probe.started("a")
      const stop = yield* fork(Actor.stop(diary))
      yield* Actor.kill(diary)
      yield* Fiber.join(stop)
      const reason = yield* reasonOf(ref)
      assert.deepInclude(reason, { _tag: "ActorDied", why: "it was killed" })
      assert.deepStrictEqual(probe.log, ["made", "a start", "a cut", "gone"])
    })
  )

  it.effect("6.3 an interrupted stop has stopped all the same, and so has an interrupted kill", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const stopped = yield* Diary.spawn(probe)
      const ref = yield* stopped.work.remote("a")
      yield* Fiber.interrupt(yield* fork(Actor.stop(stopped)))
      assert.strictEqual((yield* reasonOf(stopped.note("refused")))._tag, "ActorDied")
      yield* probe.open("a")
      assert.strictEqual(yield* ref, "a")
      yield* Actor.watch(stopped)
      const killed = yield* Diary.spawn(probe)
      const held = yield* killed.run.remote(Effect.ensuring(probe.work("b"), probe.gate("finalizer")))
      yield* probe.started("b")
      yield* Fiber.interrupt(yield* fork(Actor.kill(killed)))
      yield* probe.open("finalizer")
      yield* Actor.watch(killed)
      assert.strictEqual((yield* reasonOf(held))._tag, "ActorDied")
    })
  )

  it.effect("6.3 kill lets a call finish that cannot be interrupted, and keeps its true result", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const diary = yield* Diary.spawn(probe)
      const ref = yield* diary.run.remote(Effect.uninterruptible(probe.work("a")))
      yield* probe.started("a")
      const kill = yield* fork(Actor.kill(diary))
      yield* settle
      assert.isUndefined(kill.pollUnsafe())
      yield* probe.open("a")
      yield* Fiber.join(kill)
      assert.strictEqual(yield* ref, "a")
    })
  )

  it.effect("6.3 stop from inside, directly or through another actor, does not wait for itself", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const other = yield* Worker.spawn()
      const direct = yield* Diary.spawn(probe)
      assert.strictEqual(yield* direct.run(Effect.as(Actor.stop(direct), "done")), "done")
      yield* Actor.watch(direct)
      const indirect = yield* Diary.spawn(probe)
      assert.strictEqual(yield* indirect.run(other.run(Effect.as(Actor.stop(indirect), "done"))), "done")
      yield* Actor.watch(indirect)
      assert.deepStrictEqual(probe.log, ["made", "gone", "made", "gone"])
    })
  )

  it.effect("6.3 a finalizer that dies does not keep the actor from ending", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      class Odd extends Actor.Service<Odd>()("test/Odd", {
        make: Effect.gen(function* () {
          yield* Effect.addFinalizer(() => probe.note("first"))
          yield* Effect.addFinalizer(() => Effect.die("finalizer"))
          return { ping: () => Effect.void }
        })
      }) {}
      const odd = yield* Odd.spawn()
      yield* Actor.stop(odd)
      yield* Actor.watch(odd)
      assert.deepStrictEqual(probe.log, ["first"])
    })
  )

  it.effect("6.3 Scope close stops: accepted calls finish", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const scope = yield* Scope.make()
      const diary = yield* Scope.provide(Diary.options({ maxConcurrency: 1 }).spawn(probe), scope)
      const refs = [yield* diary.work.remote("a"), yield* diary.note.remote("b")]
      yield* probe.started("a")
      const close = yield* fork(Scope.close(scope, Exit.void))
      assert.strictEqual((yield* reasonOf(diary.note("refused")))._tag, "ActorDied")
      yield* probe.open("a")
      yield* Fiber.join(close)
      yield* ObjectRef.all(refs)
      assert.deepStrictEqual(probe.log, ["made", "a start", "a end", "b", "gone"])
    })
  )

  it.effect("6.3 Scope close is bounded by shutdownTimeout, default 5 s, then kills", () =>
    Effect.gen(function* () {
      for (const [options, timeout] of [
        [{}, 5000],
        [{ shutdownTimeout: "2 seconds" as const }, 2000]
      ] as const) {
        const probe = new Probe()
        const scope = yield* Scope.make()
        const diary = yield* Scope.provide(Diary.options(options).spawn(probe), scope)
        const ref = yield* diary.work.remote("a")
        yield* probe.started("a")
        const close = yield* fork(Scope.close(scope, Exit.void))
        yield* TestClock.adjust(timeout - 1)
        assert.isUndefined(close.pollUnsafe())
        assert.deepStrictEqual(probe.log, ["made", "a start"])
        yield* TestClock.adjust(1)
        yield* Fiber.join(close)
        assert.deepStrictEqual(probe.log, ["made", "a start", "a cut", "gone"])
        const reason = yield* reasonOf(ref)
        assert.strictEqual(reason._tag, "ActorDied")
        assert.include(reason.message, "shutdownTimeout")
      }
    })
  )

  it.effect("6.3 Scope close ends under a test clock that nobody moves, too", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const diary = yield* Diary.spawn(probe)
          yield* diary.work.remote("a")
          yield* probe.started("a")
        })
      )
      assert.deepStrictEqual(probe.log, ["made", "a start", "a cut", "gone"])
    })
  )

  it.effect(
    "6.3 the instances of a Scope share its time: together they take no longer than the longest shutdownTimeout",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const scope = yield* Scope.make()
        const timeouts = ["4 seconds", "3 seconds", "2 seconds", "2 seconds"] as const
        const refs = yield* Effect.forEach(timeouts, (shutdownTimeout, n) =>
          Effect.gen(function* () {
            const diary = yield* Scope.provide(Diary.options({ shutdownTimeout }).spawn(probe), scope)
            const ref = yield* diary.work.remote(`${n}`)
            yield* probe.started(`${n}`)
            return ref
          })
        )
        probe.log.length = 0
        const close = yield* fork(Scope.close(scope, Exit.void))
        yield* TestClock.adjust("1999 millis")
        assert.deepStrictEqual(probe.log, [])
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(probe.log, ["3 cut", "gone", "2 cut", "gone"])
        yield* TestClock.adjust("999 millis")
        yield* probe.open("1")
        assert.strictEqual(yield* refs[1]!, "1")
        yield* settle
        assert.deepStrictEqual(probe.log.slice(4), ["1 end", "gone"])
        yield* TestClock.adjust("1 second")
        yield* settle
        assert.isUndefined(close.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        yield* Fiber.join(close)
        assert.deepStrictEqual(probe.log.slice(6), ["0 cut", "gone"])
        assert.include((yield* reasonOf(refs[2]!)).message, "shutdownTimeout")
      })
  )

  it.effect("6.3 pools and instances of a Scope share its time, too", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const scope = yield* Scope.make()
      const spawn = Worker.options({ shutdownTimeout: "2 seconds" }).spawn(probe)
      const worker = yield* Scope.provide(spawn, scope)
      const pool = yield* Scope.provide(ActorPool.make({ spawn, size: 1 }), scope)
      yield* worker.work.remote("single")
      yield* pool.remote((member) => member.work("pooled"))
      yield* probe.started("single")
      yield* probe.started("pooled")
      const close = yield* fork(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(close)
    })
  )

  it.effect("6.3 under a test clock that nobody moves, any number of instances of a Scope ends within one second", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const probe = new Probe()
        for (const n of range(100)) {
          const diary = yield* Diary.spawn(probe)
          yield* diary.work.remote(`${n}`)
          yield* probe.started(`${n}`)
        }
      })
    )
  )

  it.effect("6.3 an actor that stopped before its Scope closes closes it at once", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const worker = yield* Scope.provide(Worker.spawn(), scope)
      yield* Actor.stop(worker)
      yield* Scope.close(scope, Exit.void)
      assert.deepInclude(yield* Actor.watch(worker), { why: "it was stopped" })
    })
  )

  it.effect("6.3 a Scope that closes ends instances, and what came between them, in the reverse order", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const says = (name: string) => Effect.addFinalizer(() => Effect.sync(() => void log.push(name)))
      class Member extends Actor.Service<Member>()("test/Member", {
        make: (name: string) => Effect.as(says(name), { ping: () => Effect.void })
      }) {}
      const scope = yield* Scope.make()
      const members = yield* Scope.provide(
        Effect.forEach(range(5), (i) => Effect.tap(Member.spawn(`actor ${i}`), says(`resource ${i}`))),
        scope
      )
      yield* Actor.stop(members[3]!)
      yield* Actor.kill(members[0]!)
      assert.deepStrictEqual(log.splice(0), ["actor 3", "actor 0"])
      yield* Scope.close(scope, Exit.void)
      const rest = range(5).flatMap((i) => (i === 0 || i === 3 ? [`resource ${i}`] : [`actor ${i}`, `resource ${i}`]))
      assert.deepStrictEqual(log, rest.reverse())
    })
  )

  it.effect(
    "6.3 instances that own each other, 10,000 deep, all end, and all their finalizers run",
    () =>
      Effect.gen(function* () {
        let gone = 0
        class Nested extends Actor.Service<Nested>()("test/Nested", {
          make: (depth: number): Effect.Effect<{ ping: () => Effect.Effect<void> }, never, Scope.Scope> =>
            Effect.gen(function* () {
              yield* Effect.addFinalizer(() => Effect.sync(() => void gone++))
              if (depth > 1) yield* Nested.spawn(depth - 1)
              return { ping: () => Effect.void }
            })
        }) {}
        const root = yield* Nested.spawn(10_000)
        yield* Actor.kill(root)
        assert.strictEqual(gone, 10_000)
      }),
    20_000
  )

  it.effect(
    "6.3 10,000 actors, each killed by a finalizer of the one before, all end",
    () =>
      Effect.gen(function* () {
        class Domino extends Actor.Service<Domino>()("test/Domino", {
          make: (next: Actor.AnyHandle | undefined) =>
            Effect.as(
              Effect.addFinalizer(() => (next === undefined ? Effect.void : Actor.kill(next))),
              { ping: () => Effect.void }
            )
        }) {}
        const last = yield* Domino.spawn(undefined)
        let first = last
        for (const _ of range(9_999)) first = yield* Domino.spawn(first)
        yield* Actor.kill(first)
        assert.strictEqual((yield* Actor.watch(last)).why, "it was killed")
      }),
    20_000
  )
})

describe("6.4", () => {
  it.effect("6.4 a call to a dead actor fails with ActorDied, which says when and why it died", () =>
    Effect.gen(function* () {
      const diary = yield* Diary.spawn(new Probe())
      yield* TestClock.setTime(Date.UTC(2030, 0, 2, 3, 4, 5))
      yield* Actor.kill(diary)
      yield* TestClock.adjust("1 hour")
      const reason = yield* reasonOf(diary.count())
      assert.deepInclude(reason, {
        _tag: "ActorDied",
        actor: "test/Diary",
        method: "count",
        why: "it was killed",
        at: Date.UTC(2030, 0, 2, 3, 4, 5),
        mayHaveRun: false
      })
      assert.include(reason.message, "2030-01-02T03:04:05.000Z")
      assert.include(reason.message, "test/Diary.count")
    })
  )

  it.effect(
    "6.4 queued calls of a killed actor fail the same way, 10,000 of them, also those that wait for one argument",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const diary = yield* Diary.options({ maxConcurrency: 1 }).spawn(probe)
        const never = yield* ObjectRef.fromEffect(Effect.never)
        yield* diary.work.remote("a")
        yield* probe.started("a")
        const queued = yield* Effect.forEach(range(10_000), () => diary.count.remote())
        const preparing = yield* Effect.forEach(range(10_000), () => diary.note.remote(never))
        const asked = yield* Effect.forEach(range(100), () => fork(diary.count()))
        yield* Actor.kill(diary)
        const exits = [
          ...(yield* ObjectRef.allSettled(queued)),
          ...(yield* ObjectRef.allSettled(preparing)),
          ...(yield* Fiber.awaitAll(asked))
        ]
        for (const exit of exits) {
          const reason = reasonOfExit(exit)
          assert.strictEqual(reason._tag, "ActorDied")
          assert.isFalse(reason.mayHaveRun)
        }
      })
  )

  it.effect("6.4 those who hear of the death find the actor dead", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const diary = yield* Diary.options({ maxConcurrency: 1 }).spawn(probe)
      const ref = yield* diary.work.remote("a")
      yield* probe.started("a")
      const again = yield* fork(Effect.catch(ref, () => diary.note("again")))
      yield* Actor.kill(diary)
      assert.strictEqual(reasonOfExit(yield* Fiber.await(again))._tag, "ActorDied")
    })
  )
})

describe("6.4 and 6.5", () => {
  for (const way of ["Actor.kill", "Actor.exit"] as const) {
    it.effect(`${way}: a call whose argument has failed already fails as it did`, () =>
      Effect.gen(function* () {
        const other = yield* Worker.options({ maxConcurrency: 1 }).spawn()
        yield* other.run.remote(Effect.never)
        const argument = yield* other.echo.remote(1)
        const worker = yield* Worker.spawn()
        const call = yield* worker.echo.remote(argument)
        yield* settle
        // Calls that start in one turn start before anyone hears what has become of others.
        const fails = Effect.sync(() => Effect.runFork(ObjectRef.cancel(argument)))
        const ends: Effect.Effect<void, never, any> = way === "Actor.kill" ? Actor.kill(worker) : Actor.exit
        yield* worker.run.remote(Effect.andThen(fails, ends) as Effect.Effect<void>)
        assert.strictEqual((yield* reasonOf(call))._tag, "TaskCancelled")
      })
    )
  }
})

describe("6.5", () => {
  it.effect("6.5 Actor.exit inside a method ends the actor after the running calls; waiting ones fail", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const diary = yield* Diary.options({ maxConcurrency: 2 }).spawn(probe)
      const running = yield* diary.work.remote("running")
      yield* probe.started("running")
      const exit = yield* diary.exit.remote()
      const waiting = yield* diary.note.remote("waiting")
      const reason = yield* reasonOf(exit)
      assert.deepInclude(reason, { _tag: "ActorDied", mayHaveRun: true })
      assert.include(reason.message, "Actor.exit")
      assert.deepInclude(yield* reasonOf(waiting), { _tag: "ActorDied", mayHaveRun: false })
      assert.strictEqual((yield* reasonOf(diary.count()))._tag, "ActorDied")
      assert.deepStrictEqual(probe.log, ["made", "running start", "exits"])
      yield* probe.open("running")
      assert.strictEqual(yield* running, "running")
      yield* Actor.watch(diary)
      assert.deepStrictEqual(probe.log, ["made", "running start", "exits", "running end", "gone"])
    })
  )

  it.effect("6.5 the method that exits goes no further, but for its finalizers", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      class Leaver extends Actor.Service<Leaver>()("test/Leaver", {
        make: Effect.succeed({
          leave: () => Effect.ensuring(Effect.andThen(Actor.exit, probe.note("never")), probe.note("finalized")),
          later: () => Effect.andThen(Effect.yieldNow, Actor.exit)
        })
      }) {}
      for (const method of ["leave", "later"] as const) {
        const leaver = yield* Leaver.spawn()
        assert.strictEqual((yield* reasonOf(leaver[method]()))._tag, "ActorDied")
        yield* Actor.watch(leaver)
      }
      assert.deepStrictEqual(probe.log, ["finalized"])
    })
  )

  it.effect("6.5 it requires ActorContext, so calling it elsewhere does not compile", () =>
    Effect.gen(function* () {
      // @ts-expect-error ActorContext exists only inside actors
      const outside: Effect.Effect<never> = Actor.exit
      assert.include(String(yield* defectOf(outside)), "Actor.exit was run outside of all actors")
      const typed: Effect.Effect<never, never, ActorContext.ActorContext> = Actor.exit
      assert.isTrue(Effect.isEffect(typed))
    })
  )
})

describe("6.9", () => {
  it.effect("6.9 Actor.watch succeeds with the reason when the actor dies, for any number of watchers", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const diary = yield* Diary.spawn(probe)
      const watchers = yield* Effect.forEach(range(3), () => fork(Actor.watch(diary)))
      const quitter = yield* fork(Actor.watch(diary))
      yield* Fiber.interrupt(quitter)
      yield* settle
      assert.isTrue(watchers.every((watcher) => watcher.pollUnsafe() === undefined))
      yield* TestClock.adjust("1 second")
      yield* Actor.kill(diary)
      for (const reason of yield* Fiber.joinAll(watchers)) {
        assert.instanceOf(reason, ActorError.ActorDied)
        assert.deepInclude(reason, { actor: "test/Diary", method: "", why: "it was killed", at: 1000 })
      }
      assert.deepInclude(yield* Actor.watch(diary), { why: "it was killed" }, "also afterwards")
    })
  )

  it.effect("6.9 a watcher hears of the death when finalizers have run", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const diary = yield* Diary.spawn(probe)
      const watcher = yield* fork(Effect.andThen(Actor.watch(diary), probe.note("heard")))
      yield* Actor.stop(diary)
      yield* Fiber.join(watcher)
      assert.deepStrictEqual(probe.log, ["made", "gone", "heard"])
    })
  )

  it.effect("6.9 every way to die has its reason", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const why = (end: (diary: Diary["Service"]) => Effect.Effect<unknown>, options: Actor.InstanceOptions = {}) =>
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          const diary = yield* Scope.provide(Diary.options(options).spawn(probe), scope)
          const reason = yield* Deferred.make<ActorError.ActorDied>()
          yield* fork(Effect.flatMap(Actor.watch(diary), (died) => Deferred.succeed(reason, died)))
          yield* end(diary)
          yield* Scope.close(scope, Exit.void)
          return (yield* Deferred.await(reason)).why
        })
      assert.strictEqual(yield* why(Actor.stop), "it was stopped")
      assert.strictEqual(yield* why(Actor.kill), "it was killed")
      assert.strictEqual(yield* why(() => Effect.void), "its Scope closed")
      assert.include(yield* why((diary) => Effect.exit(diary.exit())), "Actor.exit")
      assert.include(yield* why((diary) => Effect.exit(diary.die("bug")), { onDefect: "stop" }), "defect")
      assert.include(yield* why((diary) => Effect.exit(diary.die("bug")), { restart: Schedule.recurs(0) }), "restart")
    })
  )

  it.effect(
    "6.9 10,000 actors, linked by watchers that kill the next, end one after the other",
    () =>
      Effect.gen(function* () {
        const actors = yield* Effect.forEach(range(10_000), () => Worker.spawn())
        for (const [i, next] of actors.entries()) {
          if (i > 0) yield* fork(Effect.andThen(Actor.watch(actors[i - 1]!), Actor.kill(next)))
        }
        yield* Actor.kill(actors[0]!)
        yield* Actor.watch(actors.at(-1)!)
      }),
    20_000
  )

  it.effect("6.9 restarting is not dying", () =>
    Effect.gen(function* () {
      const diary = yield* Diary.options({ onDefect: "restart" }).spawn(new Probe())
      const watcher = yield* fork(Actor.watch(diary))
      yield* Effect.exit(diary.die("bug"))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* diary.count(), 1)
      assert.isUndefined(watcher.pollUnsafe())
    })
  )

  it.effect("6.9 it watches the instance of a key that is up when it is run, and dies where none is", () =>
    Effect.gen(function* () {
      class Room extends Actor.Keyed<Room>()("test/Room", {
        make: (_key: string) => Effect.succeed({ enter: () => Effect.void })
      }) {}
      yield* Effect.gen(function* () {
        const room = yield* Room.get("a")
        const watch = Actor.watch(room)
        const resize = Actor.resize(room, 2)
        for (const effect of [watch, resize]) {
          assert.match(String(yield* defectOf(effect)), /TypeError.*test\/Room\(a\) has no instance now/)
        }
        yield* room.enter()
        yield* resize
        const first = yield* fork(watch)
        yield* Actor.stop(room)
        assert.strictEqual((yield* Fiber.join(first)).why, "it was stopped")
        yield* room.enter()
        const second = yield* fork(watch)
        yield* settle
        assert.isUndefined(second.pollUnsafe(), "the second instance lives")
        yield* Actor.kill(room)
        const death = yield* Fiber.join(second)
        assert.match(death.message, /^test\/Room\(a\): the actor died at .* because it was killed.$/)
      }).pipe(Effect.provide(Room.layer))
    })
  )

  it.effect("6.9 it takes handles only, as Actor.stop and Actor.kill do", () =>
    Effect.gen(function* () {
      for (const end of [Actor.watch, Actor.stop, Actor.kill]) {
        assert.instanceOf(yield* defectOf(Effect.suspend(() => end({}))), TypeError)
      }
    })
  )
})
