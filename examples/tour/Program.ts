/** One stop of the tour: a program, what to say about it, and what must come out of it. */
import type * as NodeServices from "@effect/platform-node/NodeServices"
import type { Driver } from "@troupe/core"
import { type Effect, Equal } from "effect"
import type { Screen } from "../Screen.ts"
import type { Timeline } from "./Timeline.ts"

export interface Program {
  readonly title: string
  readonly about: string
  /** The file of the program (`import.meta.url`). What stands in its `#region show` is shown to the reader. */
  readonly file: string
  /** The names of its lanes, in the order in which they are drawn. */
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

/** A statement about the program that has just run, and whether it came true. */
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
