/**
 * Proof that simulated clusters bite: mistakes as people make them with a cluster are found, though the plain schedule
 * passes, and the mended program passes.
 */
import { assert, describe, it } from "@effect/vitest"
import { Explore } from "@troupe/testing"
import { Effect } from "effect"
import { bugs } from "./simulated/bugs/index.ts"

const LONG = 300_000

describe.each(bugs)("$name", ({ broken, fixed, within }) => {
  it.live("is not found by the plain schedule", () => Explore.check(broken, { schedules: 1 }), LONG)

  it.live(
    `is found within ${within} schedules, and when the one that is left is replayed`,
    () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Explore.check(broken, { schedules: within, timeout: LONG }))
        const again = yield* Effect.flip(Explore.replay(broken, error.schedule))
        assert.strictEqual((again.cause as Error).message, (error.cause as Error).message)
      }),
    LONG
  )

  it.live("is not found when it is mended", () => Explore.check(fixed, { schedules: 10, timeout: LONG }), LONG)
})
