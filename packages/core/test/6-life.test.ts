import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorContext, ActorError, ObjectRef } from "@troupe/core"
import { Cause, Context, Deferred, Effect, Equal, Exit, Fiber, Layer, Logger, Schedule, Schema, Scope } from "effect"
import { TestClock } from "effect/testing"
import { defectOf, errorOf, fork, Probe, range, reasonOf, reasonOfExit, settle, Worker } from "./support.ts"

/** Logs its life, and counts for as long as an instance lives. */
class Diary extends Actor.Service<Diary>()("test/Diary", {
  make: (probe: Probe) =>
    Effect.gen(function* () {
      yield* Effect.acquireRelease(probe.note("made"), () => probe.note("gone"))
      let count = 0
      return {
        count: () => Effect.sync(() => ++count),
        note: (event: string) => probe.note(event),
        work: probe.work,
        die: (defect: unknown) => Effect.die(defect),
        fail: (error: string) => Effect.fail(error),
        run: (effect: Effect.Effect<any, any>) => effect,
        exit: () => Effect.andThen(probe.note("exits"), Actor.exit)
      }
    })
}) {}

describe("6.1", () => {
  it.effect(
    "6.1 Counter.layer starts one instance when the Layer is built and stops it when the Layer's scope closes",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const scope = yield* Scope.make()
        const context = yield* Layer.buildWithScope(Diary.layerArgs(probe), scope)
        const diary = Context.get(context, Diary)
        assert.deepStrictEqual(probe.log, ["made"])
        yield* diary.note("called")
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(probe.log, ["made", "called", "gone"])
        assert.strictEqual((yield* reasonOf(diary.note("late")))._tag, "ActorDied")
      })
  )

  it.effect("6.1 Counter.layer used twice in one program gives one instance", () =>
    Effect.gen(function* () {
      let made = 0
      class Counter extends Actor.Service<Counter>()("test/Counter", {
        make: Effect.sync(() => {
          made++
          let count = 0
          return { increment: () => Effect.sync(() => ++count) }
        })
      }) {}
      class A extends Context.Service<A, Counter["Service"]>()("test/A") {}
      class B extends Context.Service<B, Counter["Service"]>()("test/B") {}
      assert.strictEqual(Counter.layer, Counter.layer)
      const a = Layer.provide(Layer.effect(A, Counter), Counter.layer)
      const b = Layer.provide(Layer.effect(B, Counter), Counter.layer)
      const program = Effect.gen(function* () {
        const one = yield* A
        const two = yield* B
        assert.strictEqual(one, two)
        yield* one.increment()
        assert.strictEqual(yield* two.increment(), 2)
      })
      yield* Effect.provide(program, Layer.mergeAll(a, b))
      assert.strictEqual(made, 1)
      const fresh = Layer.provide(Layer.effect(A, Counter), Layer.fresh(Counter.layer))
      yield* Effect.scoped(Layer.build(fresh))
      assert.strictEqual(made, 2)
    })
  )

  it.effect("6.1 a Layer that is provided inside a program where it was provided already is the same instance", () =>
    Effect.gen(function* () {
      let made = 0
      class Counter extends Actor.Service<Counter>()("test/Counter", {
        make: Effect.sync(() => {
          made++
          return { ping: () => Effect.void }
        })
      }) {}
      const inner = Effect.provide(Counter, Counter.layer)
      const outer = Effect.flatMap(Counter, (one) => Effect.map(inner, (two) => assert.strictEqual(one, two)))
      yield* Effect.provide(outer, Counter.layer)
      assert.strictEqual(made, 1)
    })
  )

  it.effect("6.1 Counter.spawn(...) does the same for the current Scope, with a fresh instance each time", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const handles = yield* Effect.scoped(
        Effect.gen(function* () {
          const one = yield* Diary.spawn(probe)
          const two = yield* Diary.spawn(probe)
          assert.notStrictEqual(one, two)
          yield* one.count()
          assert.strictEqual(yield* one.count(), 2)
          assert.strictEqual(yield* two.count(), 1)
          return [one, two]
        })
      )
      assert.deepStrictEqual(probe.log, ["made", "made", "gone", "gone"])
      for (const handle of handles) assert.strictEqual((yield* reasonOf(handle.count()))._tag, "ActorDied")
    })
  )

  it.effect("6.1 spawned into a Scope that is closed it is dead at once, finalizers run", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const scope = yield* Scope.make()
      yield* Scope.close(scope, Exit.void)
      const diary = yield* Scope.provide(Diary.spawn(probe), scope)
      assert.strictEqual((yield* reasonOf(diary.count()))._tag, "ActorDied")
      assert.deepStrictEqual(probe.log, ["made", "gone"])
    })
  )

  it.effect("6.1 methods can be taken off the handle", () =>
    Effect.gen(function* () {
      const { count } = yield* Diary.spawn(new Probe())
      const { remote } = count
      yield* count()
      assert.strictEqual(yield* Effect.flatten(remote()), 2)
    })
  )

  it.effect("6.1 every handle of an instance is equal", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const program = Effect.gen(function* () {
        const one = yield* Diary
        const two = yield* Diary
        assert.strictEqual(one, two)
        const inside = yield* one.run(Effect.sync(() => two))
        assert.strictEqual(inside, one)
      })
      yield* Effect.provide(program, Diary.layerArgs(probe))
    })
  )

  it.effect("6.1 what the constructor and the methods require is required by the Layer, and given to them", () =>
    Effect.gen(function* () {
      class Db extends Context.Service<Db, { readonly name: string }>()("test/Db") {}
      class Mail extends Context.Service<Mail, { readonly name: string }>()("test/Mail") {}
      class User extends Actor.Service<User>()("test/User", {
        make: Effect.gen(function* () {
          const db = yield* Db
          return { both: () => Effect.map(Mail, (mail) => `${db.name} ${mail.name}`) }
        })
      }) {}
      const layer: Layer.Layer<User, never, Db | Mail> = User.layer
      const services = Layer.mergeAll(Layer.succeed(Db)({ name: "db" }), Layer.succeed(Mail)({ name: "mail" }))
      const program = Effect.flatMap(User, (user) => user.both())
      assert.strictEqual(yield* Effect.provide(program, Layer.provide(layer, services)), "db mail")
    })
  )
})

describe("6.2", () => {
  it.effect("6.2 the constructor runs once per start, in the instance's own Scope", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const one = yield* Diary.spawn(probe)
      const two = yield* Diary.spawn(probe)
      for (const _ of range(3)) yield* one.count()
      assert.deepStrictEqual(probe.log, ["made", "made"])
      yield* Actor.stop(one)
      assert.deepStrictEqual(probe.log, ["made", "made", "gone"], "the Scope of the other is open")
      yield* Actor.stop(two)
      assert.deepStrictEqual(probe.log, ["made", "made", "gone", "gone"])
    })
  )

  it.effect("6.2 if it fails, the Layer or spawn fails with its typed error, and its finalizers run", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const error = { _tag: "NoDb" as const }
      class Broken extends Actor.Service<Broken>()("test/Broken", {
        make: Effect.gen(function* () {
          yield* Effect.acquireRelease(probe.note("acquired"), () => probe.note("released"))
          if (probe.log.length > 0) return yield* Effect.fail(error)
          return { ping: () => Effect.void }
        })
      }) {}
      assert.strictEqual(yield* errorOf(Broken.spawn()), error)
      assert.deepStrictEqual(probe.log, ["acquired", "released"])
      assert.strictEqual(yield* errorOf(Effect.provide(Broken, Broken.layer)), error)
      assert.deepStrictEqual(probe.log, ["acquired", "released", "acquired", "released"])
    })
  )

  it.effect("6.2 if it dies or throws, the Layer or spawn dies with its defect", () =>
    Effect.gen(function* () {
      const defect = new Error("defect")
      const throws = () => {
        throw defect
      }
      for (const make of [Effect.die(defect), throws, () => Effect.die(defect)]) {
        const Broken = Actor.Service<any>()("test/Broken", { make: make as never })
        assert.strictEqual(yield* defectOf(Broken.spawn()), defect)
        assert.strictEqual(yield* defectOf(Effect.provide(Broken, Broken.layer as Layer.Layer<any>)), defect)
      }
    })
  )

  it.effect("6.2 a constructor that makes no object of methods is told so, with the actor's name", () =>
    Effect.gen(function* () {
      for (const make of [() => 1, Effect.succeed(undefined), Effect.succeed(null), () => undefined]) {
        const Broken = Actor.Service<any>()("test/Broken", { make: make as never })
        const odd = yield* defectOf(Effect.suspend(() => Broken.spawn()))
        assert.instanceOf(odd, TypeError)
        assert.include(String(odd), "test/Broken", "it names the actor")
      }
    })
  )

  it.effect("6.2 a start that is interrupted runs the finalizers of what was made so far", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      class Slow extends Actor.Service<Slow>()("test/Slow", {
        make: Effect.gen(function* () {
          yield* Effect.acquireRelease(probe.note("acquired"), () => probe.note("released"))
          yield* probe.work("make")
          return { ping: () => Effect.void }
        })
      }) {}
      const spawn = yield* fork(Effect.scoped(Slow.spawn()))
      yield* probe.started("make")
      yield* Fiber.interrupt(spawn)
      assert.deepStrictEqual(probe.log, ["acquired", "make start", "make cut", "released"])
    })
  )

  it.effect(
    "6.2 a start that is interrupted in the last, uninterruptible step of its constructor leaves nothing behind",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const scope = yield* Scope.make()
        class Slow extends Actor.Service<Slow>()("test/Slow", {
          make: Effect.as(
            Effect.acquireRelease(probe.work("acquire"), () => probe.note("released")),
            { ping: () => Effect.void }
          )
        }) {}
        const spawn = yield* fork(Scope.provide(Slow.spawn(), scope))
        yield* probe.started("acquire")
        const interrupt = yield* fork(Fiber.interrupt(spawn))
        yield* probe.open("acquire")
        yield* Fiber.join(interrupt)
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(probe.log, ["acquire start", "acquire end", "released"])
      })
  )

  it.effect("6.2 a fiber that is forked into the Scope, by make or by a method, lives as long as the instance", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      class Background extends Actor.Service<Background>()("test/Background", {
        make: Effect.gen(function* () {
          yield* Effect.forkScoped(probe.work("make"))
          return {
            start: () => Effect.asVoid(Effect.forkScoped(probe.work("method"))),
            killLater: (self: Actor.AnyHandle) =>
              Effect.asVoid(Effect.forkScoped(Effect.andThen(Effect.yieldNow, Actor.kill(self))))
          }
        })
      }) {}
      const background = yield* Background.spawn()
      yield* background.start()
      yield* probe.started("make")
      yield* probe.started("method")
      yield* settle
      assert.strictEqual(probe.running, 2)
      yield* background.killLater(background)
      yield* Actor.watch(background)
      assert.strictEqual(probe.running, 0)
    })
  )

  it.effect("6.2 options that name a method which does not exist fail the start, and the finalizers run", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const make = Effect.as(
        Effect.acquireRelease(probe.note("acquired"), () => probe.note("released")),
        { ping: () => Effect.void }
      )
      const groups = { io: { maxConcurrency: 1, methods: ["nope" as never] } }
      for (const options of [{ concurrencyGroups: groups }, { methodOptions: { nope: {} } as never }]) {
        const Wrong = Actor.Service<any>()("test/Wrong", { make, ...options })
        const defect = yield* defectOf(Wrong.spawn())
        assert.instanceOf(defect, TypeError)
        assert.match(String(defect), /test\/Wrong.*"nope".*ping/)
        assert.deepStrictEqual(probe.log.splice(0), ["acquired", "released"])
      }
    })
  )

  it.effect("6.2 an unknown group in methodOptions fails, and the finalizers run", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const make = Effect.as(
        Effect.acquireRelease(probe.note("acquired"), () => probe.note("released")),
        { ping: () => Effect.void }
      )
      const methodOptions = { ping: { concurrencyGroup: "nope" } } as never
      const defect = yield* defectOf(
        Effect.suspend(() => Actor.Service<any>()("test/Wrong", { make, methodOptions }).spawn())
      )
      assert.instanceOf(defect, RangeError)
      assert.match(String(defect), /test\/Wrong.*"nope"/)
      assert.strictEqual(
        probe.log.filter((event) => event === "acquired").length,
        probe.log.filter((event) => event === "released").length
      )
    })
  )

  it.effect("6.2 a constructor takes arguments, and may be a function or an Effect", () =>
    Effect.gen(function* () {
      class Sum extends Actor.Service<Sum>()("test/Sum", {
        make: (a: number, b: number) => Effect.succeed({ get: () => Effect.succeed(a + b) })
      }) {}
      const sum = yield* Sum.spawn(1, 2)
      assert.strictEqual(yield* sum.get(), 3)
      const program = Effect.flatMap(Sum, (sum) => sum.get())
      assert.strictEqual(yield* Effect.provide(program, Sum.layerArgs(3, 4)), 7)
    })
  )

  it.effect("6.2 an implementation may be an object of a class", () =>
    Effect.gen(function* () {
      class Account {
        private balance = 0
        deposit(amount: number) {
          return Effect.sync(() => {
            this.balance += amount
            return this.balance
          })
        }
      }
      class Accounts extends Actor.Service<Accounts>()("test/Accounts", {
        make: Effect.sync(() => new Account() as Pick<Account, "deposit">)
      }) {}
      const account = yield* Accounts.spawn()
      yield* account.deposit(1)
      assert.strictEqual(yield* account.deposit(2), 3)
    })
  )
})

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

  it.effect("6.3 an actor that stopped before its Scope closes closes it at once", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const worker = yield* Scope.provide(Worker.spawn(), scope)
      yield* Actor.stop(worker)
      yield* Scope.close(scope, Exit.void)
      assert.deepInclude(yield* Actor.watch(worker), { why: "it was stopped" })
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
      assert.include(String(yield* defectOf(outside)), "troupe/ActorContext")
      const typed: Effect.Effect<never, never, ActorContext.ActorContext> = Actor.exit
      assert.isTrue(Effect.isEffect(typed))
    })
  )
})

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

describe("Actor.self", () => {
  class Hub extends Actor.Service<Hub>()("test/Hub", {
    make: Effect.sync(() => {
      const members: Array<Actor.AnyHandle> = []
      return {
        join: (member: Actor.AnyHandle) => Effect.sync(() => members.push(member)),
        members: () => Effect.succeed(members)
      }
    })
  }) {}

  it.effect("is the handle of the instance, from its methods and from fibers that outlive the constructor", () =>
    Effect.gen(function* () {
      class Member extends Actor.Service<Member>()("test/Member", { methods: { join: Actor.method() } }) {}
      const make = Effect.gen(function* () {
        const hub = yield* Hub
        yield* Effect.forkScoped(Effect.andThen(Effect.yieldNow, Effect.flatMap(Actor.self(Member), hub.join)))
        return Member.of({ join: () => Effect.orDie(Effect.asVoid(Effect.flatMap(Actor.self(Member), hub.join))) })
      })
      const hub = yield* Hub
      const member = yield* Member.toFactory(make).spawn()
      yield* member.join()
      yield* settle
      const members = yield* hub.members()
      assert.deepStrictEqual(
        members.map((one) => one === member),
        [true, true]
      )
    }).pipe(Effect.provide(Hub.layer))
  )

  it.effect("of a keyed actor is the address of its key", () =>
    Effect.gen(function* () {
      class Room extends Actor.Keyed<Room>()("test/Room", {
        key: Schema.String,
        methods: { me: Actor.method({ success: Schema.Any }), id: Actor.method({ success: Schema.String }) }
      }) {}
      const live = Room.toLayer((key) =>
        Effect.succeed(Room.of({ me: () => Actor.self(Room), id: () => Effect.succeed(key) }))
      )
      yield* Effect.gen(function* () {
        const room = yield* Room.get("a")
        const me: typeof room = yield* room.me()
        assert.isTrue(Equal.equals(me, room))
        assert.strictEqual(yield* me.id(), "a")
      }).pipe(Effect.provide(live))
    })
  )

  it.effect("is not there before the constructor has finished, nor inside another actor", () =>
    Effect.gen(function* () {
      class Early extends Actor.Service<Early>()("test/Early", { methods: { other: Actor.method() } }) {}
      const early = Early.toFactory(Effect.andThen(Actor.self(Early), Effect.die("unreachable")))
      assert.match(String(yield* defectOf(early.spawn())), /test\/Early: its handle is there once its constructor/)
      const lost = Effect.succeed(Early.of({ other: () => Effect.asVoid(Actor.self(Hub)) }))
      const other = yield* Early.toFactory(lost).spawn()
      assert.match(String(yield* defectOf(other.other())), /Actor.self\(test\/Hub\).*inside another actor, test\/Early/)
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
