/**
 * Errors as they are told in a history.
 */
import * as Cause from "effect/Cause"

/** What is wrong, in a few words. */
export const textOf = (cause: Cause.Cause<unknown>): string => {
  const error: any = Cause.squash(cause)
  return String(error?.reason?._tag ?? (error?.message || (error?._tag ?? error)))
}
