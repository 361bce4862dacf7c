/**
 * Steps through a restart schedule, over the whole life of an instance.
 */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { steady } from "./time.ts"

/** Waits for the next restart. Succeeds with `false` when the schedule allows no more. */
export type Pacer = (cause: Cause.Cause<unknown>) => Effect.Effect<boolean>

/** What paces and bounds restarts. It is stepped with what was the end of the life before. */
export type Restart = Schedule.Schedule<unknown, Cause.Cause<unknown>>

export const make = (schedule: Restart): Pacer => {
  let step: ((cause: Cause.Cause<unknown>) => Effect.Effect<unknown, unknown>) | undefined
  return Effect.fnUntraced(function* (cause) {
    // A Schedule that counts "in a row" or "for a minute" measures, and asks for the date in order to.
    step ??= yield* Effect.updateService(Schedule.toStepWithSleep(schedule), Clock.Clock, steady)
    return yield* Effect.match(step(cause), { onFailure: () => false, onSuccess: () => true })
  })
}
