/**
 * Programs that are made up at random, as different as their schedules: whatever is done to an actor, at whatever moment,
 * every call settles, no permit is lost or given twice, and one life ends before the next begins.
 *
 * The explorer seeds `Random`, so each schedule has a program of its own, and a replay has the same one.
 */
import { assert, describe } from "@effect/vitest"
import { Actor, ActorError, ActorSystem, ObjectRef } from "@troupe/core"
import { it } from "@troupe/testing/vitest"
import { Cause, Effect, Exit, Fiber, Random, Schedule, type Scope, Stream } from "effect"

/** What is true of an actor while it is used, whoever uses it. */
class Watched {
  running = 0
  lives = 0
  limit = 0
  readonly body = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        this.running++
        assert.isAtMost(this.running, this.limit, "more calls run than there are permits")
        assert.strictEqual(this.lives, 1, "a call runs without an instance, or with two")
      }),
      () => effect,
      () => Effect.sync(() => this.running--)
    )
}

const makeActor = (watched: Watched, options: Actor.InstanceOptions) =>
  class Chaos extends Actor.Service<Chaos>()("test/Chaos", {
    ...options,
    make: Effect.as(
      Effect.acquireRelease(
        Effect.sync(() => assert.strictEqual(++watched.lives, 1, "two lives at the same time")),
        () =>
          Effect.sync(() => {
            assert.strictEqual(watched.running, 0, "finalizers run while calls do")
            watched.lives--
          })
      ),
      {
        quick: (n: number) => Effect.succeed(n),
        work: (n: number) => watched.body(Effect.as(Effect.yieldNow, n)),
        sleep: (n: number) => watched.body(Effect.as(Effect.sleep(1000 * n), n)),
        fail: () => watched.body(Effect.andThen(Effect.yieldNow, Effect.fail("no" as const))),
        die: () => watched.body(Effect.die("a defect")),
        whole: (n: number) => watched.body(Effect.uninterruptible(Effect.as(Effect.yieldNow, n))),
        ticks: (n: number) =>
          Stream.fromIterable([1, 2, 3]).pipe(Stream.mapEffect((i) => watched.body(Effect.as(Effect.yieldNow, i * n)))),
        exit: () => Effect.andThen(watched.body(Effect.yieldNow), Actor.exit)
      }
    )
  }) {}

type Handle = Effect.Success<ReturnType<ReturnType<typeof makeActor>["spawn"]>>

const methods = ["quick", "work", "work", "sleep", "fail", "die", "whole"] as const

/** How a call may end, whatever happens around it. */
const expected = ["Success", "no", "a defect", "TaskCancelled", "ActorDied", "ActorUnavailable", "TimedOut"]

const outcomeOf = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return "Success"
  const error: any = Cause.squash(exit.cause)
  if (error instanceof ActorError.ActorError) return error.reason._tag
  return typeof error === "string" ? error : error._tag
}

const check = (exit: Exit.Exit<unknown, unknown>) => Effect.sync(() => assert.oneOf(outcomeOf(exit), expected))

const int = (below: number) => Random.nextIntBetween(0, below - 1)

/** Does one thing to the actor, chosen at random. */
const act = Effect.fnUntraced(function* (handle: Handle, watched: Watched, mayEnd: boolean) {
  if ((yield* int(3)) === 0) yield* Effect.sleep("1 second")
  const name = methods[yield* int(methods.length)]!
  const method: Actor.Method<[n: number], number, any> = handle[name] as any
  const timed = (yield* int(4)) === 0 ? method.options({ timeout: "1 second" }) : method
  const n = 1 + (yield* int(2))
  switch (yield* int(mayEnd ? 10 : 7)) {
    case 0:
      return yield* Effect.flatMap(Effect.exit(timed(n)), check)
    case 1: {
      const ref = yield* timed.remote(n)
      return yield* Effect.flatMap(Effect.exit(ref), check)
    }
    case 2: {
      const ref = yield* timed.remote(n)
      const outcome = yield* ObjectRef.cancel(ref)
      const exit = yield* Effect.exit(ref)
      if (outcome !== "AlreadyDone") assert.strictEqual(outcomeOf(exit), "TaskCancelled")
      return yield* check(exit)
    }
    case 3: {
      // A chain: the second call waits for the ref of the first.
      const first = yield* timed.remote(n)
      const second = yield* handle.work.remote(first)
      return yield* Effect.flatMap(ObjectRef.allSettled([first, second]), Effect.forEach(check))
    }
    case 4: {
      const asker = yield* Effect.forkChild(timed(n))
      yield* Effect.yieldNow
      return yield* Effect.flatMap(Effect.exit(Fiber.interrupt(asker)), check)
    }
    case 5: {
      const limit = 1 + (yield* int(3))
      // More may run until those that do have ended.
      watched.limit = Math.max(watched.limit, limit)
      return yield* Actor.resize(handle, limit)
    }
    case 6: {
      const some = Stream.runCollect(Stream.take(handle.ticks(n), 2))
      return yield* Effect.flatMap(Effect.exit(some), check)
    }
    case 7:
      return yield* Effect.flatMap(Effect.exit(handle.exit()), check)
    case 8:
      return yield* Actor.stop(handle)
    default:
      return yield* Actor.kill(handle)
  }
})

const states = ["starting", "running", "restarting", "stopping", "dead"] as const

/** What is kept of unsettled calls is what comes out when all instances are looked at, as a filter has it. */
const checkTotals = Effect.withFiber(({ context }) => {
  // At one moment, at which no other fiber runs.
  const take = (options: ActorSystem.SnapshotOptions) => Effect.runSyncWith(context)(ActorSystem.snapshot(options))
  const { calls, totals } = take({})
  const all = take({ state: states })
  assert.deepStrictEqual(totals, all.totals)
  assert.deepStrictEqual(calls, all.calls)
  return Effect.void
})

const chaos = (mayEnd: boolean): Effect.Effect<void, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const watched = new Watched()
    const maxConcurrency = 1 + (yield* int(3))
    watched.limit = maxConcurrency
    const Chaos = makeActor(watched, {
      maxConcurrency,
      onDefect: (["resume", "restart"] as const)[yield* int(2)]!,
      restart: Schedule.forever,
      maxTaskRetries: yield* int(2),
      ...((yield* int(2)) === 0 ? {} : { maxPendingCalls: 2, overflow: "suspend" as const })
    })
    yield* Effect.scoped(
      Effect.gen(function* () {
        const handle = yield* Chaos.spawn()
        yield* Effect.forEach([1, 2, 3, 4, 5], () => Effect.andThen(act(handle, watched, mayEnd), checkTotals), {
          concurrency: "unbounded"
        })
      })
    )
    yield* checkTotals
    assert.strictEqual(watched.running, 0)
    assert.strictEqual(watched.lives, 0)
  })

/** The same for residents of keys, who come and go by themselves. */
const keyed: Effect.Effect<void, unknown, Scope.Scope> = Effect.gen(function* () {
  const up = new Map<number, number>()
  const change = (key: number, by: number) =>
    Effect.sync(() => {
      const count = (up.get(key) ?? 0) + by
      assert.oneOf(count, [0, 1], "a key has two instances at the same time")
      up.set(key, count)
    })
  class Room extends Actor.Keyed<Room>()("test/ChaosRoom", {
    idleTimeToLive: "1 second",
    maxInstances: 2,
    onDefect: (["resume", "restart", "stop"] as const)[yield* int(3)]!,
    restart: Schedule.recurs(1),
    make: (key: number) =>
      Effect.gen(function* () {
        yield* Effect.acquireRelease(change(key, 1), () => Effect.andThen(Effect.yieldNow, change(key, -1)))
        if ((yield* int(5)) === 0) yield* Effect.yieldNow
        return {
          work: (n: number) => Effect.as(Effect.yieldNow, n),
          sleep: (n: number) => Effect.as(Effect.sleep(1000 * n), n),
          die: () => Effect.die("a defect")
        }
      })
  }) {}
  const act = Effect.gen(function* () {
    const rooms = yield* Room
    yield* Effect.sleep(`${yield* int(3)} seconds`)
    const key = yield* int(3)
    const room = rooms.get(key)
    const method = room[(["work", "work", "sleep", "die"] as const)[yield* int(4)]!] as Actor.Method<[number], number>
    switch (yield* int(5)) {
      case 0:
        return yield* rooms.stop(key)
      case 1: {
        const ref = yield* method.remote(1)
        yield* ObjectRef.cancel(ref)
        return yield* Effect.flatMap(Effect.exit(ref), check)
      }
      case 2:
        yield* Effect.flatMap(Effect.exit(method(1)), check)
        return yield* Actor.kill(room)
      default:
        return yield* Effect.flatMap(Effect.exit(method(1)), check)
    }
  })
  yield* Effect.provide(
    Effect.forEach([1, 2, 3, 4, 5], () => act, { concurrency: "unbounded" }),
    Room.layer
  )
  for (const count of up.values()) assert.strictEqual(count, 0)
})

describe("chaos", () => {
  it.explore("with keys whose residents come and go", keyed, { schedules: 600 })

  it.explore("while the instance lives", chaos(false), { schedules: 600 })
  it.explore("while it may be stopped and killed", chaos(true), { schedules: 600 })
})
