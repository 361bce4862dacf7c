import { assert, describe, it } from "@effect/vitest"
import { Actor } from "@troupe/core"
import { Context, Effect, Equal, Exit, Fiber, Layer, Schema, Scope } from "effect"
import { Diary, defectOf, errorOf, fork, Probe, range, reasonOf, settle } from "./support.ts"

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
