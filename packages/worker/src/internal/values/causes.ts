/**
 * Causes on the wire. Typed failures go through the contract; defects keep their name, message, stack and plain fields,
 * but not their class, which the other side may not have. Errors of the language stay what they are.
 */
import * as ActorError from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import { type Codec, codecOf } from "./codec.ts"
import { attempt, isError, messageOf, partOf, textOf } from "./guard.ts"

const Kind = { Failure: 0, Defect: 1, Interrupt: 2, ActorError: 3 } as const

type PackedReason =
  | readonly [kind: typeof Kind.Failure, error: unknown, stack: string | undefined]
  | readonly [kind: typeof Kind.Defect, defect: PackedDefect]
  | readonly [kind: typeof Kind.Interrupt]
  | readonly [kind: typeof Kind.ActorError, error: PackedActorError]

export type PackedReasons = ReadonlyArray<PackedReason>

/**
 * Makes the reasons of a cause fit to cross, whatever is in it, and never throws. A typed failure that its schema cannot
 * encode crosses as a defect.
 */
export const pack = (cause: Cause.Cause<unknown>, error: Codec): PackedReasons =>
  cause.reasons.map((reason): PackedReason => {
    if (Cause.isInterruptReason(reason)) return [Kind.Interrupt]
    if (Cause.isDieReason(reason)) return [Kind.Defect, packDefect(reason.defect)]
    return packFailure(reason.error, error)
  })

const packFailure = (failure: unknown, error: Codec): PackedReason => {
  if (ActorError.isActorError(failure)) return [Kind.ActorError, packActorError(failure)]
  try {
    return [Kind.Failure, error.pack(failure), stackOf(failure)]
  } catch (issue) {
    const misfit = new TypeError(`a failure does not fit the contract: ${messageOf(issue)}`, { cause: failure })
    return [Kind.Defect, packDefect(misfit)]
  }
}

/** Packs a cause whose typed failures no contract describes. They cross as defects do. */
export const packAny = (cause: Cause.Cause<unknown>): PackedReasons => pack(cause, anyError)

/** Errors that are made here have the stacks of those that were packed, or none: where they are decoded says nothing. */
export const unpack = (reasons: PackedReasons, error: Codec): Cause.Cause<unknown> =>
  Home.withoutStack(() => Cause.fromReasons(reasons.map((reason) => unpackReason(reason, error))))

export const unpackAny = (reasons: PackedReasons): Cause.Cause<unknown> => unpack(reasons, anyError)

const unpackReason = (reason: PackedReason, error: Codec): Cause.Reason<unknown> => {
  switch (reason[0]) {
    case Kind.Interrupt:
      return Cause.makeInterruptReason()
    case Kind.Defect:
      return Cause.makeDieReason(unpackDefect(reason[1]))
    case Kind.ActorError:
      return Cause.makeFailReason(unpackActorError(reason[1]))
    case Kind.Failure:
      return Cause.makeFailReason(withStack(error.unpack(reason[1]), reason[2]))
  }
}

/** Whether the first reason why a call failed is that it was cancelled. */
export const isCancelled = ({ reasons: [first] }: Cause.Cause<unknown>): boolean =>
  first !== undefined &&
  Cause.isFailReason(first) &&
  ActorError.isActorError(first.error) &&
  first.error.reason._tag === "TaskCancelled"

const anyError: Codec = { pack: (error) => packDefect(error), unpack: (packed) => unpackDefect(packed) }

// --- errors of actors ------------------------------------------------------------------------------------------------

const actorError = codecOf(ActorError.ActorError)

interface PackedActorError {
  readonly reason: { readonly cause?: PackedDefect }
}

/** The cause of an instance's death may be any value, so no schema looks at it. */
const packActorError = ({ reason }: ActorError.ActorError): PackedActorError => {
  const { cause, ...fields } = reason as ActorError.Reason & { readonly cause?: unknown }
  const Reason = reason.constructor as new (fields: object) => ActorError.Reason
  const bare = cause === undefined ? reason : new Reason(fields)
  const packed = actorError.pack(new ActorError.ActorError({ reason: bare })) as PackedActorError
  return cause === undefined ? packed : { ...packed, reason: { ...packed.reason, cause: packDefect(cause) } }
}

const unpackActorError = (packed: PackedActorError): ActorError.ActorError => {
  const { cause } = packed.reason
  const reason = cause === undefined ? packed.reason : { ...packed.reason, cause: unpackDefect(cause) }
  return actorError.unpack({ ...packed, reason })
}

// --- defects ---------------------------------------------------------------------------------------------------------

/** A thrown value, an error or not. */
export type PackedDefect =
  | {
      readonly error: { readonly name: string; readonly message: string; readonly stack: string | undefined }
      readonly fields: object
      readonly cause: PackedDefect | undefined
    }
  | { readonly value: unknown }

/** Chains of causes may be long, or cycles. */
const MAX_CAUSES = 8

export const packDefect = (defect: unknown, depth = 0): PackedDefect => {
  if (!isError(defect)) return { value: cloneable(defect) }
  const cause = partOf(defect, "cause")
  return {
    error: {
      name: textOf(partOf(defect, "name")),
      message: textOf(partOf(defect, "message")),
      stack: stackOf(defect)
    },
    fields: fieldsOf(defect),
    cause: cause === undefined || depth >= MAX_CAUSES ? undefined : packDefect(cause, depth + 1)
  }
}

export const stackOf = (error: unknown): string | undefined => {
  const stack = isError(error) ? partOf(error, "stack") : undefined
  return typeof stack === "string" ? Home.framesOfUsers(stack) : undefined
}

/** Gives an error that was made here the stack of the one on the other side. */
export const withStack = (error: unknown, stack: string | undefined): unknown =>
  stack === undefined || !isError(error)
    ? error
    : Object.defineProperty(error, "stack", { configurable: true, enumerable: false, writable: true, value: stack })

/** Methods of an error are none of its fields, and a text in the place of `toString` would do harm. */
const fieldsOf = (error: Error): object =>
  Object.fromEntries(
    attempt(() => Object.keys(error), [])
      .filter((key) => !apart.has(key))
      .map((key) => [key, partOf(error, key)] as const)
      .filter(([, value]) => typeof value !== "function")
      .map(([key, value]) => [key, cloneable(value)])
  )

/** Fields that cross by themselves, and one that would change the class of the copy. */
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

/** A value that cannot be cloned crosses as text. */
const cloneable = (value: unknown): unknown => {
  if (typeof value !== "object" && typeof value !== "function" && typeof value !== "symbol") return value
  try {
    return structuredClone(value)
  } catch {
    return textOf(value)
  }
}
