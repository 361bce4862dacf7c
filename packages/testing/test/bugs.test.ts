/**
 * Proof that the explorer bites: races as people write them are found within the number of schedules that each states,
 * whatever the seed, though the plain schedule passes; and the mended program passes as many.
 */
import { assert, describe, it } from "@effect/vitest"
import { Explore } from "@troupe/testing"
import { Effect } from "effect"
import { bugs } from "./bugs/index.ts"

const seeds = [1, 2, 3, 4, 5]

describe.each(bugs)("$name", ({ broken, fixed, kind, within }) => {
  it.live("is not found by the plain schedule", () => Explore.check(broken, { schedules: 1 }))

  it.live.each(seeds)(`is found within ${within} schedules, with seed %i`, (seed) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Explore.check(broken, { schedules: within, seed }))
      assert.strictEqual(error.kind, kind)
      assert.isAtLeast(error.preemptions, 1)
      assert.isAtMost(error.preemptions, 2)
    })
  )

  it.live(`passes ${within} schedules when it is fixed`, () =>
    Effect.gen(function* () {
      const report = yield* Explore.check(fixed, { schedules: within })
      assert.strictEqual(report.schedules, within)
    })
  )

  it.live("fails in the same way when its schedule is replayed, with another report of the same lines", () =>
    Effect.gen(function* () {
      const found = yield* Effect.flip(Explore.check(broken, { schedules: within }))
      const again = yield* Effect.flip(Explore.replay(broken, found.schedule))
      assert.strictEqual(again.kind, kind)
      assert.strictEqual(again.schedule, found.schedule)
      const events = (message: string) => message.slice(message.search(/\n {2}main {2}/))
      assert.strictEqual(events(again.message), events(found.message))
    })
  )
})
