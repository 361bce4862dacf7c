/**
 * Values of the program as people read them. They may do anything when they are looked at; a report comes about all the
 * same.
 */
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"

const orElse = <A>(look: () => A, otherwise: () => A): A => {
  try {
    return look()
  } catch {
    return otherwise()
  }
}

/** What failed and where, line by line. */
export const pretty = (cause: Cause.Cause<unknown>): string =>
  orElse(
    () => Cause.pretty(cause),
    () => Home.errorText(Cause.squash(cause))
  )

/** Whether two values are equal. Those that cannot be looked into are if they are the same. */
export const same = (a: unknown, b: unknown): boolean =>
  orElse(
    () => Equal.equals(a, b),
    () => Object.is(a, b)
  )

/** The tag of an error, if it has one that can be read. */
export const tagOf = (error: unknown): unknown =>
  orElse(
    () => (error as { readonly _tag?: unknown } | null | undefined)?._tag,
    () => undefined
  )

export const isExit = (value: unknown): value is Exit.Exit<unknown, unknown> =>
  orElse(
    () => Exit.isExit(value),
    () => false
  )
