/**
 * What is written to define something: an id, in the second of two calls.
 */
import { show } from "./show.ts"

/** The first of two calls fixes a type and nothing else. Plain JavaScript forgets it easily. */
export const secondCall = <F>(constructor: string, first: ReadonlyArray<unknown>, second: F): F => {
  if (first.length === 0) return second
  throw new TypeError(`Write ${constructor}()("id", { ... }): the first call takes no arguments`)
}

export const checkId = (constructor: string, id: unknown): void => {
  if (typeof id === "string" && id !== "") return
  throw new TypeError(`${constructor} needs an id, a string that is not empty, but got ${show(id)}`)
}
