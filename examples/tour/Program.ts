/** One stop of the tour: a program, a text about it, and checks of its outcome. */
import type * as NodeServices from "@effect/platform-node/NodeServices"
import type { Driver } from "@troupe/core"
import { type Effect, Equal } from "effect"
import type { Screen } from "../Screen.ts"
import type { Timeline } from "./Timeline.ts"

export interface Program {
  readonly title: string
  readonly about: string
  /** The file of the program (`import.meta.url`). The tour shows the lines in its `#region show`. */
  readonly file: string
  /** The names of its lanes, in drawing order. */
  readonly lanes: ReadonlyArray<string>
  /** About how long the program takes: the width of the timeline. */
  readonly seconds: number
  readonly run: Effect.Effect<Outcome, unknown, Timeline | Driver.Driver | Screen | NodeServices.NodeServices>
}

export interface Outcome {
  readonly checks: ReadonlyArray<Check>
  /** Lines to print between the timeline and the checks. */
  readonly notes?: ReadonlyArray<string> | undefined
}

/** A statement about the program that has just run, and whether it is true. */
export interface Check {
  readonly says: string
  readonly actual: unknown
  readonly expected: unknown
  readonly passed: boolean
}

export const check = (says: string, actual: unknown, expected: unknown): Check => ({
  says,
  actual,
  expected,
  passed: Equal.equals(actual, expected)
})
