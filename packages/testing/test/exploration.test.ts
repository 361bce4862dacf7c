import { assert, describe, it } from "@effect/vitest"
import { Exploration, Explore } from "@troupe/testing"
import { Clock, Effect } from "effect"

const here = Effect.map(Exploration.Exploration, (exploration) => exploration!)

/** Sends a number of messages, each of which may get lost, and fails if the one with this number does. */
const sending = (count: number, needed: number) =>
  Effect.gen(function* () {
    const { choose, note } = yield* here
    for (let i = 0; i < count; i++) {
      const lost = choose("message", 2, 0.2) === 1
      if (lost) note("network", `loses message ${i}`)
      if (lost && i === needed) yield* Effect.die(new Error(`message ${i} is needed`))
    }
  })

describe("a simulation", () => {
  it.live("is there in a schedule only", () =>
    Effect.gen(function* () {
      assert.isUndefined(yield* Exploration.Exploration)
      yield* Explore.check(Effect.andThen(here, Effect.void), { schedules: 1 })
    })
  )

  it.live("has what usually happens in the first schedule", () => Explore.check(sending(100, 3), { schedules: 1 }))

  it.live("of which a choice makes the program fail is shortened to that choice, and replayed with it", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Explore.check(sending(20, 7)))
      assert.match(error.schedule, /^1\.\w+\.message~7=1$/)
      assert.include(error.message, "Shortened from")
      assert.match(error.message, /network +loses message 7/)
      const again = yield* Effect.flip(Explore.replay(sending(20, 7), error.schedule))
      const events = (message: string) => message.slice(message.search(/\n {2}main {2}/))
      assert.strictEqual(events(again.message), events(error.message))
      // Where the choice makes no difference any more, the schedule succeeds.
      yield* Explore.replay(sending(20, 8), error.schedule)
      yield* Explore.replay(sending(5, 4), error.schedule)
    })
  )

  it.live("is explored exhaustively: each outcome that seldom happens counts like a preemption", () =>
    Effect.gen(function* () {
      const seen = new Set<string>()
      const program = Effect.gen(function* () {
        const { choose } = yield* here
        seen.add([choose("a", 3, 0.1), choose("b", 2, 0.1)].join())
      })
      const report = yield* Explore.check(program, { strategy: "exhaustive", preemptions: 1 })
      assert.isTrue(report.complete)
      assert.deepStrictEqual([...seen].sort(), ["0,0", "0,1", "1,0", "2,0"])
    })
  )

  it.live("has things done soon, and at moments of virtual time, unless they are taken back", () =>
    Explore.check(
      Effect.gen(function* () {
        const { at, now, soon } = yield* here
        const log: Array<string> = []
        const began = now()
        at(began + 20, () => log.push("at 20"))
        const cancel = at(began + 10, () => log.push("taken back"))
        at(began + 5, () => log.push("at 5"))
        soon(() => log.push("soon"))
        cancel()
        yield* Effect.sleep(30)
        assert.deepStrictEqual(log, ["soon", "at 5", "at 20"])
        assert.strictEqual(now(), yield* Clock.currentTimeMillis)
      }),
      { schedules: 20 }
    )
  )

  it.live("that throws fails the program", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        const { at } = yield* here
        at(10, () => {
          throw new Error("the world ends")
        })
        yield* Effect.never
      })
      const error = yield* Effect.flip(Explore.check(program))
      assert.strictEqual(error.kind, "Failure")
      assert.strictEqual((error.cause as Error).message, "the world ends")
    })
  )

  it.live("has random numbers that follow from the seed", () =>
    Effect.gen(function* () {
      const drawn: Array<number> = []
      const program = Effect.map(here, ({ random }) => drawn.push(random()))
      yield* Explore.check(program, { schedules: 2 })
      yield* Explore.check(program, { schedules: 2 })
      assert.strictEqual(drawn[0], drawn[2])
      assert.strictEqual(drawn[1], drawn[3])
      assert.notStrictEqual(drawn[0], drawn[1])
    })
  )
})
