/**
 * Pools whose members die: how they heal, and how they end.
 */
import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorPool, ObjectRef } from "@troupe/core"
import { Cause, Clock, Context, Effect, Exit, Fiber, Layer, Logger, Schedule, Scope } from "effect"
import { TestClock } from "effect/testing"
import { defectOf, fork, Probe, range, reasonOf, settle, Worker } from "./support.ts"

/** What members need to come up, which may be away. */
class Database {
  /** When somebody wanted a member. */
  readonly attempts: Array<number> = []
  /** What has been acquired for members and not been released. */
  held = 0
  /** How it answers. */
  answer: Effect.Effect<void, string> = Effect.void

  /** Starts a member, which holds something for as long as it lives. */
  readonly spawn = Effect.gen({ self: this }, function* () {
    this.attempts.push(yield* Clock.currentTimeMillis)
    yield* Effect.acquireRelease(
      Effect.sync(() => this.held++),
      () => Effect.sync(() => this.held--)
    )
    yield* Effect.suspend(() => this.answer)
    return yield* Worker.spawn()
  })
}

const killAll = <H extends Actor.AnyHandle>(pool: ActorPool.ActorPool<H>) =>
  Effect.flatMap(pool.members, (members) => Effect.forEach(members, (member) => Actor.kill(member)))

const up = <H>(pool: ActorPool.ActorPool<H>) => Effect.map(pool.members, (members) => members.length)

describe("7.4", () => {
  for (const [how, answer] of [
    ["fails", Effect.fail("refused")],
    ["dies", Effect.die(new Error("refused"))],
    ["is interrupted", Effect.interrupt]
  ] as const) {
    it.effect(`7.4 a replacement that ${how} is tried again: at once, after 100 ms, and twice as long each time`, () =>
      Effect.gen(function* () {
        const database = new Database()
        const pool = yield* ActorPool.make({ spawn: database.spawn, size: 2 })
        database.answer = answer
        yield* Actor.kill((yield* pool.members)[0]!)
        yield* TestClock.adjust("600 millis")
        assert.deepStrictEqual(database.attempts, [0, 0, 0, 100, 300])
        assert.strictEqual(yield* up(pool), 1)
        assert.strictEqual(database.held, 1, "what failed keeps nothing")
        database.answer = Effect.void
        yield* TestClock.adjust("100 millis")
        assert.strictEqual(yield* up(pool), 2)
        assert.strictEqual(database.held, 2)
      })
    )
  }

  it.effect("7.4 a pool heals after an hour without its database, in which it tried every 10 seconds", () =>
    Effect.gen(function* () {
      const database = new Database()
      const pool = yield* ActorPool.make({ spawn: database.spawn, size: 1 })
      database.answer = Effect.fail("away")
      yield* killAll(pool)
      yield* TestClock.adjust("1 hour")
      assert.isBelow(database.attempts.length, 370)
      database.answer = Effect.void
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* pool.run((member) => member.echo(1)), 1)
    })
  )

  it.effect("7.4 members that die as soon as they are up are replaced at the same pace", () =>
    Effect.gen(function* () {
      const database = new Database()
      const spawn = Effect.tap(database.spawn, (member) =>
        Effect.forkScoped(Effect.andThen(Effect.yieldNow, Actor.kill(member)))
      )
      yield* ActorPool.make({ spawn, size: 1 })
      yield* settle
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(database.attempts, [0, 0, 100, 300, 700])
    })
  )

  it.effect("7.4 a minute without a death starts the pace anew", () =>
    Effect.gen(function* () {
      const database = new Database()
      const pool = yield* ActorPool.make({ spawn: database.spawn, size: 1 })
      for (const _ of range(3)) {
        yield* killAll(pool)
        yield* settle
        assert.strictEqual(yield* up(pool), 1)
        yield* TestClock.adjust("61 seconds")
      }
      yield* killAll(pool)
      yield* settle
      yield* killAll(pool)
      yield* settle
      assert.strictEqual(yield* up(pool), 0)
    })
  )

  it.effect("7.4 while no member is up, work waits, and runs when one is", () =>
    Effect.gen(function* () {
      const database = new Database()
      const pool = yield* ActorPool.make({ spawn: database.spawn, size: 3 })
      database.answer = Effect.fail("away")
      yield* killAll(pool)
      yield* settle
      const refs = yield* Effect.forEach(range(5), (n) => pool.remote((member) => member.echo(n)))
      const asker = yield* fork(pool.run((member) => member.echo("asked")))
      const given = yield* fork(
        Effect.exit(
          Effect.timeout(
            pool.run((member) => member.echo("late")),
            "50 millis"
          )
        )
      )
      yield* TestClock.adjust("60 millis")
      assert.isTrue(Exit.isFailure(yield* Fiber.join(given)))
      database.answer = Effect.void
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(yield* ObjectRef.all(refs), range(5))
      assert.strictEqual(yield* Fiber.join(asker), "asked")
      assert.strictEqual(yield* up(pool), 3)
    })
  )

  it.effect("7.4 a replacement that hangs keeps its own place empty, no other, and the pool ends all the same", () =>
    Effect.gen(function* () {
      const database = new Database()
      const scope = yield* Scope.make()
      const pool = yield* Scope.provide(ActorPool.make({ spawn: database.spawn, size: 2 }), scope)
      const [first, second] = yield* pool.members
      database.answer = Effect.never
      yield* Actor.kill(first!)
      yield* settle
      database.answer = Effect.void
      yield* Actor.kill(second!)
      yield* settle
      assert.strictEqual(yield* up(pool), 1)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(database.held, 0)
    })
  )

  it.effect(
    "7.4 when restart ends, the pool goes on with the members left, and after the last one its work fails",
    () =>
      Effect.gen(function* () {
        const database = new Database()
        const restart = Schedule.max([Schedule.spaced("1 second"), Schedule.recurs(2)])
        const pool = yield* ActorPool.make({ spawn: database.spawn, size: 2, restart })
        const [first, second] = yield* pool.members
        database.answer = Effect.fail("no database")
        yield* Actor.kill(first!)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(database.attempts, [0, 0, 1000, 2000])
        database.answer = Effect.void
        assert.strictEqual(yield* pool.run((member) => member.echo(1)), 1)
        database.answer = Effect.fail("no database")
        yield* Actor.kill(second!)
        const waiting = yield* pool.remote((member) => member.echo(2))
        yield* TestClock.adjust("1 minute")
        for (const reason of [yield* reasonOf(waiting), yield* reasonOf(pool.run((member) => member.echo(3)))]) {
          if (reason._tag !== "ActorDied") return assert.fail(reason._tag)
          assert.match(reason.why, /all its members have died/)
          assert.include(String(reason.cause), "no database")
        }
      })
  )

  it.effect("7.4 work that goes on with what is no Effect fails, and its member has room again", () =>
    Effect.gen(function* () {
      const pool = yield* ActorPool.make({ spawn: Worker.spawn(), size: 1 })
      const wrong = () => Effect.flatMap(Effect.void, () => 5 as unknown as Effect.Effect<void>)
      assert.match(String(yield* defectOf(pool.run(wrong))), /Not a valid effect/)
      assert.strictEqual(yield* pool.run(() => Effect.succeed("next")), "next")
    })
  )

  it.effect("7.4 a restart schedule hears why a member died", () =>
    Effect.gen(function* () {
      const causes: Array<string> = []
      const restart = Schedule.recurs(3).pipe(
        Schedule.setInputType<Cause.Cause<unknown>>(),
        Schedule.tap(({ input }) => Effect.sync(() => causes.push(String(Cause.squash(input)))))
      )
      const pool = yield* ActorPool.make({ spawn: Worker.options({ onDefect: "stop" }).spawn(), size: 1, restart })
      yield* Effect.exit(pool.run((member) => member.die(new Error("a bug"))))
      yield* settle
      assert.strictEqual(causes.length, 1)
      assert.include(causes[0]!, "test/Worker")
      assert.include(causes[0]!, "a bug")
    })
  )

  it.effect("7.4 a pool that closes while a replacement is on its way makes none", () =>
    Effect.gen(function* () {
      const database = new Database()
      const scope = yield* Scope.make()
      const pool = yield* Scope.provide(ActorPool.make({ spawn: database.spawn, size: 2 }), scope)
      database.answer = Effect.fail("away")
      yield* killAll(pool)
      yield* settle
      database.answer = Effect.void
      const before = database.attempts.length
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(database.attempts.length, before)
      assert.strictEqual(database.held, 0)
    })
  )

  it.effect("7.4 replacements that fail are logged at once, then once a minute with their number", () =>
    Effect.gen(function* () {
      const logged: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => logged.push(`${logLevel} ${String(message)}`))
      const database = new Database()
      const program = Effect.gen(function* () {
        const pool = yield* ActorPool.make({ spawn: database.spawn, size: 2 })
        database.answer = Effect.fail("away")
        yield* killAll(pool)
        yield* settle
        assert.strictEqual(logged.length, 1)
        assert.match(logged[0]!, /^Warn ActorPool: a dead member could not be replaced \(2 attempts\), 0 of 2 are up/)
        yield* TestClock.adjust("59 seconds")
        assert.strictEqual(logged.length, 1)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(logged.length, 2)
        database.answer = Effect.void
        yield* TestClock.adjust("1 hour")
        assert.isAtMost(logged.length, 3)
      })
      yield* Effect.provide(Effect.scoped(program), Logger.layer([logger]))
    })
  )

  it.effect("7.4 a logger that throws is given the next replacements that fail all the same", () =>
    Effect.gen(function* () {
      let calls = 0
      const logger = Logger.make(() => {
        calls++
        throw new Error("no log")
      })
      const database = new Database()
      const program = Effect.gen(function* () {
        const pool = yield* ActorPool.make({ spawn: database.spawn, size: 1 })
        database.answer = Effect.fail("away")
        yield* killAll(pool)
        yield* settle
        assert.strictEqual(calls, 1)
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(calls, 2)
      })
      yield* Effect.provide(Effect.scoped(program), Logger.layer([logger]))
    })
  )

  it.effect("7.4 what cannot be released of a dead member is logged, and the member is replaced", () =>
    Effect.gen(function* () {
      const spawn = Effect.andThen(
        Effect.addFinalizer(() => Effect.die("the file is gone")),
        Worker.spawn()
      )
      const scope = yield* Scope.make()
      const pool = yield* Scope.provide(ActorPool.make({ spawn, size: 1 }), scope)
      yield* killAll(pool)
      yield* settle
      assert.strictEqual(yield* pool.run((member) => member.echo(1)), 1)
      yield* Effect.exit(Scope.close(scope, Exit.void))
    })
  )

  it.effect("7.4 restart has to be a Schedule, and says nothing where members are dropped", () =>
    Effect.gen(function* () {
      const made = (options: object) => defectOf(ActorPool.make({ spawn: Worker.spawn(), size: 1, ...options }))
      assert.match(String(yield* made({ restart: 5 })), /TypeError: ActorPool: restart must be a Schedule/)
      const both = yield* made({ restart: Schedule.recurs(1), onDeath: "drop" })
      assert.match(String(both), /RangeError: ActorPool: restart says how members are replaced/)
    })
  )

  it.effect("7.4 addresses of keys can be members: they have an instance when they need one", () =>
    Effect.gen(function* () {
      class Cook extends Actor.Keyed<Cook>()("test/Cook", {
        idleTimeToLive: "1 second",
        make: (_: string) => Effect.succeed({ echo: (n: number) => Effect.succeed(n) })
      }) {}
      const cooks = Context.get(yield* Layer.build(Cook.layer), Cook)
      const keys = ["a", "b"].values()
      const pool = yield* ActorPool.make({ spawn: Effect.sync(() => cooks.get(keys.next().value!)), size: 2 })
      assert.strictEqual(yield* pool.run((cook) => cook.echo(1)), 1)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* cooks.keys).length, 0)
      assert.strictEqual(yield* pool.run((cook) => cook.echo(2)), 2)
      assert.strictEqual(yield* up(pool), 2)
    })
  )
})

describe("6.3", () => {
  it.effect("6.3 a pool that closes gives accepted work the shutdownTimeout of its members, and ends then", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const scope = yield* Scope.make()
      const spawn = Worker.options({ shutdownTimeout: "2 seconds", maxConcurrency: 1 }).spawn(probe)
      const pool = yield* Scope.provide(ActorPool.make({ spawn, size: 2 }), scope)
      const refs = yield* Effect.forEach(["a", "b", "c"], (id) => pool.remote((member) => member.work(id)))
      yield* probe.started("b")
      const close = yield* fork(Scope.close(scope, Exit.void))
      yield* probe.open("a")
      assert.strictEqual(yield* refs[0]!, "a")
      yield* TestClock.adjust("1999 millis")
      assert.strictEqual(probe.running, 2)
      yield* TestClock.adjust("1 millis")
      yield* settle
      assert.isDefined(close.pollUnsafe())
      for (const ref of refs.slice(1)) assert.strictEqual((yield* reasonOf(ref))._tag, "ActorDied")
      assert.strictEqual(yield* Clock.currentTimeMillis, 2000)
    })
  )

  it.effect("6.3 members of a pool that closes end together, also those with calls that are not of the pool", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const scope = yield* Scope.make()
      const spawn = Worker.options({ shutdownTimeout: "2 seconds" }).spawn(probe)
      const pool = yield* Scope.provide(ActorPool.make({ spawn, size: 3 }), scope)
      const refs = yield* Effect.forEach(yield* pool.members, (member, n) => member.work.remote(`direct ${n}`))
      const ref = yield* pool.remote((member) => member.work("pooled"))
      yield* probe.started("pooled")
      const close = yield* fork(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("1 second")
      yield* probe.open("pooled")
      assert.strictEqual(yield* ref, "pooled")
      yield* TestClock.adjust("1 second")
      yield* settle
      assert.isDefined(close.pollUnsafe())
      for (const ref of refs) assert.strictEqual((yield* reasonOf(ref))._tag, "ActorDied")
      assert.strictEqual(yield* Clock.currentTimeMillis, 2000)
    })
  )

  it.effect("6.3 members that were there before the pool go on after it, calls and all", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const own = yield* worker.work.remote("own")
      const make = ActorPool.make({ spawn: Effect.succeed(worker), size: 1, onDeath: "drop" })
      const ref = yield* Effect.scoped(Effect.flatMap(make, (pool) => pool.remote((member) => member.work("pooled"))))
      assert.strictEqual((yield* reasonOf(ref))._tag, "ActorDied")
      yield* probe.open("own")
      assert.strictEqual(yield* own, "own")
    })
  )

  it.effect("6.3 a pool that closes with its actor ends at once when the actor is killed meanwhile", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      class Owner extends Actor.Service<Owner>()("test/Owner", {
        make: Effect.gen(function* () {
          const spawn = Worker.options({ shutdownTimeout: "1 hour" }).spawn(probe)
          const pool = yield* ActorPool.make({ spawn, size: 1 })
          return { submit: () => pool.remote((member) => member.work("pooled")) }
        })
      }) {}
      const owner = yield* Owner.spawn()
      const ref = yield* owner.submit()
      yield* probe.started("pooled")
      const stop = yield* fork(Actor.stop(owner))
      yield* settle
      assert.isUndefined(stop.pollUnsafe())
      yield* Actor.kill(owner)
      assert.isDefined(stop.pollUnsafe())
      const reason = yield* reasonOf(ref)
      assert(reason._tag === "ActorDied")
      assert.match(reason.why, /^its Scope closed at once/)
    })
  )
})
