/**
 * How calls fail for reasons of ours, and what every failure of a call carries.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import {
  ActorDied,
  ActorError,
  ActorUnavailable,
  Deadlock,
  DecodeError,
  FailedCall,
  PendingCallsLimitExceeded,
  type Reason,
  TaskCancelled,
  TimedOut
} from "../../ActorError.ts"
import { extend } from "../base/errorStack.ts"
import { withoutStack } from "../base/errors.ts"
import { isInstance } from "../base/show.ts"
import { Call, type Death, Misuse, Stage } from "./call.ts"
import { trailOf } from "./currentCall.ts"
import { framed } from "./frame.ts"
import type { MethodSpec } from "./method.ts"
import { older } from "./older.ts"
import { callers } from "./trail.ts"
import type { Waiter } from "./waits.ts"

/** A class of errors, and what its constructor takes. */
type ErrorClass<E, Fields extends object> = (new (fields: Fields) => E) & { readonly identifier: string }

/**
 * An error of fields that are right, as their types say: what its constructor makes, and a third of the time. Ending ten
 * thousand calls takes half as long so.
 */
const make = <E, Fields extends object>(Class: ErrorClass<E, Fields>, fields: Fields): E =>
  Object.assign(Reflect.construct(Error, [], Class), { _tag: Class.identifier, ...fields }) as E

export const actorError = (reason: () => Reason): ActorError =>
  withoutStack(() => make(ActorError, { reason: reason() }))

const about = ({ actor, name }: MethodSpec) => ({ actor, method: name })

/** What ends a call from outside says which one. */
const ended = ({ id, method }: Call) => ({ ...about(method), id })

/**
 * A reason that says which call failed, to programs and where it is printed. If it came from another call it says so
 * already: that one failed first.
 */
const told = <E>(call: Call, before: ReadonlyArray<string>, reason: Cause.Reason<E>): Cause.Reason<E> => {
  if (isAnnotated(reason)) return reason
  const error = (reason as any).error ?? (reason as any).defect
  const frames = framed(call, before, error, reason)
  extend(error, frames)
  const failed: FailedCall["Service"] = { call: call.origin, id: call.id, callers: before }
  const where = new Map<string, unknown>([
    [FailedCall.key, failed],
    [Cause.StackTrace.key, frames]
  ])
  return reason.annotate(Context.makeUnsafe(where), { overwrite: true })
}

const failCause = <E>(call: Call, reasons: ReadonlyArray<Cause.Reason<E>>): Exit.Exit<never, E> => {
  const before = callers(trailOf(call))
  return Exit.failCause(Cause.fromReasons(reasons.map((reason) => told(call, before, reason))))
}

const fail = (call: Call, make: () => Reason): Exit.Exit<never, ActorError> =>
  failCause(call, [Cause.makeFailReason(actorError(make))])

export const cancelled = (call: Call): Exit.Exit<never, ActorError> => fail(call, () => cancelledReason(call))

const cancelledReason = (call: Call): TaskCancelled =>
  make(TaskCancelled, { ...ended(call), mayHaveRun: call.attempts > 0 })

export const timedOut = (call: Call): Exit.Exit<never, ActorError> => fail(call, () => timedOutReason(call))

const timedOutReason = (call: Call): TimedOut =>
  make(TimedOut, {
    ...ended(call),
    timeout: Duration.toMillis(call.method.timeout!),
    mayHaveRun: call.attempts > 0
  })

export const died = (call: Call, death: Death): Exit.Exit<never, ActorError> =>
  fail(call, () => diedReason(call, death))

const diedReason = (call: Call, death: Death): ActorDied =>
  deathReason(call.method.actor, call.method.name, death, { id: call.id, mayHaveRun: call.attempts > 0 })

/** What the reader of a subscription fails with, which is no call. */
export const ofReader = (reason: () => Reason): Exit.Exit<never, ActorError> => Exit.fail(actorError(reason))

/** A death as it is told to those who ask about the instance, or about a call of it, or read it. */
export const deathReason = (
  actor: string,
  method: string,
  { at, cause, why }: Death,
  told: { readonly mayHaveRun: boolean; readonly id?: number; readonly isReader?: boolean }
): ActorDied => make(ActorDied, { actor, method, why, at, ...told, ...because(cause) })

const because = (cause: Cause.Cause<unknown> | undefined) =>
  cause === undefined ? undefined : { cause: Cause.squash(cause) }

export const deadlock = (waiter: Waiter, cycle: ReadonlyArray<string>): Exit.Exit<never, ActorError> => {
  if (waiter instanceof Call)
    return fail(waiter, () => make(Deadlock, { ...about(waiter.method), cycle, mayHaveRun: waiter.attempts > 0 }))
  return Exit.fail(actorError(() => make(Deadlock, { actor: waiter.origin, method: "", cycle, mayHaveRun: true })))
}

export const decode = (call: Call, text: string): Exit.Exit<never, ActorError> => {
  const issue = text + older(call.method.actor, call.method.key)
  return fail(call, () => make(DecodeError, { ...about(call.method), issue, mayHaveRun: call.attempts > 0 }))
}

export const ofAnotherRequest = (call: Call): Exit.Exit<never, ActorError> =>
  fail(call, () => make(ActorUnavailable, { ...ended(call), why: OTHER_REQUEST, mayHaveRun: false }))

const OTHER_REQUEST =
  "it is at work for another request, and on Cloudflare Workers a call cannot wait for timers and I/O of another request: make the runtime per request, or put the actor in a Durable Object"

export const limitExceeded = (call: Call, maxPendingCalls: number): Exit.Exit<never, ActorError> =>
  fail(call, () => make(PendingCallsLimitExceeded, { ...about(call.method), maxPendingCalls }))

/**
 * The exit of a call as its ref shows it. An interruption becomes the reason for it, whatever else is in the cause stays
 * (semantics 9.3), and the cause is annotated with who called.
 */
export const explain = (
  call: Call,
  exit: Exit.Failure<unknown, unknown>,
  death: Death | undefined
): Exit.Exit<unknown, unknown> => {
  const { cause } = exit
  const isEnding = call.stage > Stage.Running
  const ended = Cause.hasInterrupts(cause) && (isEnding || Cause.hasInterruptsOnly(cause))
  const reasons = ended
    ? [
        Cause.makeFailReason(actorError(() => whyInterrupted(call, death))),
        ...cause.reasons.filter((reason) => !Cause.isInterruptReason(reason))
      ]
    : cause.reasons
  if (reasons.every(isAnnotated)) return exit
  return failCause(call, reasons)
}

/**
 * Whether the method itself died, rather than a call that it waited for: a defect is the business of one actor. Nor is it
 * the method's when its caller took it for another kind of method.
 */
export const hasOwnDefect = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.some(
    (reason) => Cause.isDieReason(reason) && !isAnnotated(reason) && !isInstance(reason.defect, Misuse)
  )

const isAnnotated = (reason: Cause.Reason<unknown>): boolean => reason.annotations.has(FailedCall.key)

const whyInterrupted = (call: Call, death: Death | undefined): Reason => {
  switch (call.stage) {
    case Stage.Expiring:
      return timedOutReason(call)
    case Stage.Dying:
      return diedReason(call, death!)
    case Stage.Restarting:
      return unavailableReason(call)
    default:
      return cancelledReason(call)
  }
}

const unavailableReason = (call: Call): ActorUnavailable => {
  const { cause, why } = call.line.cell.life.restartsFor!
  return make(ActorUnavailable, { ...ended(call), why, mayHaveRun: true, ...because(cause) })
}
