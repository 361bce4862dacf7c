import { assert, describe, it } from "@effect/vitest"
import { Actor, type ActorError, ActorPool, ObjectRef } from "@troupe/core"
import { Deferred, Effect, Exit, Fiber, Latch, Random, Schedule, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { fork, Probe, range, reasonOf, seeded, settle } from "./support.ts"

type Run = Effect.Effect<any, any>

/** Its methods, and its finalizer, run whatever a test wants to run inside an actor. */
const Runner = {
  shutdownTimeout: 0,
  make: (finalizer: Run = Effect.void) =>
    Effect.as(
      Effect.addFinalizer(() => Effect.ignore(finalizer)),
      {
        f: (body: Run) => body,
        g: (body: Run) => body,
        echo: (value: unknown) => Effect.succeed(value),
        items: () => Stream.make(1, 2, 3)
      }
    )
}
class A extends Actor.Service<A>()("A", Runner) {}
class B extends Actor.Service<B>()("B", Runner) {}

const one = { maxConcurrency: 1 }

/** How an effect ends, at once: no clock moves in these tests. */
const exitOf = <X, E, R>(effect: Effect.Effect<X, E, R>): Effect.Effect<Exit.Exit<X, E>, never, R> =>
  Effect.gen(function* () {
    const fiber = yield* fork(Effect.exit(effect))
    yield* settle
    const exit = fiber.pollUnsafe()
    if (exit === undefined) return assert.fail("it hangs")
    return yield* exit
  }) as any

/** The cycle of the deadlock with which an effect fails, at once. */
const cycleOf = <X, E, R>(effect: Effect.Effect<X, E, R>): Effect.Effect<ReadonlyArray<string>, never, R> =>
  Effect.gen(function* () {
    const reason = yield* reasonOf(Effect.flatten(exitOf(effect) as any))
    return reason._tag === "Deadlock" ? reason.cycle : assert.fail(`expected a Deadlock, but got ${reason.message}`)
  }) as any

const found = <X, E, R>(effect: Effect.Effect<X, E, R>, told: Array<ActorError.Deadlock>): Effect.Effect<any, any, R> =>
  Effect.tapError(effect, (error: any) => Effect.sync(() => told.push(error.reason)))

describe("8.1 ends of instances", () => {
  for (const [what, how] of [
    ["stop", Actor.stop],
    ["watch", Actor.watch]
  ] as const) {
    it.effect(`${what} of an actor that stands in line for the permit of who waits`, () =>
      Effect.gen(function* () {
        const a = yield* A.options(one).spawn()
        const b = yield* B.options(one).spawn()
        const gate = Latch.makeUnsafe()
        const inner = yield* fork(Effect.exit(b.f(Effect.andThen(gate.await, a.echo(1)))))
        const outer = yield* fork(a.f(how(b) as Run))
        yield* gate.open
        yield* settle
        yield* Actor.stop(b)
        const cycle = yield* cycleOf(Effect.flatten(Fiber.join(inner)))
        assert.deepStrictEqual(cycle, ["A.f", "the end of B", "B.f", "A.echo (maxConcurrency 1)", "A.f"])
        yield* Fiber.join(outer)
      })
    )
  }

  it.effect("kill of an actor one of whose calls cannot be interrupted", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const b = yield* B.spawn()
      const inner = yield* fork(Effect.exit(b.f(Effect.uninterruptible(Effect.andThen(Effect.yieldNow, a.echo(1))))))
      yield* exitOf(a.f(Effect.andThen(settle, Actor.kill(b))))
      assert.include(String(yield* Fiber.join(inner)), "deadlock")
    })
  )

  it.effect("a finalizer that asks who waits for its end", () =>
    Effect.gen(function* () {
      const b = yield* B.options(one).spawn()
      const told: Array<ActorError.Deadlock> = []
      const a = yield* A.spawn(found(b.echo(1), told))
      yield* exitOf(b.f(Actor.stop(a)))
      assert.deepStrictEqual(told[0]!.cycle, ["B.f", "the end of A", "B.echo (maxConcurrency 1)", "B.f"])
    })
  )

  it.effect("so it is when the Scope of the actor closes", () =>
    Effect.gen(function* () {
      const b = yield* B.options(one).spawn()
      const told: Array<ActorError.Deadlock> = []
      const spawn = A.options({ shutdownTimeout: "1 hour" }).spawn(found(b.echo(1), told))
      yield* exitOf(b.f(Effect.scoped(spawn)))
      assert.strictEqual(told.length, 1)
    })
  )

  it.effect("a finalizer that waits for a call which stops its actor: the stop does not wait", () =>
    Effect.gen(function* () {
      const b = yield* B.spawn()
      const probe = new Probe()
      const a: A["Service"] = yield* A.spawn(Effect.suspend(() => b.f(Effect.andThen(Actor.stop(a), probe.note("on")))))
      yield* exitOf(Actor.stop(a))
      assert.deepStrictEqual(probe.log, ["on"])
    })
  )

  it.effect("a call that watches its own actor hears that it is stopped, and lets it end", () =>
    Effect.gen(function* () {
      const a = yield* A.spawn()
      const watching = yield* fork(a.f(Effect.map(Actor.watch(a), ({ why }) => why)))
      yield* settle
      yield* exitOf(Actor.stop(a))
      assert.strictEqual(yield* Fiber.join(watching), "it was stopped")
    })
  )

  it.effect("an uninterruptible call that cancels itself", () =>
    Effect.gen(function* () {
      const a = yield* A.spawn()
      const own = yield* Deferred.make<ReadonlyArray<ObjectRef.Any>>()
      const cancel = Effect.flatMap(Deferred.await(own), ([ref]) => ObjectRef.cancel(ref!))
      const ref: ObjectRef.Any = yield* a.f.remote(Effect.uninterruptible(cancel))
      yield* Deferred.succeed(own, [ref])
      yield* exitOf(ref as Run)
    })
  )
})

describe("8.1 keys, constructors and restarts", () => {
  /** Its constructor, and its finalizer, run what a test wants. */
  class Doc extends Actor.Keyed<Doc>()("Doc", {
    shutdownTimeout: 0,
    make: (key: string) =>
      Effect.gen(function* () {
        yield* Effect.addFinalizer(() => Effect.ignore(bodies.get(`end ${key}`) ?? Effect.void))
        yield* bodies.get(key) ?? Effect.void
        return { run: (body: Run) => body }
      })
  }) {}
  let bodies = new Map<string, Run>()

  interface Docs {
    get(key: string): { run(body: Run): Run }
    stop(key: string): Effect.Effect<void>
  }

  const test = (name: string, body: (docs: Docs) => Effect.Effect<void, any, Scope.Scope>) =>
    it.effect(name, () => {
      bodies = new Map()
      return Effect.provide(
        Effect.gen(function* () {
          return yield* body(yield* Doc)
        }),
        Doc.layer
      )
    })

  test("a finalizer that asks its own key", (docs) =>
    Effect.gen(function* () {
      const told: Array<ActorError.Deadlock> = []
      yield* docs.get("d").run(Effect.void)
      bodies.set("end d", found(docs.get("d").run(Effect.void), told))
      yield* exitOf(docs.stop("d"))
      assert.deepStrictEqual(told[0]!.cycle, [
        "the start of Doc(d)",
        "the end of Doc(d)",
        "Doc(d).run",
        "the start of Doc(d)"
      ])
      bodies.clear()
      yield* exitOf(docs.get("d").run(Effect.void))
    }))

  test("a constructor that asks its own key", (docs) =>
    Effect.gen(function* () {
      const told: Array<ActorError.Deadlock> = []
      bodies.set("d", Effect.ignore(found(docs.get("d").run(Effect.void), told)))
      yield* exitOf(docs.get("d").run(Effect.void))
      assert.deepStrictEqual(told[0]!.cycle, ["the start of Doc(d)", "Doc(d).run", "the start of Doc(d)"])
    }))

  test("constructors of two keys that ask each other", (docs) =>
    Effect.gen(function* () {
      bodies.set("a", docs.get("b").run(Effect.void))
      bodies.set("b", docs.get("a").run(Effect.void))
      const exit = yield* exitOf(docs.get("a").run(Effect.void) as Run)
      assert.include(String(exit), "its constructor failed")
      assert.include(String(exit), "the start of Doc(a) -> Doc(b).run -> the start of Doc(b) -> Doc(a).run")
    }))

  test("a constructor that asks the actor that waits for it", (docs) =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const told: Array<ActorError.Deadlock> = []
      bodies.set("d", Effect.ignore(found(a.echo(1), told)))
      yield* exitOf(a.f(docs.get("d").run(Effect.void)))
      assert.deepStrictEqual(told[0]!.cycle, [
        "A.f",
        "Doc(d).run",
        "the start of Doc(d)",
        "A.echo (maxConcurrency 1)",
        "A.f"
      ])
    }))

  it.effect("a constructor that asks the method that spawns it", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      class Child extends Actor.Service<Child>()("Child", { make: Effect.as(a.echo(1), {}) }) {}
      const cycle = yield* cycleOf(a.f(Effect.scoped(Effect.asVoid(Child.spawn()))))
      assert.deepStrictEqual(cycle, ["A.f", "the start of Child", "A.echo (maxConcurrency 1)", "A.f"])
    })
  )

  it.effect("a finalizer of the only member of a pool that gives it work: it is told, and the pool heals", () =>
    Effect.gen(function* () {
      const told: Array<ActorError.Deadlock> = []
      const work: Run = Effect.suspend(() => pool.run((a) => a.echo(1)))
      const pool = yield* ActorPool.make({ spawn: A.spawn(Effect.ignore(found(work, told))), size: 1 })
      const [member] = yield* pool.members
      yield* exitOf(Actor.kill(member!))
      assert.deepStrictEqual(told[0]!.cycle, [
        "a member of the pool",
        "the end of A",
        "ActorPool",
        "a member of the pool"
      ])
      assert.deepStrictEqual(yield* exitOf(work), Exit.succeed(1))
    })
  )

  it.effect("a constructor, and a finalizer, that wants the actor of its own name", () =>
    Effect.gen(function* () {
      const causes: Array<string> = []
      const spawn = (options: object): Run =>
        Effect.suspend(() => (Named as any).options({ name: "one", ...options }).spawn())
      const caught = Effect.catchCause(spawn({ getIfExists: true }), (cause) =>
        Effect.sync(() => causes.push(String(cause)))
      ) as Effect.Effect<unknown>
      class Named extends Actor.Service<Named>()("Named", {
        make: Effect.gen(function* () {
          yield* caught
          yield* Effect.addFinalizer(() => caught)
          return { hi: () => Effect.void }
        })
      }) {}
      assert.isTrue(Exit.isSuccess(yield* exitOf(Effect.scoped(spawn({})))))
      assert.include(causes[0], "the start of Named -> the start of Named")
      assert.include(causes[1], "the end of Named -> the end of Named")
    })
  )

  it.effect("a restart that waits for a call which cannot be interrupted, and asks the actor", () =>
    Effect.gen(function* () {
      const a = yield* A.options({ restart: Schedule.forever }).spawn()
      const gate = Latch.makeUnsafe()
      const stuck = yield* fork(a.f(Effect.uninterruptible(Effect.andThen(gate.await, a.echo(1)))))
      yield* Effect.exit(a.g(Effect.die("bug")))
      yield* gate.open
      const cycle = yield* cycleOf(Fiber.join(stuck))
      assert.deepStrictEqual(cycle, ["the start of A", "A.f", "A.echo", "the start of A"])
      assert.strictEqual(yield* a.echo(1), 1)
    })
  )

  it.effect("a constructor that, in a restart, asks who waits for the actor", () =>
    Effect.gen(function* () {
      const b = yield* B.spawn()
      let lives = 0
      class Again extends Actor.Service<Again>()("Again", {
        restart: Schedule.recurs(1),
        make: Effect.suspend(() => {
          const methods = { die: () => Effect.die("bug"), hi: () => Effect.void }
          return Effect.as(++lives === 1 ? Effect.void : b.f(again.hi()), methods)
        })
      }) {}
      const again: { hi(): Run; die(): Run } = yield* Again.spawn()
      yield* Effect.exit(again.die())
      const death = yield* exitOf(Actor.watch(again as any))
      assert.include(String(death), "its constructor failed")
    })
  )
})

describe("8.1 readers of streams", () => {
  const feed = A.options(one)

  it.effect("who reads a stream and asks the actor that streams", () =>
    Effect.gen(function* () {
      const a = yield* feed.spawn()
      const cycle = yield* cycleOf(Stream.runForEach(a.items(), (n) => a.echo(n)))
      assert.deepStrictEqual(cycle, ["A.items", "the reader of A.items", "A.echo (maxConcurrency 1)", "A.items"])
      assert.strictEqual(yield* a.echo(1), 1, "the actor goes on")
    })
  )

  it.effect("so in a method, which the message names", () =>
    Effect.gen(function* () {
      const a = yield* feed.spawn()
      const b = yield* B.spawn()
      const cycle = yield* cycleOf(b.f(Stream.runForEach(a.items(), (n) => a.echo(n))))
      assert.deepStrictEqual(cycle, ["A.items", "B.f", "A.echo (maxConcurrency 1)", "A.items"])
    })
  )

  it.effect("so with a ref, through another actor, and for want of room", () =>
    Effect.gen(function* () {
      const a = yield* feed.spawn()
      const b = yield* B.spawn()
      const byRef = (n: number) => Effect.flatMap(a.echo.remote(n), (ref) => ref as Run)
      yield* cycleOf(Stream.runForEach(a.items(), byRef))
      yield* cycleOf(Stream.runForEach(a.items(), (n) => b.f(a.echo(n))))
      const crowded = yield* A.options({ maxPendingCalls: 1, overflow: "suspend" }).spawn()
      yield* cycleOf(Stream.runForEach(crowded.items(), (n) => crowded.echo(n)))
    })
  )

  it.effect("two streams of one reader, at one permit", () =>
    Effect.gen(function* () {
      const a = yield* feed.spawn()
      yield* cycleOf(Stream.runForEach(a.items(), () => Stream.runDrain(a.items())))
    })
  )

  it.effect("who reads a stream and stops the actor that streams does not wait for it", () =>
    Effect.gen(function* () {
      const a = yield* A.spawn()
      assert.isTrue(Exit.isSuccess(yield* exitOf(Stream.runForEach(a.items(), () => Actor.stop(a)))))
      yield* Actor.watch(a)
    })
  )
})

describe("8.1 no false alarm", () => {
  const goesOn = <X>(effect: Effect.Effect<X, any, any>, gate: Effect.Effect<unknown>, expected: X) =>
    Effect.gen(function* () {
      const fiber = yield* fork(effect)
      yield* settle
      assert.isUndefined(fiber.pollUnsafe())
      yield* gate
      assert.deepStrictEqual(yield* Fiber.join(fiber), expected)
    })

  it.effect("where the actor that ends has something to do", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const probe = new Probe()
      const b = yield* B.spawn(probe.gate("end"))
      yield* b.f.remote(probe.gate("call"))
      const both = Effect.andThen(probe.open("call"), Effect.andThen(settle, probe.open("end")))
      yield* goesOn(a.f(Effect.as(Actor.stop(b), "stopped")), both, "stopped")
    })
  )

  it.effect("where an actor is watched that nobody ends yet", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const b = yield* B.spawn()
      const watched = a.f(Effect.map(Actor.watch(b), ({ why }) => why))
      yield* goesOn(watched, Actor.stop(b), "it was stopped")
    })
  )

  it.effect("where the Scope that closes will kill what is stuck", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const scope = yield* Scope.make()
      const b = yield* Scope.provide(B.options({ shutdownTimeout: "1 second" }).spawn(), scope)
      const gate = Latch.makeUnsafe()
      const inner = yield* b.f.remote(Effect.andThen(gate.await, a.echo(1)))
      const close = a.f(Effect.as(Scope.close(scope, Exit.void), "closed"))
      yield* gate.open
      yield* goesOn(close, TestClock.adjust("1 second"), "closed")
      assert.strictEqual((yield* reasonOf(inner as Run))._tag, "ActorDied")
    })
  )

  it.effect("where a constructor has something to do", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const probe = new Probe()
      class Slow extends Actor.Keyed<Slow>()("Slow", {
        make: (_: string) => Effect.as(probe.gate("made"), { hi: () => Effect.succeed("hi") })
      }) {}
      const hi = Effect.gen(function* () {
        const slow = yield* Slow
        return yield* a.f(slow.get("k").hi())
      })
      yield* Effect.provide(goesOn(hi, probe.open("made"), "hi"), Slow.layer)
    })
  )

  it.effect("where who reads a stream goes on, or leaves it to a fiber of its own", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const probe = new Probe()
      const queued = yield* a.echo.remote("later")
      const reading = Effect.andThen(
        Stream.runForEach(a.items(), () => probe.gate("item")),
        queued as Run
      )
      yield* goesOn(reading, probe.open("item"), "later")
      const ahead = Stream.runForEach(Stream.buffer(a.items(), { capacity: 8 }), (n) => a.echo(n))
      assert.isTrue(Exit.isSuccess(yield* exitOf(ahead)))
    })
  )

  it.effect("where calls that were told to end do end", () =>
    Effect.gen(function* () {
      const a = yield* A.options({ maxConcurrency: 2 }).spawn()
      const b = yield* B.options(one).spawn()
      const first = yield* b.f.remote(a.f(Effect.never))
      const second = yield* a.f.remote(b.echo(1))
      yield* settle
      yield* exitOf(Effect.all([ObjectRef.cancel(first), ObjectRef.cancel(second)], { concurrency: "unbounded" }))
      assert.strictEqual(yield* b.echo(1), 1)
    })
  )
})

describe("8.1 at random, with ends", () => {
  type Step =
    | { readonly _tag: "ask" | "remote"; readonly to: number; readonly steps: ReadonlyArray<Step> }
    | { readonly _tag: "stop" | "kill" | "watch" | "read"; readonly to: number }
    | { readonly _tag: "pause" }

  const stepsOf = (depth: number): Effect.Effect<ReadonlyArray<Step>> =>
    Effect.gen(function* () {
      const steps: Array<Step> = []
      const count = yield* Random.nextIntBetween(1, 3)
      for (let i = 0; i < count; i++) {
        const dice = yield* Random.nextIntBetween(0, 20)
        const to = yield* Random.nextIntBetween(0, 2)
        if (dice < 10 && depth > 0)
          steps.push({ _tag: dice < 7 ? "ask" : "remote", to, steps: yield* stepsOf(depth - 1) })
        else if (dice < 14) steps.push({ _tag: "pause" })
        else steps.push({ _tag: (["read", "read", "read", "stop", "stop", "kill"] as const)[dice - 14] ?? "stop", to })
      }
      return steps
    })

  const perform = (actors: ReadonlyArray<A["Service"]>, steps: ReadonlyArray<Step>): Run =>
    Effect.forEach(
      steps,
      (step): Run => {
        if (step._tag === "pause") return Effect.yieldNow
        const to = actors[step.to]!
        switch (step._tag) {
          case "ask":
            return Effect.ignore(to.f(perform(actors, step.steps)))
          case "remote":
            return Effect.ignore(Effect.flatMap(to.f.remote(perform(actors, step.steps)), (ref) => ref as Run))
          case "read":
            return Effect.ignore(Stream.runForEach(to.items(), () => Effect.ignore(to.echo(1))))
          default:
            return Actor[step._tag](to)
        }
      },
      { discard: true }
    )

  it.effect("calls that ask, read, stop and kill never hang, nor do finalizers that ask", () =>
    seeded(
      Effect.gen(function* () {
        for (let round = 0; round < 200; round++) {
          const programs = yield* Effect.forEach(range(4), () => stepsOf(3))
          const finalizers = yield* Effect.forEach(range(3), () => stepsOf(1))
          const limits = yield* Effect.forEach(range(3), () => Random.nextIntBetween(1, 3))
          const scope = yield* Scope.make()
          const actors: Array<A["Service"]> = []
          for (const i of range(3)) {
            const end = Effect.suspend(() => perform(actors, finalizers[i]!))
            actors.push(yield* Scope.provide(A.options({ maxConcurrency: limits[i]! }).spawn(end), scope))
          }
          const fibers = yield* Effect.forEach(programs, (steps) => fork(Effect.exit(perform(actors, steps))))
          for (let turn = 0; turn < 50 && fibers.some((fiber) => fiber.pollUnsafe() === undefined); turn++)
            yield* settle
          assert.isTrue(
            fibers.every((fiber) => fiber.pollUnsafe() !== undefined),
            `round ${round} hangs: limits ${limits}, ${JSON.stringify({ programs, finalizers })}`
          )
          const closed = yield* fork(Scope.close(scope, Exit.void))
          for (let turn = 0; turn < 50 && closed.pollUnsafe() === undefined; turn++) yield* settle
          assert.isDefined(
            closed.pollUnsafe(),
            `round ${round} does not close: ${JSON.stringify({ programs, finalizers })}`
          )
        }
      })
    )
  )
})
