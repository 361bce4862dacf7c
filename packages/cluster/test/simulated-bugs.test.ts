/**
 * Proof that simulated clusters bite: mistakes as people make them with a cluster are found, though the plain schedule
 * passes, and the mended program passes.
 */
import { assert, describe, it } from "@effect/vitest"
import { Explore } from "@troupe/testing"
import { Effect } from "effect"
import { bugs } from "./simulated/bugs/index.ts"

const LONG = 300_000

// The others are found in the same ways. `.ci/run` and `npm run soak` have all of them.
const some = new Set(["a reply before its store", "a saga whose first step is done twice"])
const soaking = process.env.TROUPE_EXPLORE_SCHEDULES !== undefined

describe.each(soaking ? bugs : bugs.filter(({ name }) => some.has(name)))(
  "$name",
  ({ broken, fixed, name, within }) => {
    it.live("is not found by the plain schedule", () => Explore.check(broken, { schedules: 1 }), LONG)

    it.live(
      `is found within ${within} schedules, and when the one that is left is replayed`,
      () =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(Explore.check(broken, { schedules: within, timeout: LONG }))
          if (soaking) yield* Effect.sync(() => console.log(`${name}: found by schedule ${error.schedules}`))
          const again = yield* Effect.flip(Explore.replay(broken, error.schedule))
          assert.strictEqual((again.cause as Error).message, (error.cause as Error).message)
        }),
      LONG
    )

    it.live("is not found when it is mended", () => Explore.check(fixed, { schedules: 10, timeout: LONG }), LONG)
  }
)
