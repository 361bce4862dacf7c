/**
 * Causes on the wire. Typed failures go through the contract; defects keep their name, message, stack and plain fields,
 * but not their class, which the other side may not have.
 */
import * as ActorError from "@troupe/core/ActorError"
import * as Cause from "effect/Cause"
import { type Codec, codecOf } from "./codec.ts"

type Packed = readonly [kind: 0 | 1 | 2, content: unknown, actor?: boolean]

const actorError = codecOf(ActorError.ActorError)

/** Makes the reasons of a cause fit to cross. A typed failure that the contract does not admit crosses as a defect. */
export const pack = (cause: Cause.Cause<unknown>, error: Codec): ReadonlyArray<Packed> =>
  cause.reasons.map((reason): Packed => {
    if (Cause.isInterruptReason(reason)) return [2, undefined]
    if (Cause.isDieReason(reason)) return [1, packDefect(reason.defect, 0)]
    return packFailure(reason.error, error)
  })

const packFailure = (failure: unknown, error: Codec): Packed => {
  try {
    if (ActorError.isActorError(failure)) return [0, actorError.pack(failure), true]
    return [0, error.pack(failure)]
  } catch (issue) {
    return [1, packDefect(new TypeError(`a failure does not fit the contract: ${issue}`, { cause: failure }), 0)]
  }
}

export const unpack = (reasons: ReadonlyArray<Packed>, error: Codec): Cause.Cause<unknown> =>
  Cause.fromReasons(
    reasons.map(([kind, content, isActorError]) => {
      if (kind === 2) return Cause.makeInterruptReason()
      if (kind === 1) return Cause.makeDieReason(unpackDefect(content as PackedDefect))
      return Cause.makeFailReason((isActorError ? actorError : error).unpack(content))
    })
  )

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
  if (!(defect instanceof Error)) return { value: cloneable(defect) }
  const { cause, message, name, stack } = defect
  const fields = Object.entries(defect).filter(([key]) => key !== "cause" && key !== "name")
  return {
    error: { name, message, stack },
    fields: Object.fromEntries(fields.map(([key, value]) => [key, cloneable(value)])),
    cause: cause === undefined || depth >= MAX_CAUSES ? undefined : packDefect(cause, depth + 1)
  }
}

export const unpackDefect = (packed: PackedDefect): unknown => {
  if ("value" in packed) return packed.value
  const { message, name, stack } = packed.error
  const options = packed.cause === undefined ? undefined : { cause: unpackDefect(packed.cause) }
  const error = Object.assign(new Error(message, options), packed.fields)
  const own = { configurable: true, enumerable: false, writable: true }
  return Object.defineProperties(error, { name: { ...own, value: name }, stack: { ...own, value: stack } })
}

/** What cannot be cloned crosses as text. */
const cloneable = (value: unknown): unknown => {
  if (typeof value !== "object" && typeof value !== "function" && typeof value !== "symbol") return value
  try {
    return structuredClone(value)
  } catch {
    return String(value)
  }
}

/** For failures that no contract speaks of: as defects cross. */
export const anyError: Codec = { pack: (error) => packDefect(error, 0), unpack: unpackDefect }
