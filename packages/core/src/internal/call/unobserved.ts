/**
 * Reports failures that nobody looked at (semantics 3.6).
 *
 * Only a call that fails while nobody waits for it is registered, so success costs nothing. If its ref is then collected
 * without anyone having looked, the failure is logged. Of the failures of one method in a minute there is one line, which
 * counts the others: thousands come at a time, when something that all calls need is down.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import { attempt, printable } from "../base/show.ts"

interface Watched {
  readonly id: number
  readonly origin: string
  /** What is counted together: a method of an actor, of whichever instance. */
  readonly kind: string
  readonly context?: Context.Context<never> | undefined
}

interface Report extends Watched {
  readonly cause: Cause.Cause<unknown>
  readonly context: Context.Context<never>
}

const MINUTE = 60_000

/** The failures of a kind that no line has told of yet. */
interface Untold {
  count: number
  last: Report | undefined
}

/** What was logged within a minute, for each set of loggers. */
const recent = new WeakMap<object, Map<string, Untold>>()

const collected = (report: Report): void => {
  const loggers = Context.get(report.context, References.CurrentLoggers)
  const kinds = recent.get(loggers) ?? new Map<string, Untold>()
  recent.set(loggers, kinds)
  const untold = kinds.get(report.kind)
  kinds.set(report.kind, { count: (untold?.count ?? 0) + 1, last: report })
  if (untold === undefined) Effect.runForkWith(report.context)(tell(kinds, report.kind))
}

/** Logs what is known when all refs of this round of collection have been reported, and goes on after a minute. */
const tell = (kinds: Map<string, Untold>, kind: string): Effect.Effect<void> =>
  Effect.andThen(
    Effect.yieldNow,
    Effect.suspend(() => {
      const { count, last } = kinds.get(kind)!
      if (last === undefined) {
        kinds.delete(kind)
        return Effect.void
      }
      kinds.set(kind, { count: 0, last: undefined })
      inAMinute(() => Effect.runForkWith(last.context)(tell(kinds, kind)))
      return Effect.logWarning(line(last, count - 1), printable(last.cause))
    })
  )

const line = ({ id, origin }: Report, others: number): string => {
  const more = others === 0 ? "" : `, nor at those of ${others} more failed calls of this method`
  return `Unobserved failure of ObjectRef #${id}: ${origin} failed, and nobody looked at its result${more}`
}

/** Not a fiber that sleeps: it would keep the process from ending. */
const inAMinute = (task: () => void): void => {
  const { setTimeout } = globalThis as unknown as { setTimeout(task: () => void, ms: number): unknown }
  const timer = setTimeout(task, MINUTE) as { unref?(): void }
  timer.unref?.()
}

// Absent on runtimes without finalization, where nothing is reported.
const registry = typeof FinalizationRegistry === "undefined" ? undefined : new FinalizationRegistry<Report>(collected)

/** Watches a ref that just failed with nobody waiting. Refs that come from no actor speak for themselves. */
export const watch = (ref: Watched, cause: Cause.Cause<unknown>): void => {
  if (registry === undefined || ref.origin === "" || isQuiet(cause)) return
  const { context = Context.empty(), id, kind, origin } = ref
  registry.register(ref, { id, kind, origin, cause, context }, ref)
}

/** Somebody looked. */
export const forget = (ref: object): void => {
  registry?.unregister(ref)
}

/** A cancelled call failed because it was asked to. */
export const isQuiet = (cause: Cause.Cause<unknown>): boolean => cause.reasons.every(isCancellation)

export const isCancellation = (reason: Cause.Reason<unknown>): boolean =>
  Cause.isFailReason(reason) && attempt(() => tagOf(reason.error)) === "TaskCancelled"

const tagOf = (error: any): unknown => error?.reason?._tag
