/**
 * Durations that users give, in milliseconds, checked where they are written.
 */
import { durationOf, show } from "@troupe/core/Home"
import * as Duration from "effect/Duration"

/** `subject` is named in errors. */
export const millis = (subject: string, option: string, value: Duration.Input): number => {
  const millis = parse(value)
  if (millis >= 0) return millis
  throw new RangeError(
    `${subject}: ${option} must be a duration of at least 0, like "5 seconds", but is ${show(value)}`
  )
}

/** The same for a duration that has to end, and to take a while. `what` is named in errors. */
export const finiteMillis = (what: string, value: Duration.Input, least: number): number => {
  const millis = parse(value)
  if (millis >= least && Number.isFinite(millis)) return Math.ceil(millis)
  throw new RangeError(`${what} must be a finite duration of at least ${least} ms, but is ${show(value)}`)
}

/** `NaN`, which is less than nothing, for what is no duration. */
const parse = (value: Duration.Input): number => {
  const duration = durationOf(value)
  return duration === undefined ? Number.NaN : Duration.toMillis(duration)
}
