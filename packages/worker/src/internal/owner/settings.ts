/**
 * The options of threads, checked and with their defaults.
 */

import { durationOf, show } from "@troupe/core/Home"
import * as Duration from "effect/Duration"
import { platform } from "#platform"
import type { AnyWorker, WorkerOptions } from "../../WorkerHome.ts"
import { spawner } from "./spawner.ts"

/** Durations are in milliseconds. */
export interface Settings {
  readonly size: number
  readonly startTimeout: number
  readonly unresponsiveAfter: number
  /** If it was given: the implementation's own holds otherwise. */
  readonly shutdownTimeout: number | undefined
  readonly spawn: () => AnyWorker
}

/** The names of all options of threads. */
export const threadOptions = {
  url: true,
  workerOptions: true,
  spawn: true,
  size: true,
  startTimeout: true,
  unresponsiveAfter: true,
  shutdownTimeout: true
} as const

export const settingsOf = (actor: string, options: WorkerOptions): Settings => ({
  size: sizeOf(actor, options.size ?? 1),
  startTimeout: millis(actor, "startTimeout", options.startTimeout ?? "30 seconds"),
  unresponsiveAfter: millis(actor, "unresponsiveAfter", options.unresponsiveAfter ?? "30 seconds"),
  shutdownTimeout:
    options.shutdownTimeout === undefined ? undefined : millis(actor, "shutdownTimeout", options.shutdownTimeout, 0),
  spawn: spawner(actor, options)
})

export const sizeOf = (actor: string, value: number | "max"): number => {
  if (value === "max") return platform.parallelism()
  if (Number.isInteger(value) && value >= 1) return value
  throw new RangeError(`${actor}: size must be an integer of at least 1, or "max", but is ${show(value)}`)
}

const millis = (actor: string, option: string, value: Duration.Input, least = 1): number => {
  const duration = durationOf(value)
  const milliseconds = duration === undefined ? Number.NaN : Duration.toMillis(duration)
  if (milliseconds >= least) return milliseconds
  throw new RangeError(`${actor}: ${option} must be a duration of at least ${least} ms, but is ${show(value)}`)
}
