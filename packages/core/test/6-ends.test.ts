import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorPool, ActorSystem, ObjectRef } from "@troupe/core"
import { Cause, Effect, Exit, Fiber, Latch, Schedule, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { defectOf, fork, Probe, reasonOf, settle } from "./support.ts"

type Run = Effect.Effect<any, any>

/** Logs its end, which takes until the probe opens it. */
class Host extends Actor.Service<Host>()("Host", {
  shutdownTimeout: 0,
  make: (probe: Probe) =>
    Effect.as(
      Effect.addFinalizer(() => Effect.ignore(probe.work("end"))),
      {
        run: (body: Run) => body,
        stream: (body: Run) => Stream.fromEffect(body)
      }
    )
}) {}

/** Does for others what they want it to do. */
class Helper extends Actor.Service<Helper>()("Helper", {
  shutdownTimeout: 0,
  make: Effect.succeed({ run: (body: Run) => body })
}) {}

/** A host whose end has to be opened, and a helper. */
const scene = Effect.gen(function* () {
  const probe = new Probe()
  return { probe, host: yield* Host.spawn(probe), helper: yield* Helper.spawn() }
})

/** Checks that `stopped` waits until the finalizers of the host have run. */
const waitsForTheEnd = (probe: Probe, stopped: Fiber.Fiber<unknown, unknown>) =>
  Effect.gen(function* () {
    yield* settle
    assert.deepStrictEqual(probe.log, ["end start"])
    assert.isUndefined(stopped.pollUnsafe(), "the finalizers have not run")
    yield* probe.open("end")
    yield* Fiber.join(stopped)
    assert.deepStrictEqual(probe.log, ["end start", "end end"])
  })

describe("6.3 stop from inside", () => {
  for (const [end, how] of [
    ["stop", Actor.stop],
    ["kill", Actor.kill]
  ] as const) {
    it.effect(`6.3 ${end} by what a method has left behind waits for the finalizers, once its call has settled`, () =>
      Effect.gen(function* () {
        const { helper, host, probe } = yield* scene
        const go = Latch.makeUnsafe()
        const left = (ending: Run) =>
          host.run(Effect.forkDetach(Effect.andThen(go.await, ending))) as Effect.Effect<Fiber.Fiber<void>, any>
        const direct = yield* left(how(host))
        const through = yield* left(helper.run(how(host)))
        yield* go.open
        yield* settle
        assert.isUndefined(direct.pollUnsafe())
        yield* waitsForTheEnd(probe, through)
        yield* Fiber.join(direct)
      })
    )
  }

  it.effect("6.3 stop by a call that was submitted and left alone waits for the finalizers", () =>
    Effect.gen(function* () {
      const { helper, host, probe } = yield* scene
      const ref = (yield* host.run(Effect.map(helper.run.remote(Actor.stop(host)), (ref) => [ref]))) as [
        ObjectRef.ObjectRef<void>
      ]
      yield* waitsForTheEnd(probe, yield* fork(Effect.suspend(() => ref[0])))
    })
  )

  it.effect("6.3 so it does while the call that submitted it runs on without waiting for it", () =>
    Effect.gen(function* () {
      const { helper, host, probe } = yield* scene
      const gate = Latch.makeUnsafe()
      const refs: Array<ObjectRef.ObjectRef<void>> = []
      const body = Effect.gen(function* () {
        refs.push((yield* helper.run.remote(Actor.stop(host))) as any)
        yield* gate.await
      })
      const running = yield* fork(host.run(body))
      const stopped = yield* fork(Effect.suspend(() => refs[0]!))
      yield* settle
      assert.isUndefined(stopped.pollUnsafe(), "the instance is up still")
      yield* gate.open
      yield* Fiber.join(running)
      yield* waitsForTheEnd(probe, stopped)
    })
  )

  it.effect("6.3 who is waited for only later goes on as soon as it is", () =>
    Effect.gen(function* () {
      const { helper, host, probe } = yield* scene
      const gate = Latch.makeUnsafe()
      const body = Effect.gen(function* () {
        const ref: Run = (yield* Effect.map(helper.run.remote(Actor.stop(host)), (ref) => [ref]))[0] as any
        yield* gate.await
        yield* ref
        return yield* probe.note("went on")
      })
      const running = yield* fork(host.run(body))
      yield* settle
      yield* gate.open
      yield* Fiber.join(running)
      yield* settle
      assert.deepStrictEqual(probe.log, ["went on", "end start"])
      yield* probe.open("end")
    })
  )

  for (const [where, inside] of [
    ["in the method itself", (_: Helper["Service"], stop: Run): Run => stop],
    ["in what the method has forked and joins", (_, stop) => Effect.flatMap(Effect.forkChild(stop), Fiber.join)],
    ["in what the method has detached and joins", (_, stop) => Effect.flatMap(Effect.forkDetach(stop), Fiber.join)],
    ["in an ask of the method", (helper, stop) => helper.run(stop)],
    ["in an ask of an ask", (helper, stop) => helper.run(helper.run(stop))],
    ["in a ref that it waits for", (helper, stop) => Effect.flatMap(helper.run.remote(stop), (ref) => ref as Run)],
    [
      "in one of several asks",
      (helper, stop) => Effect.all([helper.run(stop), helper.run(Effect.void)], { concurrency: "unbounded" })
    ],
    ["under a timeout", (helper, stop) => Effect.timeout(helper.run(stop), "1 hour")]
  ] as ReadonlyArray<readonly [string, (helper: Helper["Service"], stop: Run) => Run]>) {
    it.effect(`6.3 stop does not wait for itself ${where}`, () =>
      Effect.gen(function* () {
        const { helper, host, probe } = yield* scene
        const body = inside(helper, Actor.stop(host))
        yield* host.run(Effect.andThen(body, probe.note("went on")))
        yield* settle
        assert.deepStrictEqual(probe.log, ["went on", "end start"])
        yield* probe.open("end")
        yield* Actor.watch(host)
      })
    )
  }

  it.effect("6.3 two that stop each other both end", () =>
    Effect.gen(function* () {
      const a = yield* Helper.spawn()
      const b = yield* Helper.spawn()
      const gate = Latch.makeUnsafe()
      const first = yield* fork(a.run(Effect.andThen(gate.await, Actor.stop(b))))
      const second = yield* fork(b.run(Effect.andThen(gate.await, Actor.stop(a))))
      yield* gate.open
      yield* Effect.all([Fiber.join(first), Fiber.join(second), Actor.watch(a), Actor.watch(b)])
    })
  )

  it.effect("6.3 a child may stop its parent, which waits for the child", () =>
    Effect.gen(function* () {
      let child: Helper["Service"] | undefined
      class Parent extends Actor.Service<Parent>()("Parent", {
        make: Effect.gen(function* () {
          child = yield* Helper.options({ shutdownTimeout: "1 hour" }).spawn()
          return {}
        })
      }) {}
      const parent = yield* Parent.spawn()
      yield* child!.run(Actor.stop(parent))
      yield* Actor.watch(parent)
    })
  )

  it.effect("6.3 a method may close the Scope of its own instance", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const scope = yield* Scope.make()
      const host = yield* Scope.provide(Host.options({ shutdownTimeout: "1 hour" }).spawn(probe), scope)
      yield* probe.open("end")
      yield* host.run(Effect.uninterruptible(Scope.close(scope, Exit.void)))
      yield* Actor.watch(host)
    })
  )

  class Cart extends Actor.Keyed<Cart>()("Cart", {
    shutdownTimeout: 0,
    make: (_: string) => Effect.succeed({ run: (body: Run) => body })
  }) {}

  for (const [end, how] of [
    ["stop", (carts: any, key: string) => carts.stop(key)],
    ["Actor.stop", (carts: any, key: string) => Actor.stop(carts.get(key))],
    ["Actor.kill", (carts: any, key: string) => Effect.exit(Actor.kill(carts.get(key)))]
  ] as const) {
    it.effect(
      `6.3 ${end} of a key inside its own method does not wait for itself, and the next call makes it anew`,
      () =>
        Effect.gen(function* () {
          const carts = yield* Cart
          yield* Effect.exit(carts.get("a").run(how(carts, "a")))
          assert.strictEqual(yield* carts.get("a").run(Effect.succeed(1)), 1)
          yield* Effect.exit(carts.get("a").run(carts.get("b").run(how(carts, "a"))))
          assert.strictEqual(yield* carts.get("a").run(Effect.succeed(2)), 2)
        }).pipe(Effect.provide(Cart.layer))
    )
  }

  it.effect("6.3 a constructor and a finalizer may stop their own key", () =>
    Effect.gen(function* () {
      let all: { get(key: string): { hi(): Run }; stop(key: string): Effect.Effect<void> } | undefined
      let made = 0
      class Self extends Actor.Keyed<Self>()("Self", {
        shutdownTimeout: 0,
        make: (key: string) =>
          Effect.gen(function* () {
            const stop = Effect.suspend(() => all!.stop(key))
            yield* Effect.addFinalizer(() => stop)
            if (++made === 1) yield* stop
            return { hi: () => Effect.succeed(made) }
          })
      }) {}
      yield* Effect.gen(function* () {
        all = yield* Self
        yield* Effect.exit(all.get("k").hi())
        yield* all.stop("k")
        assert.strictEqual(yield* all.get("k").hi(), 2)
        yield* all.stop("k")
      }).pipe(Effect.provide(Self.layer))
    })
  )

  it.effect("6.3 a name is free when a stop by what the instance has left behind has returned", () =>
    Effect.gen(function* () {
      const Named = Helper.options({ name: "one" })
      const first = yield* Named.spawn()
      const scope = yield* Effect.scope
      const again = Effect.andThen(Actor.stop(first), Scope.provide(Named.spawn(), scope))
      const left = Effect.forkDetach(Effect.andThen(Effect.yieldNow, again))
      const fiber = (yield* first.run(left)) as Effect.Success<typeof left>
      assert.notStrictEqual(yield* Fiber.join(fiber), first)
    }).pipe(Effect.provide(ActorSystem.layer))
  )
})

describe("6.3 a family", () => {
  /** Owns what `make` spawns, and logs what becomes of the call of each. */
  const long = (probe: Probe, id: string) => Effect.ignore(probe.work(id))

  const Child = Helper.options({ shutdownTimeout: "1 hour" })

  const familyOf = (probe: Probe) => {
    class Son extends Actor.Service<Son>()("Son", {
      shutdownTimeout: "1 hour",
      make: Effect.gen(function* () {
        const child = yield* Child.spawn()
        yield* child.run.remote(long(probe, "grandchild"))
        return { run: (body: Run) => body }
      })
    }) {}
    class Parent extends Actor.Service<Parent>()("Parent", {
      shutdownTimeout: "1 hour",
      restart: Schedule.recurs(1),
      make: Effect.gen(function* () {
        const son = yield* Son.spawn()
        yield* son.run.remote(long(probe, "child"))
        return { run: (body: Run) => body, exit: () => Actor.exit, ok: () => Effect.void }
      })
    }) {}
    return Parent
  }

  it.effect("6.3 kill ends what the children of the instance run at once, three levels deep", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const parent = yield* familyOf(probe).spawn()
      yield* settle
      yield* Actor.kill(parent)
      assert.deepStrictEqual(probe.log, ["grandchild start", "child start", "child cut", "grandchild cut"])
    })
  )

  it.effect("6.7 so does a restart, and what its children run says why it ended", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const parent = yield* familyOf(probe).spawn()
      yield* settle
      yield* Effect.exit(parent.run(Effect.die("bug")))
      yield* parent.ok()
      yield* settle
      assert.deepStrictEqual(probe.log.slice(2, 6), ["child cut", "grandchild cut", "grandchild start", "child start"])
      yield* Actor.kill(parent)
    })
  )

  it.effect("6.3 kill hastens children that are stopping already", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const parent = yield* familyOf(probe).spawn()
      yield* settle
      const stopped = yield* fork(Actor.stop(parent))
      yield* settle
      assert.deepStrictEqual(probe.log, ["grandchild start", "child start"])
      yield* Actor.kill(parent)
      yield* Fiber.join(stopped)
      assert.deepStrictEqual(probe.log.slice(2), ["child cut", "grandchild cut"])
    })
  )

  it.effect("6.3 so does the shutdownTimeout of the parent: it is not given once more to each level", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const scope = yield* Scope.make()
      yield* Scope.provide(familyOf(probe).options({ shutdownTimeout: 0 }).spawn(), scope)
      yield* settle
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(probe.log.slice(2), ["child cut", "grandchild cut"])
    })
  )

  it.effect("6.3 stop and Actor.exit let what the children run finish", () =>
    Effect.gen(function* () {
      for (const end of ["stop", "exit"] as const) {
        const probe = new Probe()
        const parent = yield* familyOf(probe).spawn()
        yield* settle
        const ended = yield* fork(end === "stop" ? Actor.stop(parent) : Effect.exit(parent.exit()))
        yield* settle
        yield* probe.open("child", "grandchild")
        yield* Fiber.join(ended)
        yield* Actor.watch(parent)
        assert.deepStrictEqual(probe.log.slice(2), ["child end", "grandchild end"])
      }
    })
  )

  it.effect("6.3 kill ends pools, keyed actors and what its methods have started, too", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      class Part extends Actor.Keyed<Part>()("Part", {
        shutdownTimeout: "1 hour",
        make: (_: string) => Effect.succeed({ run: (body: Run) => body })
      }) {}
      class Owner extends Actor.Service<Owner>()("Owner", {
        make: Effect.gen(function* () {
          const pool = yield* ActorPool.make({ spawn: Child.spawn(), size: 1 })
          yield* pool.remote((member) => member.run(long(probe, "pool")))
          const parts = yield* Part
          yield* parts.get("k").run.remote(long(probe, "key"))
          const temporary = Effect.flatMap(Child.spawn(), (child) =>
            child.run(Effect.uninterruptible(long(probe, "own")))
          )
          return { temporary: () => Effect.scoped(temporary) }
        }).pipe(Effect.provide(Part.layer, { local: true })) as any
      }) {}
      const owner: { temporary: { remote(): Run } } = (yield* Owner.spawn()) as any
      yield* owner.temporary.remote()
      yield* settle
      const killed = yield* fork(Actor.kill(owner as any))
      yield* settle
      yield* probe.open("own")
      yield* Fiber.join(killed)
      assert.includeMembers(probe.log, ["pool start", "key start", "own start", "own end"])
      assert.notInclude(probe.log, "pool end")
    })
  )

  it.effect("6.3 children of a cancelled call stop as with any Scope: their calls finish", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const helper = yield* Helper.spawn()
      const body = Effect.scoped(
        Effect.gen(function* () {
          const child = yield* Child.spawn()
          yield* child.run.remote(long(probe, "detached"))
          return yield* Effect.never
        })
      )
      const ref = yield* helper.run.remote(body)
      yield* settle
      const cancelled = yield* fork(ObjectRef.cancel(ref, { recursive: false }))
      yield* settle
      assert.deepStrictEqual(probe.log, ["detached start"])
      yield* probe.open("detached")
      yield* Fiber.join(cancelled)
      assert.deepStrictEqual(probe.log, ["detached start", "detached end"])
    })
  )
})

describe("6.7 the last crash", () => {
  const Fragile = Helper.options({ onDefect: "restart", restart: Schedule.recurs(0) })

  it.effect("6.7 tells the calls that run beside it that the actor died, and when its schedule takes time, too", () =>
    Effect.gen(function* () {
      const slow = Schedule.fromStep(Effect.succeed(() => Effect.andThen(Effect.yieldNow, Cause.done())))
      for (const restart of [Schedule.recurs(0), slow]) {
        const actor = yield* Helper.options({ onDefect: "restart", restart }).spawn()
        const beside = yield* actor.run.remote(Effect.never)
        yield* settle
        yield* Effect.exit(actor.run(Effect.die("bug")))
        const reason = yield* reasonOf(beside)
        assert.strictEqual(reason._tag, "ActorDied")
        assert.include(reason.message, "its restart schedule ended (bug)")
      }
    })
  )

  it.effect("6.7 the call that crashed fails with its defect", () =>
    Effect.gen(function* () {
      const actor = yield* Fragile.spawn()
      assert.strictEqual(yield* defectOf(actor.run(Effect.die("bug"))), "bug")
    })
  )

  it.effect("6.7 a constructor that fails in the last restart is named as the reason", () =>
    Effect.gen(function* () {
      let lives = 0
      class Once extends Actor.Service<Once>()("Once", {
        restart: Schedule.recurs(1),
        make: Effect.suspend(() =>
          ++lives === 1 ? Effect.succeed({ die: () => Effect.die("bug") }) : Effect.die("no second life")
        )
      }) {}
      const once = yield* Once.spawn()
      yield* Effect.exit(once.die())
      const death = yield* Actor.watch(once)
      assert.include(death.message, "its constructor failed, and its restart schedule ended (no second life)")
    })
  )
})

describe("9.1 what ends a call says which one", () => {
  it.effect("9.1 a cancelled, an expired and a killed call carry the number of their ref", () =>
    Effect.gen(function* () {
      const helper = yield* Helper.spawn()
      const cancelled = yield* helper.run.remote(Effect.never)
      const expired = yield* helper.run.options({ timeout: "1 second" }).remote(Effect.never)
      const killed = yield* helper.run.remote(Effect.never)
      yield* settle
      yield* ObjectRef.cancel(cancelled)
      yield* TestClock.adjust("1 second")
      yield* Actor.kill(helper)
      for (const ref of [cancelled, expired, killed]) {
        const reason: any = yield* reasonOf(ref as Run)
        assert.strictEqual(reason.id, ref.id)
        assert.match(reason.message, new RegExp(`^Helper\\.run #${ref.id}: `))
      }
      const rejection = yield* Effect.flip(Effect.tryPromise({ try: () => cancelled.then(), catch: (e: any) => e }))
      assert.include(String(rejection), `Helper.run #${cancelled.id}: the call was cancelled while it ran`)
    })
  )
})
