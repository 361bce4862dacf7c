/**
 * Options, checked where they are written.
 */
import * as Home from "@troupe/core/Home"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

/** A duration in milliseconds. `subject` is named in errors. */
export const millis = (subject: string, option: string, value: Duration.Input): number => {
  const parsed = Option.getOrUndefined(Duration.fromInput(value))
  const millis = parsed === undefined ? Number.NaN : Duration.toMillis(parsed)
  if (millis >= 0) return millis
  throw new RangeError(
    `${subject}: ${option} must be a duration of at least 0, like "5 seconds", but is ${show(value)}`
  )
}

export const { show } = Home
