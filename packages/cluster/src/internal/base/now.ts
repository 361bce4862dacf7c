/**
 * What time it is, for measuring how long something takes.
 */
import { elapsed } from "@troupe/core/Home"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** Milliseconds of the monotonic clock in context. */
export const now: Effect.Effect<number> = Effect.map(Clock.Clock, elapsed)
