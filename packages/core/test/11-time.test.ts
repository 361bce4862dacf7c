/**
 * The wall clock of a machine is set, forwards and back, while the program runs.
 */
import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorSystem, ObjectRef } from "@troupe/core"
import { Clock, Context, Effect, Exit, Fiber, Layer, Schedule } from "effect"
import { TestClock } from "effect/testing"
import { fork, Probe, reasonOf, settle, Worker } from "./support.ts"

const HOUR = 3_600_000

/** Runs a test with a clock whose dates it can set, in milliseconds from those of the test clock. */
const withWallClock = <A, E, R>(test: (set: (shift: number) => void) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(Clock.Clock, (clock) => {
    let shift = 0
    const wall: Clock.Clock = Object.create(clock, {
      currentTimeMillisUnsafe: { value: () => clock.currentTimeMillisUnsafe() + shift },
      currentTimeNanosUnsafe: { value: () => clock.currentTimeNanosUnsafe() + BigInt(shift) * 1_000_000n }
    })
    const set = (to: number) => {
      shift = to
    }
    return Effect.provideService(test(set), Clock.Clock, wall)
  })

describe("11.4", () => {
  for (const [way, shift] of [
    ["forwards", HOUR],
    ["back", -HOUR]
  ] as const) {
    it.effect(`11.4 the wall clock is set ${way}: a call times out when its time is over, waiting or running`, () =>
      withWallClock((set) =>
        Effect.gen(function* () {
          const probe = new Probe()
          const one = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
          const timed = one.work.options({ timeout: "30 seconds" })
          const first = yield* timed.remote("a")
          const second = yield* timed.remote("b")
          yield* probe.started("a")
          yield* TestClock.adjust("10 seconds")
          set(shift)
          yield* probe.open("a")
          assert.strictEqual(yield* first, "a")
          yield* probe.started("b")
          yield* TestClock.adjust("19999 millis")
          assert.strictEqual(probe.running, 1)
          yield* TestClock.adjust("1 millis")
          assert.strictEqual((yield* reasonOf(second))._tag, "TimedOut")
        })
      )
    )

    it.effect(`11.4 the wall clock is set ${way}: an idle key ends when its time is over`, () =>
      withWallClock((set) =>
        Effect.gen(function* () {
          class Room extends Actor.Keyed<Room>()("test/Room", {
            idleTimeToLive: "1 minute",
            make: (_: string) => Effect.succeed({ hi: () => Effect.void })
          }) {}
          const rooms = Context.get(yield* Layer.build(Room.layer), Room)
          yield* rooms.get("a").hi()
          yield* TestClock.adjust("30 seconds")
          set(shift)
          yield* rooms.get("b").hi()
          yield* TestClock.adjust("29 seconds")
          assert.sameMembers([...(yield* rooms.keys)], ["a", "b"])
          yield* TestClock.adjust("1 second")
          yield* settle
          assert.deepStrictEqual(yield* rooms.keys, ["b"])
          yield* TestClock.adjust("30 seconds")
          yield* settle
          assert.deepStrictEqual(yield* rooms.keys, [])
        })
      )
    )

    it.effect(
      `11.4 the wall clock is set ${way}: what is shown of a call is how long it has taken, and dates are new`,
      () =>
        withWallClock((set) =>
          Effect.gen(function* () {
            const events: Array<ActorSystem.Event> = []
            yield* ActorSystem.watch((event) => events.push(event))
            const probe = new Probe()
            const one = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
            const first = yield* one.work.remote("a")
            const second = yield* one.work.remote("b")
            yield* probe.started("a")
            yield* TestClock.adjust("10 seconds")
            set(shift)
            yield* TestClock.adjust("2 seconds")
            assert.match(yield* ObjectRef.explain(first), /running 12\.0 s/)
            assert.match(String(second), /waiting 12\.0 s/)
            const { at, calls } = yield* ActorSystem.snapshot()
            assert.strictEqual(at, shift + 12_000)
            for (const { since } of calls) assert.strictEqual(since, shift)
            yield* probe.open("a", "b")
            yield* ObjectRef.all([first, second])
            const settled = events.filter((event) => event._tag === "Settled")
            assert.deepInclude(settled[0], { waited: 0, ran: 12_000, at: shift + 12_000 })
            assert.deepInclude(settled[1], { waited: 12_000, ran: 0 })
          })
        )
    )

    it.effect(`11.4 the wall clock is set ${way}: restarts are paced by the time that has passed`, () =>
      withWallClock((set) =>
        Effect.gen(function* () {
          const restart = Schedule.max([Schedule.spaced("1 second"), Schedule.during("1 minute")])
          const one = yield* Worker.options({ restart }).spawn()
          const lives = Effect.gen(function* () {
            const death = yield* fork(Effect.exit(one.die("a defect")))
            yield* settle
            yield* TestClock.adjust("1 second")
            yield* Fiber.join(death)
            return Exit.isSuccess(yield* Effect.exit(one.echo(1)))
          })
          assert.isTrue(yield* lives)
          set(shift)
          assert.isTrue(yield* lives)
          yield* TestClock.adjust("1 minute")
          assert.isFalse(yield* lives)
        })
      )
    )
  }
})
