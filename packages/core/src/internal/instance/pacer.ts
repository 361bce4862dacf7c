/**
 * Steps through a restart schedule, over the whole life of an instance.
 */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { steady } from "../base/time.ts"

/** Takes a step: how long to wait before the next restart, or `undefined` when the schedule allows no more. */
export type Pacer = (cause: Cause.Cause<unknown>) => Effect.Effect<Duration.Duration | undefined>

/** What paces and bounds restarts. It is stepped with what was the end of the life before. */
export type Restart = Schedule.Schedule<unknown, Cause.Cause<unknown>>

export const make = (schedule: Restart): Pacer => {
  let step: Effect.Success<ReturnType<typeof Schedule.toStep<unknown, Cause.Cause<unknown>, never, never>>> | undefined
  let clock: Clock.Clock | undefined
  return Effect.fnUntraced(function* (cause) {
    step ??= yield* Schedule.toStep(schedule)
    // A Schedule that counts "in a row" or "for a minute" measures, and is given the date in order to.
    clock ??= steady(yield* Clock.Clock)
    const now = clock.currentTimeMillisUnsafe()
    return yield* Effect.match(step(now, cause), { onFailure: () => undefined, onSuccess: ([, pause]) => pause })
  })
}
