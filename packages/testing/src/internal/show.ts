/**
 * Values of the program as people read them. They may do anything when they are looked at; a report comes about all the
 * same.
 */
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"

/** `1 call`, `2 calls`. */
export const plural = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`

/** What failed and where, line by line. */
export const pretty = (cause: Cause.Cause<unknown>): string =>
  Home.attempt(() => Cause.pretty(cause)) ?? Home.errorText(Cause.squash(cause))

/** Whether two values are equal. Those that cannot be looked into are if they are the same. */
export const same = (a: unknown, b: unknown): boolean => Home.attempt(() => Equal.equals(a, b)) ?? Object.is(a, b)

/** The tag of an error, if it has one that can be read. */
export const tagOf = (error: unknown): unknown =>
  Home.attempt(() => (error as { readonly _tag?: unknown } | null | undefined)?._tag)

export const isExit = (value: unknown): value is Exit.Exit<unknown, unknown> =>
  Home.attempt(() => Exit.isExit(value)) === true
