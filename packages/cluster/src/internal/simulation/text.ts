/**
 * Errors and arguments as they are told in a history.
 */
import * as Cause from "effect/Cause"

/** What is wrong, in a few words. */
export const textOf = (cause: Cause.Cause<unknown>): string => {
  const error: any = Cause.squash(cause)
  return String(error?.reason?._tag ?? (error?.message || (error?._tag ?? error)))
}

const LONG = 40

/** Arguments, in a few words, whatever they do when they are looked at. */
export const textOfArgs = (args: ReadonlyArray<unknown>): string => {
  const text = args.map(textOfArg).join(", ")
  return text.length > LONG ? `${text.slice(0, LONG)}…` : text
}

const textOfArg = (arg: unknown): string => {
  try {
    return JSON.stringify(arg) ?? String(arg)
  } catch {
    return `a ${typeof arg}`
  }
}
