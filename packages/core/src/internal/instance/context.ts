/**
 * In whose context a method runs.
 *
 * The caller's context is the ground: its tracer, log annotations and references reach the method. The services with
 * which the actor was built lie on top: they win. The exception are the references of Effect itself, which say how the
 * current request is to be run and watched, and those that were made to travel with calls. There the caller wins where it
 * has set one.
 */
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Metric from "effect/Metric"
import * as Random from "effect/Random"
import * as References from "effect/References"
import * as Scheduler from "effect/Scheduler"
import * as Tracer from "effect/Tracer"
import { watchingForks } from "../base/effectInternals.ts"
import { OneDispatcher } from "../base/oneDispatcher.ts"
import { travels } from "../base/references.ts"
import { CurrentCallKey } from "../call/currentCall.ts"

/** Effect's own ambient references, by key. A test holds this list against the modules that define them. */
export const ambient: ReadonlySet<string> = new Set(
  [
    Clock.Clock,
    Console.Console,
    ConfigProvider.ConfigProvider,
    Random.Random,
    Scheduler.Scheduler,
    Scheduler.MaxOpsBeforeYield,
    Scheduler.PreventSchedulerYield,
    Tracer.Tracer,
    Tracer.ParentSpan,
    Tracer.DisablePropagation,
    Tracer.CurrentTraceLevel,
    Tracer.MinimumTraceLevel,
    References.TracerEnabled,
    References.TracerTimingEnabled,
    References.TracerSpanAnnotations,
    References.TracerSpanLinks,
    References.CurrentLogAnnotations,
    References.CurrentLogLevel,
    References.CurrentLogSpans,
    References.CurrentStackFrame,
    References.MinimumLogLevel,
    References.UnhandledLogLevel,
    References.CurrentLoggers,
    References.LogToStderr,
    ErrorReporter.CurrentErrorReporters,
    Metric.CurrentMetricAttributes,
    Metric.MetricRegistry,
    Metric.FiberRuntimeMetrics
  ].map(({ key }) => key)
)

/** The scheduler of `Effect.runSync` keeps the event loop from turning. It is for its own caller, not for calls. */
const isRunSync = (value: unknown): boolean =>
  value instanceof Scheduler.MixedScheduler && value.executionMode === "sync"

/** What was true while the actor was made, and says nothing of the calls that come later. */
const momentary = [Tracer.ParentSpan.key, References.TracerSpanLinks.key, References.CurrentStackFrame.key]

/** How many stack frames of callers reach a method at most, and how many are kept of more. */
const MAX_FRAMES = 64
const KEPT_FRAMES = 32

/** A method that submits its own next run would have a frame more in each run, for ever. */
const shortened = (frame: References.StackFrame): References.StackFrame => {
  let depth = 0
  for (let at: References.StackFrame | undefined = frame; at !== undefined; at = at.parent) {
    if (++depth === MAX_FRAMES) return nearest(frame, KEPT_FRAMES)!
  }
  return frame
}

const nearest = (frame: References.StackFrame | undefined, count: number): References.StackFrame | undefined =>
  frame === undefined || count === 0 ? undefined : { ...frame, parent: nearest(frame.parent, count - 1) }

/** Services of an instance that it shares with no other. */
export type Own = ReadonlyArray<readonly [key: string, service: unknown]>

/** Lays the actor's services over the caller's context. */
export const merge = (
  caller: Context.Context<never>,
  actor: Context.Context<never>,
  own: Own
): Context.Context<never> => {
  const map = new Map(actor.mapUnsafe)
  for (const key of momentary) map.delete(key)
  if (isRunSync(map.get(Scheduler.Scheduler.key))) map.delete(Scheduler.Scheduler.key)
  for (const [key, value] of caller.mapUnsafe) {
    if (key === CurrentCallKey) continue
    if ((!map.has(key) || ambient.has(key) || travels(key)) && !isRunSync(value)) map.set(key, value)
  }
  for (const [key, service] of own) map.set(key, service)
  const frame = map.get(References.CurrentStackFrame.key)
  if (frame !== undefined) map.set(References.CurrentStackFrame.key, shortened(frame))
  const scheduler = map.get(Scheduler.Scheduler.key) ?? Context.get(caller, Scheduler.Scheduler)
  if (!(scheduler instanceof OneDispatcher)) map.set(Scheduler.Scheduler.key, new OneDispatcher(scheduler))
  return watchingForks(Context.makeUnsafe(map))
}
