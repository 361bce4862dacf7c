/**
 * Causes on the wire. Typed failures go through the contract; defects keep their name, message, stack and plain fields,
 * but not their class, which the other side may not have. Errors of the language stay what they are.
 */
import * as ActorError from "@troupe/core/ActorError"
import * as Cause from "effect/Cause"
import { type Codec, codecOf } from "./codec.ts"
import { attempt, isError, messageOf, partOf, textOf } from "./guard.ts"

const Kind = { Failure: 0, Defect: 1, Interrupt: 2, ActorError: 3 } as const

type Packed = readonly [kind: (typeof Kind)[keyof typeof Kind], content?: unknown]

/**
 * Makes the reasons of a cause fit to cross, whatever is in it, and never throws. A typed failure that its schema cannot
 * encode crosses as a defect.
 */
export const pack = (cause: Cause.Cause<unknown>, error: Codec): ReadonlyArray<Packed> =>
  cause.reasons.map((reason): Packed => {
    if (Cause.isInterruptReason(reason)) return [Kind.Interrupt]
    if (Cause.isDieReason(reason)) return [Kind.Defect, packDefect(reason.defect, 0)]
    return packFailure(reason.error, error)
  })

const packFailure = (failure: unknown, error: Codec): Packed => {
  if (ActorError.isActorError(failure)) return [Kind.ActorError, packActorError(failure)]
  try {
    return [Kind.Failure, error.pack(failure)]
  } catch (issue) {
    const misfit = new TypeError(`a failure does not fit the contract: ${messageOf(issue)}`, { cause: failure })
    return [Kind.Defect, packDefect(misfit, 0)]
  }
}

export const unpack = (reasons: ReadonlyArray<Packed>, error: Codec): Cause.Cause<unknown> =>
  Cause.fromReasons(reasons.map((reason) => unpackReason(reason, error)))

const unpackReason = ([kind, content]: Packed, error: Codec): Cause.Reason<unknown> => {
  switch (kind) {
    case Kind.Interrupt:
      return Cause.makeInterruptReason()
    case Kind.Defect:
      return Cause.makeDieReason(unpackDefect(content as PackedDefect))
    case Kind.ActorError:
      return Cause.makeFailReason(unpackActorError(content as PackedActorError))
    case Kind.Failure:
      return Cause.makeFailReason(error.unpack(content))
  }
}

/** Whether the first thing to be said about a call is that it was cancelled. */
export const isCancelled = ({ reasons: [first] }: Cause.Cause<unknown>): boolean =>
  first !== undefined &&
  Cause.isFailReason(first) &&
  ActorError.isActorError(first.error) &&
  first.error.reason._tag === "TaskCancelled"

// --- errors of actors ------------------------------------------------------------------------------------------------

const actorError = codecOf(ActorError.ActorError)

interface PackedActorError {
  readonly reason: { readonly cause?: PackedDefect }
}

/** What killed an instance may be anything, so no schema looks at it. */
const packActorError = ({ reason }: ActorError.ActorError): unknown => {
  const { cause, ...fields } = reason as ActorError.Reason & { readonly cause?: unknown }
  const Reason = reason.constructor as new (fields: object) => ActorError.Reason
  const bare = cause === undefined ? reason : new Reason(fields)
  const packed = actorError.pack(new ActorError.ActorError({ reason: bare })) as { readonly reason: object }
  return cause === undefined ? packed : { ...packed, reason: { ...packed.reason, cause: packDefect(cause, 0) } }
}

const unpackActorError = (packed: PackedActorError): ActorError.ActorError => {
  const { cause } = packed.reason
  const reason = cause === undefined ? packed.reason : { ...packed.reason, cause: unpackDefect(cause) }
  return actorError.unpack({ ...packed, reason })
}

// --- defects ---------------------------------------------------------------------------------------------------------

/** An error or any other value that somebody threw. */
export type PackedDefect =
  | {
      readonly error: { readonly name: string; readonly message: string; readonly stack: string | undefined }
      readonly fields: object
      readonly cause: PackedDefect | undefined
    }
  | { readonly value: unknown }

/** Chains of causes may be long, or cycles. */
const MAX_CAUSES = 8

export const packDefect = (defect: unknown, depth: number): PackedDefect => {
  if (!isError(defect)) return { value: cloneable(defect) }
  const cause = partOf(defect, "cause")
  const stack = partOf(defect, "stack")
  return {
    error: {
      name: textOf(partOf(defect, "name")),
      message: textOf(partOf(defect, "message")),
      stack: typeof stack === "string" ? stack : undefined
    },
    fields: fieldsOf(defect),
    cause: cause === undefined || depth >= MAX_CAUSES ? undefined : packDefect(cause, depth + 1)
  }
}

/** Methods of an error are none of its fields, and a text in the place of `toString` would do harm. */
const fieldsOf = (error: Error): object =>
  Object.fromEntries(
    attempt(() => Object.keys(error), [])
      .filter((key) => !apart.has(key))
      .map((key) => [key, partOf(error, key)] as const)
      .filter(([, value]) => typeof value !== "function")
      .map(([key, value]) => [key, cloneable(value)])
  )

/** What crosses by itself, and what would change the class of the copy. */
const apart = new Set(["cause", "name", "message", "stack", "__proto__"])

/** The classes that every thread has. */
const classes = new Map<string, ErrorConstructor>(
  [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((known) => [known.name, known as any])
)

export const unpackDefect = (packed: PackedDefect): unknown => {
  if ("value" in packed) return packed.value
  const { message, name, stack } = packed.error
  const options = packed.cause === undefined ? undefined : { cause: unpackDefect(packed.cause) }
  const error = Object.assign(new (classes.get(name) ?? Error)(message, options), packed.fields)
  const own = { configurable: true, enumerable: false, writable: true }
  return Object.defineProperties(error, { name: { ...own, value: name }, stack: { ...own, value: stack } })
}

/** What cannot be cloned crosses as text. */
const cloneable = (value: unknown): unknown => {
  if (typeof value !== "object" && typeof value !== "function" && typeof value !== "symbol") return value
  try {
    return structuredClone(value)
  } catch {
    return textOf(value)
  }
}

/** For failures that no contract speaks of: as defects cross. */
export const anyError: Codec = { pack: (error) => packDefect(error, 0), unpack: unpackDefect }
