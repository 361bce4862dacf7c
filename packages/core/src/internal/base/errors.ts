/**
 * The stacks of errors: those that this library makes have none, and those of users end where the inside of this library
 * begins.
 */
import { BELOW_USERS } from "./effectInternals.ts"

const Limit = Error as unknown as { stackTraceLimit: number | undefined }

/**
 * Makes an error without a stack: it would show the inside of this library, and capturing it is most of the cost when
 * a dying actor fails thousands of calls. Who called is in the cause's `FailedCall`.
 */
export const withoutStack = <A>(make: () => A): A => {
  const { stackTraceLimit } = Limit
  Limit.stackTraceLimit = 0
  try {
    return make()
  } finally {
    Limit.stackTraceLimit = stackTraceLimit
  }
}

const own = {
  [BELOW_USERS]: <Args extends ReadonlyArray<any>, A>(f: (...args: Args) => A, args: Args): A => f(...args)
}

/** Calls a function of a user: a printed cause shows its frames, and none of what called it. */
export const callUsers = own[BELOW_USERS]!

/** A stack up to where the inside of Effect, or of this library, begins. */
export const framesOfUsers = (stack: string): string => {
  const lines = stack.split("\n")
  const inside = lines.findIndex((line) => INSIDE.test(line))
  if (inside < 0) return stack
  // The function that Effect.sync was given has a name of Effect, and is the user's.
  return lines.slice(0, OF_USER.test(lines[inside]!) ? inside + 1 : inside).join("\n")
}

const INSIDE = /^\s+at .*~effect\/Effect\//
const OF_USER = /~effect\/Effect\/args/
