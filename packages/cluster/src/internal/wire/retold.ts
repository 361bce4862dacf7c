/**
 * A failure as the caller's side tells it.
 *
 * Within a process, a failure keeps what the instance has noted on it: the number of the call there, and no callers, since
 * it is the engine that submits calls there. Between processes that is lost, and the caller's side tells which of its calls
 * failed, and what led to it. So it does within a process.
 */
import { FailedCall } from "@troupe/core/ActorError"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type * as References from "effect/References"

/** `call` names the method of the instance, as it names itself. */
export const retold = <E>(call: string, cause: Cause.Cause<E>): Cause.Cause<E> =>
  cause.reasons.some((reason) => isOf(call, reason))
    ? Cause.fromReasons(cause.reasons.map((reason) => (isOf(call, reason) ? bare(reason) : reason)))
    : cause

/**
 * Whether the instance has noted it, of its own call or of one that led to another: the first of the calls is that which
 * the engine submitted.
 */
const isOf = (call: string, reason: Cause.Reason<unknown>): boolean => {
  const noted = reason.annotations.get(FailedCall.key) as FailedCall["Service"] | undefined
  return noted !== undefined && (noted.callers.at(-1) ?? noted.call) === call
}

/** The reason with the frames of the method alone, or with those of the calls that it made. */
const bare = <E>(reason: Cause.Reason<E>): Cause.Reason<E> => {
  if (Cause.isInterruptReason(reason)) return reason
  const { call, id } = reason.annotations.get(FailedCall.key) as FailedCall["Service"]
  const frames = reason.annotations.get(Cause.StackTrace.key) as References.StackFrame | undefined
  const own = before(frames, `${call} #${id}`)
  const again = Cause.isFailReason(reason) ? Cause.makeFailReason(reason.error) : Cause.makeDieReason(reason.defect)
  return own === undefined ? again : again.annotate(Context.make(Cause.StackTrace, own) as Context.Context<never>)
}

/** The frames that come before the one of this name. */
const before = (frame: References.StackFrame | undefined, name: string): References.StackFrame | undefined =>
  frame === undefined || frame.name === name
    ? undefined
    : { name: frame.name, stack: () => frame.stack(), parent: before(frame.parent, name) }
