/**
 * A call as a frame of a stack: where a failure is printed, it stands between the frames of its method and those of its
 * caller, and says which calls led to it.
 */
import * as Cause from "effect/Cause"
import * as References from "effect/References"
import { BELOW_USERS } from "../base/effectInternals.ts"
import { fieldsText } from "../base/show.ts"
import type { Call } from "./call.ts"

/** What is shown of the calls that led to a call. */
const MAX_SHOWN = 5

/** `app/B.g #12 <- app/A.f`. */
const trailText = (origin: string, id: number, callers: ReadonlyArray<string>): string => {
  const shown = [`${origin} #${id}`, ...callers.slice(0, MAX_SHOWN)].join(" <- ")
  return callers.length > MAX_SHOWN ? `${shown} <- …` : shown
}

/** It is made for each failure and read for few, so its texts are made when they are read. */
const callFrame = (
  { id, origin }: Call,
  callers: ReadonlyArray<string>,
  error: unknown,
  parent: References.StackFrame | undefined
): References.StackFrame => ({
  parent,
  get name() {
    return trailText(origin, id, callers)
  },
  /** Effect prints a place here, in parentheses: a call has none, and shows what an error without a message holds. */
  stack: () => {
    const text = fieldsText(error)
    return text && `(${text})`
  }
})

/** The frames of a failure of `call`, of which the method left `own`. */
export const framed = (
  call: Call,
  callers: ReadonlyArray<string>,
  error: unknown,
  reason: Cause.Reason<unknown>
): References.StackFrame => {
  const submitted = call.context.mapUnsafe.get(References.CurrentStackFrame.key) as References.StackFrame | undefined
  const own = reason.annotations.get(Cause.StackTrace.key) as References.StackFrame | undefined
  return before(own, submitted, callFrame(call, callers, error, before(submitted, undefined, undefined)))!
}

/** The frames of `own` that come before `until`, and then `rest`. The place where we call a method is none of the user's. */
const before = (
  own: References.StackFrame | undefined,
  until: References.StackFrame | undefined,
  rest: References.StackFrame | undefined
): References.StackFrame | undefined =>
  own === undefined || isSame(own, until)
    ? rest
    : {
        name: own.name,
        stack: () => {
          const place = own.stack()
          return place?.includes(BELOW_USERS) ? undefined : place
        },
        get parent() {
          return before(own.parent, until, rest)
        }
      }

/** The same frame, of which a copy was made where a chain of them was cut. */
const isSame = (frame: References.StackFrame, other: References.StackFrame | undefined): boolean =>
  frame === other || (frame.name === other?.name && frame.stack === other.stack)
