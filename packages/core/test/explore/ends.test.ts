/**
 * Promises about ends (semantics 5 and 6): whatever is cancelled, stopped, killed or restarted, and whenever that comes.
 */
import { assert, describe } from "@effect/vitest"
import { Actor, ActorError, ActorPool, ObjectRef } from "@troupe/core"
import { it } from "@troupe/testing/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Schedule, Stream } from "effect"

const schedules = 250
const range = (n: number): Array<number> => Array.from({ length: n }, (_, i) => i)

const reasonOf = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return "Success"
  const error = Cause.squash(exit.cause)
  return error instanceof ActorError.ActorError ? error.reason._tag : String(error)
}

/** Runs calls in a few steps, and knows which are between start and end. */
const makeDiary = () => {
  const open = new Set<number>()
  const begun: Array<number> = []
  let made = 0
  let closed = 0
  const work = (id: number) =>
    Effect.acquireUseRelease(
      Effect.sync(() => open.add(id)),
      () => Effect.as(Effect.yieldNow, id),
      () => Effect.sync(() => open.delete(id))
    )
  class Diary extends Actor.Service<Diary>()("test/Diary", {
    restart: Schedule.recurs(5),
    make: Effect.gen(function* () {
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          assert.strictEqual(made, closed, "two lives at the same time")
          made++
        }),
        () =>
          Effect.sync(() => {
            assert.strictEqual(open.size, 0, "finalizers run while calls do")
            closed++
          })
      )
      const start = (id: number) => {
        begun.push(id)
        return work(id)
      }
      return {
        work: start,
        hang: (id: number) => Effect.andThen(start(id), Effect.never),
        die: () => Effect.die("a defect")
      }
    })
  }) {}
  return { Diary, open, begun, lives: () => ({ made, closed }) }
}

describe("5.1 cancel", () => {
  it.explore(
    "tells the truth, and touches only that call",
    Effect.gen(function* () {
      const { Diary, begun, open } = makeDiary()
      const diary = yield* Diary.options({ maxConcurrency: 1 }).spawn()
      const refs = [yield* diary.work.remote(0), yield* diary.work.remote(1), yield* diary.work.remote(2)]
      yield* Effect.yieldNow
      const outcome = yield* ObjectRef.cancel(refs[1]!)
      const exit = yield* Effect.exit(refs[1]!)
      assert.isFalse(open.has(1))
      assert.strictEqual(reasonOf(exit), outcome === "AlreadyDone" ? "Success" : "TaskCancelled")
      assert.strictEqual(begun.includes(1), outcome !== "NotStarted")
      assert.deepStrictEqual(yield* ObjectRef.all([refs[0]!, refs[2]!]), [0, 2])
    }),
    { schedules: 400 }
  )

  it.explore(
    "of one call by many at once gives all of them an answer",
    Effect.gen(function* () {
      const { Diary } = makeDiary()
      const diary = yield* Diary.spawn()
      const ref = yield* diary.hang.remote(0)
      const outcomes = yield* Effect.forEach(range(3), () => ObjectRef.cancel(ref), { concurrency: "unbounded" })
      for (const outcome of outcomes) assert.oneOf(outcome, ["NotStarted", "Interrupted", "AlreadyDone"])
      assert.strictEqual(reasonOf(yield* Effect.exit(ref)), "TaskCancelled")
    }),
    { schedules }
  )

  it.explore(
    "5.3 reaches what the call has submitted",
    Effect.gen(function* () {
      const { Diary } = makeDiary()
      const diary = yield* Diary.spawn()
      const submitted: Array<ObjectRef.ObjectRef<unknown, unknown>> = []
      class Boss extends Actor.Service<Boss>()("test/Boss", {
        make: Effect.succeed({
          delegate: () =>
            Effect.gen(function* () {
              submitted.push(yield* diary.hang.remote(1))
              submitted.push(yield* diary.hang.remote(2))
              yield* diary.hang(3)
            })
        })
      }) {}
      const boss = yield* Boss.spawn()
      const ref = yield* boss.delegate.remote()
      yield* Effect.yieldNow
      yield* ObjectRef.cancel(ref)
      for (const ref of submitted) assert.strictEqual(reasonOf(yield* Effect.exit(ref)), "TaskCancelled")
    }),
    { schedules }
  )

  it.explore(
    "racing with a timeout settles the call once",
    Effect.gen(function* () {
      const { Diary } = makeDiary()
      const diary = yield* Diary.spawn()
      const ref = yield* diary.hang.options({ timeout: "1 second" }).remote(0)
      yield* Effect.all([Effect.exit(ref), Effect.delay(ObjectRef.cancel(ref), "1 second")], { concurrency: 2 })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(ref)))
    }),
    { schedules }
  )
})

describe("6.3 the end of an instance", () => {
  const ending = (how: (handle: Actor.AnyHandle) => Effect.Effect<void>, allowed: Array<string>) =>
    Effect.gen(function* () {
      const { Diary, begun, lives, open } = makeDiary()
      const diary = yield* Diary.options({ maxConcurrency: 2 }).spawn()
      const callers = yield* Effect.forEach(range(5), (id) => Effect.forkChild(Effect.exit(diary.work(id))))
      yield* how(diary)
      assert.strictEqual(open.size, 0)
      const exits = yield* Effect.forEach(callers, Fiber.join)
      for (const exit of exits) assert.oneOf(reasonOf(exit), allowed)
      for (const [id, exit] of exits.entries()) if (Exit.isSuccess(exit)) assert.include(begun, id)
      assert.deepStrictEqual(lives(), { made: 1, closed: 1 })
      assert.strictEqual(reasonOf(yield* Effect.exit(diary.work(9))), "ActorDied")
    })

  it.explore("stop lets accepted calls finish", ending(Actor.stop, ["Success", "ActorDied"]), { schedules })
  it.explore("kill ends them", ending(Actor.kill, ["Success", "ActorDied"]), { schedules })
  it.explore(
    "stop and kill at the same time both succeed when it is gone",
    ending(
      (handle) => Effect.all([Actor.stop(handle), Actor.kill(handle)], { concurrency: 2, discard: true }),
      ["Success", "ActorDied"]
    ),
    { schedules }
  )

  it.explore(
    "6.3 of a Scope leaves no call unsettled",
    Effect.gen(function* () {
      const { Diary, lives } = makeDiary()
      const refs = yield* Effect.scoped(
        Effect.gen(function* () {
          const diary = yield* Diary.options({ maxConcurrency: 1 }).spawn()
          return [yield* diary.work.remote(1), yield* diary.hang.remote(2), yield* diary.work.remote(3)]
        })
      )
      const exits = yield* Effect.forEach(refs, (ref) => Effect.exit(ref as ObjectRef.ObjectRef<unknown, unknown>))
      assert.deepStrictEqual(exits.map(reasonOf), ["Success", "ActorDied", "ActorDied"])
      assert.deepStrictEqual(lives(), { made: 1, closed: 1 })
    }),
    { schedules }
  )
})

describe("6.7 a restart", () => {
  it.explore(
    "keeps waiting calls, and has one life end before the next begins",
    Effect.gen(function* () {
      const { Diary, lives } = makeDiary()
      const exits = yield* Effect.scoped(
        Effect.gen(function* () {
          const diary = yield* Diary.options({ maxConcurrency: 2 }).spawn()
          const calls = [diary.work(0), diary.die(), diary.work(1), diary.work(2), diary.work(3)]
          return yield* Effect.forEach(calls, (call) => Effect.exit(call as Effect.Effect<unknown, unknown>), {
            concurrency: "unbounded"
          })
        })
      )
      for (const i of [0, 2, 3, 4]) assert.oneOf(reasonOf(exits[i]!), ["Success", "ActorUnavailable"])
      assert.strictEqual(reasonOf(exits[1]!), "a defect")
      assert.strictEqual(lives().made, lives().closed)
    }),
    { schedules: 400 }
  )

  it.explore(
    "of an instance whose Scope closes on the stack of whoever hears of the defect leaves no life behind",
    Effect.gen(function* () {
      const { Diary, lives } = makeDiary()
      yield* Effect.scoped(Effect.flatMap(Diary.spawn(), (diary) => Effect.exit(diary.die())))
      assert.strictEqual(lives().made, lives().closed)
    }),
    { schedules }
  )

  it.explore(
    "of an instance whose Scope closes while its finalizers run leaves no life behind",
    Effect.gen(function* () {
      let up = 0
      const ending = yield* Deferred.make<void>()
      class Mortal extends Actor.Service<Mortal>()("test/Ending", {
        restart: Schedule.forever,
        make: Effect.as(
          Effect.acquireRelease(
            Effect.sync(() => up++),
            () =>
              Effect.andThen(
                Effect.sync(() => up--),
                Deferred.succeed(ending, undefined)
              )
          ),
          { die: () => Effect.andThen(Effect.yieldNow, Effect.die("a defect")) }
        )
      }) {}
      yield* Effect.scoped(
        Effect.gen(function* () {
          const mortal = yield* Mortal.spawn()
          yield* Effect.forkChild(Effect.exit(mortal.die()))
          yield* Deferred.await(ending)
        })
      )
      assert.strictEqual(up, 0)
    }),
    { schedules }
  )

  it.explore(
    "6.8 runs calls again that may be, each to its one result",
    Effect.gen(function* () {
      const { Diary } = makeDiary()
      const diary = yield* Diary.options({ maxTaskRetries: 5 }).spawn()
      const deaths = Effect.exit(diary.die.options({ maxTaskRetries: 0 })())
      const work = Effect.forEach(range(4), (id) => diary.work(id), { concurrency: "unbounded" })
      const [ids] = yield* Effect.all([work, deaths, deaths], { concurrency: "unbounded" })
      assert.deepStrictEqual(ids, range(4))
    }),
    { schedules: 400 }
  )

  it.explore(
    "6.8 a retried call keeps its place in line",
    Effect.gen(function* () {
      const started: Array<number> = []
      class Moody extends Actor.Service<Moody>()("test/Moody", {
        maxConcurrency: 1,
        maxTaskRetries: 2,
        retry: true,
        make: Effect.succeed({
          work: (id: number) => {
            started.push(id)
            const first = started.filter((other) => other === id).length === 1
            return first && id < 2 ? Effect.andThen(Effect.yieldNow, Effect.fail("not yet")) : Effect.succeed(id)
          }
        })
      }) {}
      const moody = yield* Moody.spawn()
      const refs = [yield* moody.work.remote(0), yield* moody.work.remote(1), yield* moody.work.remote(2)]
      assert.deepStrictEqual(yield* ObjectRef.all(refs), [0, 1, 2])
      assert.deepStrictEqual(started, [0, 0, 1, 1, 2])
    }),
    { schedules }
  )

  it.explore(
    "with a kill in the middle of it ends for good",
    Effect.gen(function* () {
      const { Diary, lives } = makeDiary()
      const diary = yield* Diary.spawn()
      const calls = yield* Effect.forEach([diary.die(), diary.work(1), diary.work(2)], (call) =>
        Effect.forkChild(Effect.exit(call as Effect.Effect<unknown, unknown>))
      )
      yield* Actor.kill(diary)
      yield* Effect.forEach(calls, Fiber.join)
      assert.strictEqual(lives().made, lives().closed)
      assert.strictEqual(reasonOf(yield* Effect.exit(diary.work(3))), "ActorDied")
    }),
    { schedules: 400 }
  )
})

describe("7", () => {
  it.explore(
    "7.1 of many that want the same name at once, one makes it and all get it",
    Effect.gen(function* () {
      const { Diary, lives } = makeDiary()
      const named = Diary.options({ name: "the one", getIfExists: true })
      const handles = yield* Effect.forEach(range(3), () => named.spawn(), { concurrency: "unbounded" })
      for (const handle of handles) assert.strictEqual(handle, handles[0])
      assert.strictEqual(lives().made, 1)
    }),
    { schedules }
  )

  it.explore(
    "7.1 a name is free again once its holder is gone",
    Effect.gen(function* () {
      const { Diary, lives } = makeDiary()
      const named = Diary.options({ name: "the one", getIfExists: true })
      const use = Effect.scoped(Effect.flatMap(named.spawn(), (diary) => Effect.exit(diary.work(1))))
      yield* Effect.forEach(range(3), () => use, { concurrency: "unbounded" })
      assert.strictEqual(lives().made, lives().closed)
    }),
    { schedules }
  )

  it.explore(
    "7.2 a key has one instance at a time, and no call is lost while it passivates",
    Effect.gen(function* () {
      let up = 0
      let total = 0
      class Room extends Actor.Keyed<Room>()("test/Room", {
        idleTimeToLive: "1 second",
        make: (_key: string) =>
          Effect.gen(function* () {
            yield* Effect.acquireRelease(
              Effect.sync(() => assert.strictEqual(++up, 1)),
              () =>
                Effect.andThen(
                  Effect.yieldNow,
                  Effect.sync(() => up--)
                )
            )
            return { enter: () => Effect.sync(() => ++total) }
          })
      }) {}
      yield* Effect.gen(function* () {
        const room = yield* Room.get("lobby")
        const visits = ["0 seconds", "1 second", "1 second", "2 seconds"] as const
        yield* Effect.forEach(visits, (when) => Effect.delay(room.enter(), when), { concurrency: "unbounded" })
      }).pipe(Effect.provide(Room.layer))
      assert.strictEqual(total, 4)
      assert.strictEqual(up, 0)
    }),
    { schedules: 300 }
  )

  it.explore(
    "7.4 a pool does all its work, in order, over members that run one call each",
    Effect.gen(function* () {
      class Worker extends Actor.Service<Worker>()("test/PoolWorker", {
        maxConcurrency: 1,
        make: Effect.succeed({ double: (n: number) => Effect.as(Effect.yieldNow, n * 2) })
      }) {}
      const pool = yield* ActorPool.make({ spawn: Worker.spawn(), size: 2 })
      const results = yield* Stream.runCollect(pool.map(range(6), (worker, n) => worker.double(n)))
      assert.deepStrictEqual([...results], [0, 2, 4, 6, 8, 10])
    }),
    { schedules }
  )

  it.explore(
    "7.5 a stream gives its items in order, and its permit back when its consumer stops",
    Effect.gen(function* () {
      class Ticker extends Actor.Service<Ticker>()("test/Ticker", {
        maxConcurrency: 1,
        make: Effect.succeed({ ticks: (n: number) => Stream.rechunk(Stream.fromIterable(range(n)), 1) })
      }) {}
      const ticker = yield* Ticker.spawn()
      const [some, all] = yield* Effect.all(
        [ticker.ticks(5).pipe(Stream.take(2), Stream.runCollect), Stream.runCollect(ticker.ticks(3))],
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        [[...some], [...all]],
        [
          [0, 1],
          [0, 1, 2]
        ]
      )
    }),
    { schedules }
  )
})
