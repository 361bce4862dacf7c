/**
 * Promises about beginnings and deaths: constructors that fail or are interrupted, exits from inside, restarts that come
 * to their end, members of pools.
 */
import { assert, describe } from "@effect/vitest"
import { Actor, ActorError, ActorPool, Broadcast, ObjectRef } from "@troupe/core"
import { it } from "@troupe/testing/vitest"
import { Cause, Effect, Exit, Fiber, Schedule, Stream } from "effect"

const schedules = 200
const range = (n: number): Array<number> => Array.from({ length: n }, (_, i) => i)

const reasonOf = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return "Success"
  const error: any = Cause.squash(exit.cause)
  return error instanceof ActorError.ActorError ? error.reason._tag : (error?._tag ?? String(error))
}

/** An actor whose lives are counted, and whose constructor fails the first `failures` times. */
const makeMortal = (failures = 0) => {
  const lives = { begun: 0, up: 0 }
  class Mortal extends Actor.Service<Mortal>()("test/Mortal", {
    make: Effect.gen(function* () {
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          assert.strictEqual(++lives.up, 1, "two lives at the same time")
          lives.begun++
        }),
        () => Effect.sync(() => lives.up--)
      )
      yield* Effect.yieldNow
      if (lives.begun <= failures) return yield* Effect.fail("not today" as const)
      return {
        work: (n: number) => Effect.as(Effect.yieldNow, n),
        hang: () => Effect.never,
        exit: () => Effect.andThen(Effect.yieldNow, Actor.exit),
        die: () => Effect.andThen(Effect.yieldNow, Effect.die("a defect"))
      }
    })
  }) {}
  return { Mortal, lives }
}

describe("6.2 a constructor", () => {
  it.explore(
    "that is interrupted leaves nothing behind, and its name is free",
    Effect.gen(function* () {
      const { Mortal, lives } = makeMortal()
      const named = Mortal.options({ name: "one" })
      const first = yield* Effect.forkChild(Effect.scoped(Effect.flatMap(named.spawn(), (mortal) => mortal.work(1))))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(first)
      assert.strictEqual(lives.up, 0)
      yield* Effect.scoped(Effect.flatMap(named.spawn(), (mortal) => mortal.work(2)))
      assert.strictEqual(lives.up, 0)
    }),
    { schedules }
  )

  it.explore(
    "that fails tells whoever made it; others who want the same name try for themselves",
    Effect.gen(function* () {
      const { Mortal, lives } = makeMortal(1)
      const named = Mortal.options({ name: "one", getIfExists: true })
      yield* Effect.scoped(
        Effect.gen(function* () {
          const exits = yield* Effect.forEach(range(3), () => Effect.exit(named.spawn()), { concurrency: "unbounded" })
          assert.strictEqual(exits.filter((exit) => reasonOf(exit) === "not today").length, 1)
          assert.strictEqual(lives.up, 1)
        })
      )
      assert.deepStrictEqual(lives, { begun: 2, up: 0 })
    }),
    { schedules }
  )

  it.explore(
    "7.2 of a key that fails fails the calls that wait for it; the next call has it made again",
    Effect.gen(function* () {
      let made = 0
      class Room extends Actor.Keyed<Room>()("test/MortalRoom", {
        make: (_key: string) =>
          Effect.gen(function* () {
            const first = made++ === 0
            yield* Effect.yieldNow
            if (first) return yield* Effect.die("not today")
            return { enter: () => Effect.succeed("in") }
          })
      }) {}
      yield* Effect.gen(function* () {
        const room = yield* Room.get("lobby")
        const exits = yield* Effect.forEach(range(3), () => Effect.exit(room.enter()), { concurrency: "unbounded" })
        for (const exit of exits) assert.oneOf(reasonOf(exit), ["Success", "ActorDied"])
        assert.strictEqual(yield* room.enter(), "in")
      }).pipe(Effect.provide(Room.layer))
      assert.strictEqual(made, 2)
    }),
    { schedules }
  )
})

describe("6.5 exit", () => {
  it.explore(
    "ends the actor after the running calls, and no call is left",
    Effect.gen(function* () {
      const { Mortal, lives } = makeMortal()
      const mortal = yield* Mortal.options({ maxConcurrency: 2 }).spawn()
      const calls = [mortal.work(0), mortal.exit(), mortal.work(1), mortal.work(2), mortal.exit()]
      const exits = yield* Effect.forEach(calls, (call) => Effect.exit(call as Effect.Effect<unknown, unknown>), {
        concurrency: "unbounded"
      })
      for (const exit of exits) assert.oneOf(reasonOf(exit), ["Success", "ActorDied"])
      assert.strictEqual(reasonOf(exits[1]!), "ActorDied")
      assert.strictEqual((yield* Actor.watch(mortal)).why, "it called Actor.exit")
      assert.strictEqual(lives.up, 0)
    }),
    { schedules: 300 }
  )
})

describe("6.9 watch", () => {
  it.explore(
    "tells all who watch, whenever they begin to",
    Effect.gen(function* () {
      const { Mortal, lives } = makeMortal()
      const mortal = yield* Mortal.spawn()
      const watchers = yield* Effect.forEach(range(3), () => Effect.forkChild(Actor.watch(mortal)))
      const hanging = yield* Effect.forkChild(Effect.exit(mortal.hang()))
      yield* Fiber.interrupt(watchers[1]!)
      yield* Actor.kill(mortal)
      for (const watcher of watchers.toSpliced(1, 1))
        assert.strictEqual((yield* Fiber.join(watcher)).why, "it was killed")
      assert.strictEqual(reasonOf(yield* Fiber.join(hanging)), "ActorDied")
      assert.strictEqual(lives.up, 0)
    }),
    { schedules }
  )
})

describe("6.7 a restart schedule", () => {
  it.explore(
    "that ends leaves no call unsettled, and one life after the other",
    Effect.gen(function* () {
      const { Mortal, lives } = makeMortal()
      const mortal = yield* Mortal.options({
        maxConcurrency: 2,
        restart: Schedule.exponential("1 second").pipe(Schedule.upTo({ times: 1 })),
        maxTaskRetries: 1
      }).spawn()
      const calls = [mortal.work(1), mortal.die(), mortal.work(2), mortal.die(), mortal.work(3)]
      const exits = yield* Effect.forEach(calls, (call) => Effect.exit(call as Effect.Effect<unknown, unknown>), {
        concurrency: "unbounded"
      })
      for (const exit of exits) assert.oneOf(reasonOf(exit), ["Success", "a defect", "ActorDied", "ActorUnavailable"])
      assert.isAtMost(lives.begun, 2)
    }),
    { schedules: 300 }
  )
})

describe("7.8 a reader of an instance that restarts", () => {
  it.explore(
    "waits for the next life without taking turns",
    Effect.gen(function* () {
      class Room extends Actor.Service<Room>()("test/Room", {
        onDefect: "restart",
        restart: Schedule.recurs(1),
        make: Effect.gen(function* () {
          const news = yield* Broadcast.make<string>({ replay: 1 })
          yield* news.publish("alive")
          return { news, die: () => Effect.die("a defect"), ping: () => Effect.void }
        })
      }) {}
      const room = yield* Room.spawn()
      const read = yield* Effect.forkChild(Stream.runCollect(Stream.take(room.news(), 3)))
      yield* Effect.yieldNow
      yield* Effect.exit(room.die())
      yield* room.ping()
      const reader = yield* Effect.forkChild(Stream.runCollect(Stream.take(room.news(), 1)))
      assert.deepStrictEqual(yield* Fiber.join(reader), ["alive"])
      yield* Fiber.interrupt(read)
    }),
    { schedules }
  )
})

describe("7.4 a pool", () => {
  it.explore(
    "loses no work silently when members die, and goes on",
    Effect.gen(function* () {
      class Worker extends Actor.Service<Worker>()("test/PoolMember", {
        make: Effect.succeed({
          work: (n: number) => Effect.as(Effect.yieldNow, n),
          exit: () => Effect.andThen(Effect.yieldNow, Actor.exit)
        })
      }) {}
      const pool = yield* ActorPool.make({ spawn: Worker.spawn(), size: 2 })
      const work = range(4).map((n) => Effect.exit(pool.run((member) => member.work(n))))
      const deaths = [
        Effect.exit(pool.run((member) => member.exit())),
        Effect.exit(pool.run((member) => member.exit()))
      ]
      const exits = yield* Effect.all([...work, ...deaths], { concurrency: "unbounded" })
      for (const exit of exits.slice(0, 4)) assert.oneOf(reasonOf(exit), ["Success", "ActorDied"])
      for (const exit of exits.slice(4)) assert.strictEqual(reasonOf(exit), "ActorDied")
      assert.strictEqual(yield* pool.run((member) => member.work(9)), 9)
    }),
    { schedules: 300 }
  )

  it.explore(
    "takes work by ref, which can be cancelled",
    Effect.gen(function* () {
      class Worker extends Actor.Service<Worker>()("test/PoolMember", {
        make: Effect.succeed({ work: (n: number) => Effect.as(Effect.yieldNow, n) })
      }) {}
      const pool = yield* ActorPool.make({ spawn: Worker.spawn(), size: 1 })
      const refs = yield* Effect.forEach(range(4), (n) => pool.remote((member) => member.work(n)))
      yield* ObjectRef.cancel(refs[1]!)
      const exits = yield* ObjectRef.allSettled(refs)
      assert.deepStrictEqual(
        exits.filter(Exit.isSuccess).map(({ value }) => value),
        exits.flatMap((exit, i) => (Exit.isSuccess(exit) ? [i] : []))
      )
      assert.isAtLeast(exits.filter(Exit.isSuccess).length, 3)
    }),
    { schedules }
  )
})
