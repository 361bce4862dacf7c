/**
 * Steps through a restart schedule, over the whole life of an instance.
 */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"

/** Takes a step: how long to wait before the next restart, or `undefined` when the schedule allows no more. */
export type Pacer = (cause: Cause.Cause<unknown>) => Effect.Effect<Duration.Duration | undefined>

export const make = (schedule: Schedule.Schedule<unknown, Cause.Cause<unknown>>): Pacer => {
  let step: Effect.Success<ReturnType<typeof Schedule.toStep<unknown, Cause.Cause<unknown>, never, never>>> | undefined
  return Effect.fnUntraced(function* (cause) {
    step ??= yield* Schedule.toStep(schedule)
    const now = yield* Clock.currentTimeMillis
    return yield* Effect.match(step(now, cause), { onFailure: () => undefined, onSuccess: ([, pause]) => pause })
  })
}
