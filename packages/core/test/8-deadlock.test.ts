import { assert, describe, it } from "@effect/vitest"
import { Actor, type ActorError, ActorPool, ObjectRef, Task } from "@troupe/core"
import { Cause, Deferred, Effect, Exit, Fiber, Latch, Random, Schedule, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { fork, Probe, range, reasonOf, seeded, settle } from "./support.ts"

type Run = Effect.Effect<any, any>

/** Its methods run whatever a test wants to run inside an actor. */
const Runner = {
  shutdownTimeout: 0,
  make: Effect.succeed({
    f: (body: Run) => body,
    g: (body: Run) => body,
    echo: (value: unknown) => Effect.succeed(value),
    stream: (body: Run) => Stream.fromEffect(body)
  })
} as const
class A extends Actor.Service<A>()("A", Runner) {}
class B extends Actor.Service<B>()("B", Runner) {}

const one = { maxConcurrency: 1 }

/** Its method g has a permit of its own. */
class Grouped extends Actor.Service<Grouped>()("A", {
  ...Runner,
  ...one,
  concurrencyGroups: { io: { maxConcurrency: 1, methods: ["g"] } }
}) {}

/** The deadlock with which an effect fails, at once: no clock moves in these tests. */
const deadlockOf = <X, E, R>(effect: Effect.Effect<X, E, R>): Effect.Effect<ActorError.Deadlock, never, R> =>
  Effect.gen(function* () {
    const fiber = yield* fork(Effect.exit(effect))
    yield* settle
    const exit = fiber.pollUnsafe()
    if (exit === undefined) return assert.fail("it hangs")
    const reason = yield* reasonOf(Effect.flatten(exit as any))
    return reason._tag === "Deadlock" ? reason : assert.fail(`expected a Deadlock, but got ${reason.message}`)
  }) as any

/** Whether an effect waits still, when everything has run that can. */
const hangs = <X, E, R>(effect: Effect.Effect<X, E, R>): Effect.Effect<boolean, never, R | Scope.Scope> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkScoped(effect, { startImmediately: true })
    yield* settle
    return fiber.pollUnsafe() === undefined
  })

describe("8.1 what is found", () => {
  it.effect("a call that asks its own actor, when the limit has shrunk to what it holds", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const a = yield* A.options({ maxConcurrency: 3 }).spawn()
      const holders = yield* Effect.forEach(["1", "2"], (id) => a.f.remote(probe.work(id)))
      const asker = yield* a.f.remote(a.echo("in line"))
      yield* settle
      yield* Actor.resize(a, 1)
      yield* probe.open("1", "2")
      yield* ObjectRef.all(holders)
      yield* settle
      assert.strictEqual((yield* reasonOf(asker))._tag, "Deadlock")
      assert.strictEqual(yield* a.echo("after it"), "after it")
    })
  )

  it.effect("a call at limit 1 that calls its own actor", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const deadlock = yield* deadlockOf(a.f(a.f(Effect.void)))
      assert.deepStrictEqual(deadlock.cycle, ["A.f", "A.f (maxConcurrency 1)"])
      assert.strictEqual(
        deadlock.message,
        "A.f: deadlock, these calls wait for each other: A.f -> A.f (maxConcurrency 1). " +
          "Raise maxConcurrency, or do not wait inside the cycle."
      )
      assert.strictEqual(yield* a.echo(1), 1, "the actor goes on")
    })
  )

  it.effect("the call in line never runs, and says so", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const probe = new Probe()
      const deadlock = yield* deadlockOf(a.f(a.g(probe.note("ran"))))
      assert.deepStrictEqual(deadlock.cycle, ["A.f", "A.g (maxConcurrency 1)", "A.f"])
      assert.deepStrictEqual([deadlock.method, deadlock.mayHaveRun, deadlock.retrySafe], ["g", false, false])
      yield* settle
      assert.deepStrictEqual(probe.log, [])
    })
  )

  it.effect("a call that waits for several refs, of which the first ones settle and the last one cannot", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const b = yield* B.spawn()
      const gate = yield* Deferred.make<void>()
      const settling = yield* b.f.remote(Deferred.await(gate))
      const body = Effect.gen(function* () {
        return yield* ObjectRef.all([settling, yield* a.g.remote(Effect.void)])
      })
      const waiting = yield* a.f.remote(body)
      yield* settle
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      assert.strictEqual((yield* deadlockOf(waiting)).method, "f")
    })
  )

  it.effect("a call that waits for the ref of one in line behind it; that one runs later", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const probe = new Probe()
      let behind: ObjectRef.Any | undefined
      const body = Effect.gen(function* () {
        behind = yield* a.g.remote(probe.note("ran"))
        return yield* behind
      })
      const deadlock = yield* deadlockOf(a.f(body))
      assert.deepStrictEqual([deadlock.method, deadlock.mayHaveRun], ["f", true])
      assert.deepStrictEqual(deadlock.cycle, ["A.g (maxConcurrency 1)", "A.f", "A.g (maxConcurrency 1)"])
      yield* behind!
      assert.deepStrictEqual(probe.log, ["ran"])
    })
  )

  for (const [when, pause] of [
    ["at once", Effect.void],
    ["after a pause", Effect.yieldNow]
  ] as const) {
    it.effect(`two actors that call each other, ${when}`, () =>
      Effect.gen(function* () {
        const a = yield* A.options(one).spawn()
        const b = yield* B.options(one).spawn()
        const then = (effect: Run) => Effect.andThen(pause, effect)
        const deadlock = yield* deadlockOf(a.f(then(b.g(then(a.f(Effect.void))))))
        assert.deepStrictEqual(deadlock.cycle, ["A.f", "B.g", "A.f (maxConcurrency 1)"])
      })
    )

    it.effect(`a ring of five, ${when}`, () =>
      Effect.gen(function* () {
        const ring = yield* Effect.forEach(range(5), () => A.options(one).spawn())
        const around = (n: number): Run => Effect.andThen(pause, ring[n % 5]!.f(n === 5 ? Effect.void : around(n + 1)))
        const deadlock = yield* deadlockOf(around(0))
        assert.deepStrictEqual(deadlock.cycle, ["A.f", "A.f", "A.f", "A.f", "A.f", "A.f (maxConcurrency 1)"])
      })
    )
  }

  it.effect("two callers who meet: each holds one actor and calls the other", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const b = yield* B.options(one).spawn()
      const gate = Latch.makeUnsafe()
      const first = yield* fork(Effect.exit(a.f(Effect.andThen(gate.await, b.echo("first")))))
      const second = yield* fork(Effect.exit(b.f(Effect.andThen(gate.await, a.echo("second")))))
      yield* gate.open
      const exits = [yield* Fiber.join(first), yield* Fiber.join(second)]
      assert.deepStrictEqual(
        exits.map(Exit.isSuccess),
        [true, false],
        "the younger call fails, and the older one gets its permit"
      )
      const { cycle } = (yield* reasonOf(Effect.flatten(Effect.succeed(exits[1]!)))) as ActorError.Deadlock
      assert.deepStrictEqual(cycle, ["A.f", "B.echo (maxConcurrency 1)", "B.f", "A.echo (maxConcurrency 1)", "A.f"])
    })
  )

  for (const limit of [2, 3, 1000]) {
    it.effect(`all ${limit} permits held by calls that wait for one of them`, () =>
      Effect.gen(function* () {
        const a = yield* A.options({ maxConcurrency: limit }).spawn()
        const gate = Latch.makeUnsafe()
        const body = Effect.andThen(gate.await, a.echo(1))
        const calls = yield* Effect.forEach(range(limit), () => fork(Effect.exit(a.f(body))))
        yield* gate.open
        const exits = yield* Effect.forEach(calls, Fiber.join)
        // One gives way, and then there is a permit for the others.
        assert.strictEqual(exits.filter(Exit.isFailure).length, 1)
        const { cycle } = (yield* reasonOf(exits.find(Exit.isFailure)!)) as ActorError.Deadlock
        assert.deepStrictEqual(cycle, ["A.f", `A.echo (maxConcurrency ${limit})`, "A.f"])
      })
    )
  }

  it.effect("two calls that wait for each other's refs, though permits are free", () =>
    Effect.gen(function* () {
      const a = yield* A.spawn()
      const b = yield* B.spawn()
      const ref = yield* Deferred.make<ObjectRef.Any>()
      const first: ObjectRef.Any = yield* a.f.remote(Effect.flatMap(Deferred.await(ref), (ref) => ref as Run))
      yield* Deferred.succeed(ref, yield* b.g.remote(Effect.suspend(() => first as Run)))
      const deadlock = yield* deadlockOf(first)
      assert.deepStrictEqual(deadlock.cycle, ["A.f", "B.g", "A.f"])
    })
  )

  it.effect("a call that waits for its own ref", () =>
    Effect.gen(function* () {
      const a = yield* A.spawn()
      const own = yield* Deferred.make<ObjectRef.Any>()
      const ref: ObjectRef.Any = yield* a.f.remote(Effect.flatMap(Deferred.await(own), (ref) => ref as Run))
      yield* Deferred.succeed(own, ref)
      assert.deepStrictEqual((yield* deadlockOf(ref)).cycle, ["A.f", "A.f"])
    })
  )

  it.effect("through a ref argument: the call cannot start before the one that waits for it has settled", () =>
    Effect.gen(function* () {
      const a = yield* A.spawn()
      const b = yield* B.spawn()
      const own = yield* Deferred.make<ObjectRef.Any>()
      const ref: ObjectRef.Any = yield* a.f.remote(Effect.flatMap(Deferred.await(own), (ref) => b.echo(ref)))
      yield* Deferred.succeed(own, ref)
      assert.deepStrictEqual((yield* deadlockOf(ref)).cycle, ["A.f", "B.echo", "A.f"])
    })
  )

  it.effect("through a ref argument that comes late, and puts the call in line behind the one that waits for it", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const { promise, resolve } = Promise.withResolvers<number>()
      const late = ObjectRef.fromPromise(promise)
      const fiber = yield* fork(Effect.exit(a.f(a.echo(late))))
      yield* settle
      assert.isUndefined(fiber.pollUnsafe(), "as long as the promise is open, nothing is known")
      resolve(1)
      const reason = yield* reasonOf(Effect.flatten(Fiber.join(fiber)))
      assert.deepStrictEqual((reason as ActorError.Deadlock).cycle, ["A.f", "A.echo (maxConcurrency 1)", "A.f"])
    })
  )

  it.effect("through ObjectRef.all, once nothing else is left that could fail", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const b = yield* B.spawn()
      const probe = new Probe()
      const body = Effect.gen(function* () {
        return yield* ObjectRef.all([yield* a.echo.remote(1), yield* b.f.remote(probe.work("slow"))])
      })
      const fiber = yield* fork(Effect.exit(a.f(body)))
      yield* settle
      assert.isUndefined(fiber.pollUnsafe())
      yield* probe.open("slow")
      const reason = yield* reasonOf(Effect.flatten(Fiber.join(fiber)))
      assert.strictEqual(reason._tag, "Deadlock")
    })
  )

  it.effect("through a task", () =>
    Effect.gen(function* () {
      const task: Task.Task<[n: number], number, ActorError.ActorError> = Task.make(
        "down",
        (n: number): Effect.Effect<number, ActorError.ActorError> => (n === 0 ? Effect.succeed(0) : task(n - 1)),
        one
      ) as any
      const deadlock = yield* deadlockOf(task(1))
      assert.deepStrictEqual(deadlock.cycle, ["down", "down (maxConcurrency 1)"])
    })
  )

  it.effect("through a pool", () =>
    Effect.gen(function* () {
      const pool = yield* ActorPool.make({ spawn: A.spawn(), size: 2 })
      const gate = Latch.makeUnsafe()
      const inner = pool.run((member) => member.echo(1))
      const work = () => pool.run((member) => member.f(Effect.andThen(gate.await, inner)))
      const calls = yield* Effect.forEach([1, 2], () => fork(Effect.exit(work())))
      yield* settle
      yield* gate.open
      const exits = yield* Effect.forEach(calls, Fiber.join)
      const { cycle } = (yield* reasonOf(exits.find(Exit.isFailure)!)) as ActorError.Deadlock
      assert.deepStrictEqual(cycle, ["ActorPool", "A.f", "ActorPool (maxConcurrency 2)"])
    })
  )

  it.effect("through the resident of a key", () =>
    Effect.gen(function* () {
      class Account extends Actor.Keyed<Account>()("Account", {
        ...one,
        make: (_: string) => Effect.succeed({ run: (body: Run) => body })
      }) {}
      const program = Effect.gen(function* () {
        const anna = yield* Account.get("anna")
        const ben = yield* Account.get("ben")
        return yield* deadlockOf(anna.run(ben.run(anna.run(Effect.void))))
      })
      const { cycle } = yield* Effect.provide(program, Account.layer)
      assert.deepStrictEqual(cycle, ["Account(anna).run", "Account(ben).run", "Account(anna).run (maxConcurrency 1)"])
    })
  )

  it.effect("within a concurrency group, which the message names", () =>
    Effect.gen(function* () {
      const a = yield* Grouped.spawn()
      const deadlock = yield* deadlockOf(a.g(a.f(a.g(Effect.void))))
      assert.deepStrictEqual(deadlock.cycle, ["A.g", "A.f", "A.g (maxConcurrency 1 of group io)"])
    })
  )

  it.effect("a call that waits for room which only it can make", () =>
    Effect.gen(function* () {
      const a = yield* A.options({ maxPendingCalls: 1, overflow: "suspend" }).spawn()
      const deadlock = yield* deadlockOf(a.f(a.g(Effect.void)))
      assert.deepStrictEqual(deadlock.cycle, ["A.f", "A.g (maxPendingCalls 1)", "A.f"])
    })
  )

  it.effect("a call that waits for room, once the call before it has its argument and stands behind it", () =>
    Effect.gen(function* () {
      const a = yield* A.options({ ...one, maxPendingCalls: 2, overflow: "suspend" }).spawn()
      const late = yield* Deferred.make<string>()
      const argument = yield* ObjectRef.fromEffect(Deferred.await(late))
      const echo = yield* a.echo.remote(argument)
      const asker = yield* fork(deadlockOf(a.f(Effect.suspend(() => a.g(Effect.void)))))
      yield* Deferred.succeed(late, "late")
      const deadlock = yield* Fiber.join(asker)
      assert.deepStrictEqual(deadlock.cycle, ["A.f", "A.g (maxPendingCalls 2)", "A.f"])
      assert.strictEqual(yield* echo, "late")
    })
  )

  it.effect("a call whose permit is the last one of a shrunk limit, once the other call was cancelled", () =>
    Effect.gen(function* () {
      const a = yield* A.options({ maxConcurrency: 2 }).spawn()
      const other = yield* a.f.remote(Effect.never)
      const asker = yield* fork(deadlockOf(a.f(Effect.suspend(() => a.g(Effect.void)))))
      yield* Effect.yieldNow
      yield* Actor.resize(a, 1)
      yield* ObjectRef.cancel(other)
      const deadlock = yield* Fiber.join(asker)
      assert.deepStrictEqual(deadlock.cycle, ["A.f", "A.g (maxConcurrency 1)", "A.f"])
    })
  )

  it.effect("a call that waits for room which a call has that waits for it as an argument, and came in later", () =>
    Effect.gen(function* () {
      const a = yield* A.spawn()
      const b = yield* B.options({ maxPendingCalls: 1, overflow: "suspend" }).spawn()
      const [busy, go] = [yield* Latch.make(), yield* Latch.make()]
      yield* b.f.remote(busy.await)
      const asker = yield* a.f.remote(Effect.andThen(go.await, b.g(Effect.void)))
      const echo = yield* fork(Effect.exit(b.echo(asker)))
      yield* settle
      yield* go.open
      yield* settle
      yield* busy.open
      const deadlock = yield* deadlockOf(asker)
      assert.include(deadlock.cycle, "B.g (maxPendingCalls 1)")
      yield* Fiber.join(echo)
    })
  )

  it.effect("a call that waits for one which was about to start, when the limit shrinks", () =>
    Effect.gen(function* () {
      const a = yield* A.options({ maxConcurrency: 2 }).spawn()
      const asker = yield* Effect.forkChild(deadlockOf(a.f(Effect.flatten(a.g.remote(Effect.void)))), {
        startImmediately: true
      })
      yield* Actor.resize(a, 1)
      const deadlock = yield* Fiber.join(asker)
      assert.include(deadlock.cycle, "A.g (maxConcurrency 1)")
    })
  )

  it.effect("no deadlock: a stream that waits for its reader, whom its item has yet to reach", () =>
    Effect.gen(function* () {
      const a = yield* A.spawn()
      const b = yield* B.options(one).spawn()
      yield* b.f.remote(Effect.never)
      const shrink = yield* fork(Effect.andThen(b.echo(1), Actor.resize(b, 1)))
      const reader = yield* fork(Effect.exit(a.f(Stream.runCollect(b.stream(Effect.succeed("item"))))))
      yield* settle
      const last = yield* b.echo.remote("last")
      yield* Actor.resize(b, 2)
      yield* Fiber.join(shrink)
      assert.deepStrictEqual(yield* yield* Fiber.join(reader), ["item"])
      yield* ObjectRef.cancel(last)
    })
  )

  it.effect("a call that reads a stream of its own actor", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const deadlock = yield* deadlockOf(a.f(Stream.runCollect(a.stream(Effect.void))))
      assert.deepStrictEqual(deadlock.cycle, ["A.f", "A.stream (maxConcurrency 1)", "A.f"])
    })
  )

  it.effect("a method may handle it and go on", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const body = Effect.catchReason(a.g(Effect.void), "ActorError", "Deadlock", () => Effect.succeed("alone"))
      assert.strictEqual(yield* a.f(body), "alone")
    })
  )

  it.effect("the failure carries who called, as all do", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const exit = yield* Effect.exit(a.f(a.g(Effect.void)))
      assert.isTrue(Exit.isFailure(exit) && exit.cause.reasons.every((reason) => reason.annotations.size > 0))
    })
  )
})

describe("8.1 no false alarm", () => {
  it.effect("with a permit left", () =>
    Effect.gen(function* () {
      const a = yield* A.options({ maxConcurrency: 2 }).spawn()
      assert.strictEqual(yield* a.f(a.f(Effect.succeed(1))), 1)
    })
  )

  it.effect("in another group", () =>
    Effect.gen(function* () {
      const a = yield* Grouped.spawn()
      assert.strictEqual(yield* a.f(a.g(Effect.succeed(1))), 1)
    })
  )

  it.effect("where one holder of a permit does not wait", () =>
    Effect.gen(function* () {
      const a = yield* A.options({ maxConcurrency: 2 }).spawn()
      const probe = new Probe()
      yield* a.g.remote(probe.work("other"))
      yield* probe.started("other")
      const fiber = yield* fork(a.f(a.echo(1)))
      yield* settle
      assert.isUndefined(fiber.pollUnsafe())
      yield* probe.open("other")
      assert.strictEqual(yield* Fiber.join(fiber), 1)
    })
  )

  it.effect("where the wait has a timeout", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const body = Effect.timeout(a.g(Effect.void), "1 second")
      const fiber = yield* fork(Effect.exit(a.f(body)))
      yield* settle
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 second")
      const exit = yield* Fiber.join(fiber)
      assert.isTrue(Exit.isFailure(exit) && Cause.isTimeoutError(Cause.squash(exit.cause)))
    })
  )

  it.effect("where a call on the way has a timeout of its own", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const fiber = yield* fork(Effect.exit(a.f(a.g.options({ timeout: "1 second" })(Effect.void))))
      yield* settle
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 second")
      const exit = yield* Fiber.join(fiber)
      assert.strictEqual((yield* reasonOf(exit))._tag, "TimedOut")
    })
  )

  it.effect("where a ref is settled from outside", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const { promise, resolve } = Promise.withResolvers<number>()
      const late = ObjectRef.fromPromise(promise)
      const fiber = yield* fork(a.f(Effect.suspend(() => late)))
      const behind = yield* fork(a.echo(2))
      yield* settle
      assert.isUndefined(fiber.pollUnsafe())
      resolve(1)
      assert.deepStrictEqual([yield* Fiber.join(fiber), yield* Fiber.join(behind)], [1, 2])
    })
  )

  it.effect("where an effect in the background may settle it", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const gate = Latch.makeUnsafe()
      const background = yield* ObjectRef.fromEffect(Effect.as(gate.await, 1))
      const fiber = yield* fork(a.f(Effect.suspend(() => background)))
      yield* settle
      assert.isUndefined(fiber.pollUnsafe())
      yield* gate.open
      assert.strictEqual(yield* Fiber.join(fiber), 1)
    })
  )

  it.effect("where several waits race", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const gate = Latch.makeUnsafe()
      const fiber = yield* fork(a.f(Effect.raceFirst(a.g(Effect.void), Effect.as(gate.await, "gate"))))
      yield* settle
      assert.isUndefined(fiber.pollUnsafe())
      yield* gate.open
      assert.strictEqual(yield* Fiber.join(fiber), "gate")
    })
  )

  it.effect("where refs race, and one of them may win", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const b = yield* B.spawn()
      const probe = new Probe()
      const body = Effect.gen(function* () {
        return yield* ObjectRef.race([yield* a.echo.remote(1), yield* b.f.remote(probe.work("free"))])
      })
      const fiber = yield* fork(a.f(body))
      yield* settle
      assert.isUndefined(fiber.pollUnsafe())
      yield* probe.open("free")
      assert.strictEqual(yield* Fiber.join(fiber), "free")
    })
  )

  it.effect("where a ref has failed already, and whoever waits for it and for others is about to hear of it", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const b = yield* B.spawn()
      const body = Effect.gen(function* () {
        return yield* ObjectRef.all([yield* b.f.remote(Effect.fail("no")), yield* b.g.remote(a.echo(1))])
      })
      assert.strictEqual(yield* Effect.flip(a.f(body)), "no")
    })
  )

  it.effect("where a method has forked something, which may end the wait", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const gate = Latch.makeUnsafe()
      const body = Effect.gen(function* () {
        const ref = yield* a.g.remote(Effect.void)
        yield* Effect.forkChild(Effect.andThen(gate.await, ObjectRef.cancel(ref)))
        return yield* ref
      })
      const fiber = yield* fork(Effect.exit(a.f(body)))
      yield* settle
      assert.isUndefined(fiber.pollUnsafe())
      yield* gate.open
      assert.strictEqual((yield* reasonOf(Effect.flatten(Fiber.join(fiber))))._tag, "TaskCancelled")
    })
  )

  it.effect("where a method waits in several fibers", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const b = yield* B.options(one).spawn()
      const body = Effect.all([b.echo(1), b.echo(2)], { concurrency: "unbounded" })
      assert.deepStrictEqual(yield* a.f(body), [1, 2])
      assert.isTrue(yield* hangs(a.f(Effect.all([a.echo(1), b.echo(2)], { concurrency: "unbounded" }))))
    })
  )

  it.effect("where the actor that is waited for restarts", () =>
    Effect.gen(function* () {
      const a = yield* A.options({ ...one, restart: Schedule.spaced("1 second") }).spawn()
      const b = yield* B.options(one).spawn()
      yield* Effect.exit(a.f(Effect.die("bug")))
      const fiber = yield* fork(b.f(a.echo(1)))
      yield* settle
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(fiber), 1)
    })
  )

  it.effect("where a wait was interrupted, and another one follows", () =>
    Effect.gen(function* () {
      const a = yield* A.options(one).spawn()
      const body = Effect.gen(function* () {
        yield* Effect.timeoutOption(a.g(Effect.void), "1 second")
        return "went on"
      })
      const fiber = yield* fork(a.f(body))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(fiber), "went on")
      assert.strictEqual(yield* a.f(Effect.succeed(1)), 1)
    })
  )
})

describe("8.1 at random", () => {
  /** What a call does: it pauses, and calls others, one after the other. */
  interface Plan {
    readonly actor: number
    readonly pause: boolean
    readonly remote: boolean
    readonly calls: ReadonlyArray<Plan>
  }

  const plan = (actors: number, depth: number, onlyUp: number): Effect.Effect<Plan> =>
    Effect.gen(function* () {
      const actor = onlyUp + (yield* Random.nextIntBetween(0, actors - onlyUp - 1))
      const deeper = depth > 0 && (onlyUp === 0 || actor + 1 < actors)
      const count = deeper ? yield* Random.nextIntBetween(0, 2) : 0
      return {
        actor,
        pause: yield* Random.nextBoolean,
        remote: yield* Random.nextBoolean,
        calls: yield* Effect.forEach(range(count), () => plan(actors, depth - 1, onlyUp === 0 ? 0 : actor + 1))
      }
    })

  const bring = (limits: ReadonlyArray<number>) =>
    Effect.forEach(limits, (maxConcurrency) => A.options({ maxConcurrency }).spawn())

  const perform = (actors: ReadonlyArray<A["Service"]>, { actor, calls, pause, remote }: Plan): Run => {
    const body: Run = Effect.andThen(
      pause ? Effect.yieldNow : Effect.void,
      Effect.forEach(calls, (call) => perform(actors, call), { discard: true })
    )
    const { f } = actors[actor]!
    return remote ? Effect.flatMap(f.remote(body), (ref) => ref as Run) : f(body)
  }

  const runAll = (actors: ReadonlyArray<A["Service"]>, plans: ReadonlyArray<Plan>) =>
    Effect.gen(function* () {
      const fibers = yield* Effect.forEach(plans, (plan) => fork(Effect.exit(perform(actors, plan))))
      // Enough turns for whatever can go on.
      for (let turn = 0; turn < 50 && fibers.some((fiber) => fiber.pollUnsafe() === undefined); turn++) yield* settle
      return fibers.map((fiber) => fiber.pollUnsafe())
    })

  it.effect("calls that wait for calls never hang: they end well, or in a deadlock that is found", () =>
    seeded(
      Effect.gen(function* () {
        let deadlocks = 0
        for (let round = 0; round < 200; round++) {
          const limits = yield* Effect.forEach(range(4), () => Random.nextIntBetween(1, 3))
          const plans = yield* Effect.forEach(range(5), () => plan(4, 4, 0))
          const exits = yield* Effect.scoped(Effect.flatMap(bring(limits), (actors) => runAll(actors, plans)))
          for (const exit of exits) {
            if (exit === undefined) return assert.fail(`round ${round} hangs`)
            const inner = yield* exit
            if (Exit.isSuccess(inner)) continue
            deadlocks++
            assert.strictEqual((yield* reasonOf(inner))._tag, "Deadlock")
          }
        }
        assert.isAbove(deadlocks, 0)
      })
    )
  )

  it.effect("calls that go up only, from actor to actor, are never stopped", () =>
    seeded(
      Effect.gen(function* () {
        for (let round = 0; round < 200; round++) {
          const plans = yield* Effect.forEach(range(10), () => plan(6, 5, 1))
          const exits = yield* Effect.scoped(Effect.flatMap(bring(range(6).map(() => 1)), (a) => runAll(a, plans)))
          for (const exit of exits) assert.isTrue(exit !== undefined && Exit.isSuccess(yield* exit), `round ${round}`)
        }
      })
    )
  )
})
