/**
 * How long things take. The wall clock dates things, and is set now and then; durations come from a clock that only goes
 * forwards.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"

/** The clock of programs that bring none of their own. */
export const liveClock = Context.get(Context.empty(), Clock.Clock)

/** Where the platform has it: the clock of Effect counts in bigints, which takes as long as the rest of an event. */
const { performance } = globalThis as { readonly performance?: { now(): number } }

/** Milliseconds since some moment, with a fraction. Only differences between those of one clock mean anything. */
export const elapsed = (clock: Clock.Clock): number =>
  clock === liveClock && performance !== undefined ? performance.now() : Number(clock.monotonicTimeNanosUnsafe()) / 1e6

export const elapsedIn = (context: Context.Context<never>): number => elapsed(Context.get(context, Clock.Clock))

/** Dates by the wall clock. */
export const dateIn = (context: Context.Context<never>): number =>
  Context.get(context, Clock.Clock).currentTimeMillisUnsafe()

/** A length of time, for people: `148 ms`, `4.2 s`, `3 min 5 s`. */
export const duration = (millis: number): string => {
  if (millis < 1000) return `${Math.round(millis)} ms`
  if (millis < 60_000) return `${(millis / 1000).toFixed(1)} s`
  const seconds = Math.floor(millis / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
}

/** The same clock, whose date moves on as time does from now on, wherever the wall clock is set to. */
export const steady = (clock: Clock.Clock): Clock.Clock => {
  const origin = clock.currentTimeMillisUnsafe() - elapsed(clock)
  return Object.create(clock, { currentTimeMillisUnsafe: { value: () => origin + elapsed(clock) } })
}
