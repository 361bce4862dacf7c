/**
 * A race as people write it, and the same program without it.
 */

import type { Explore } from "@troupe/testing"
import type { Effect, Scope } from "effect"

type Program = Effect.Effect<unknown, unknown, Scope.Scope>

export interface Bug {
  /** What goes wrong. */
  readonly name: string
  readonly broken: Program
  readonly fixed: Program
  /** How it shows. */
  readonly kind: Explore.FailureKind
  /** It is found within so many schedules, whatever the seed. */
  readonly within: number
}
