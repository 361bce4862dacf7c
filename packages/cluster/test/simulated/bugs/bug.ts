/**
 * A mistake as people make it with a cluster, and the same program without it.
 */
import type { Effect, Scope } from "effect"

type Program = Effect.Effect<unknown, unknown, Scope.Scope>

export interface Bug {
  /** What goes wrong. */
  readonly name: string
  readonly broken: Program
  readonly fixed: Program
  /** It is found within so many schedules. */
  readonly within: number
}

/** Fails the program unless two values are the same. */
export const expected = (what: string, actual: unknown, wanted: unknown): void => {
  if (actual !== wanted) throw new Error(`${what}: ${actual}, and not ${wanted}`)
}
