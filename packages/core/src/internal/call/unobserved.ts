/**
 * Reports failures that were never looked at (semantics 3.6).
 *
 * Only a call that fails while nothing waits for it is registered, so success costs nothing. If its ref is then collected
 * without a look at it, the failure is logged. Of the failures of one method in a minute there is one line, which
 * counts the others: thousands come at a time, when something that all calls need is down.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import { FailedCall } from "../../ActorError.ts"
import { Minutely, unheldMinute } from "../base/minutely.ts"
import { attempt, plural, printable } from "../base/show.ts"

interface Watched {
  readonly id: number
  readonly origin: string
  /** What is counted together: a method of an actor, of whichever instance. */
  readonly kind: string
  readonly context?: Context.Context<never> | undefined
  readonly line?: { readonly cell: { readonly context: Context.Context<never> } } | undefined
}

interface Report extends Pick<Watched, "id" | "origin" | "kind"> {
  readonly cause: Cause.Cause<unknown>
  readonly context: Context.Context<never>
}

/** What was reported within a minute, by method, for each set of loggers. */
const recent = new WeakMap<object, Map<string, Minutely<Report>>>()

const collected = (report: Report): void => {
  const { context, kind } = report
  const loggers = Context.get(context, References.CurrentLoggers)
  const kinds = recent.get(loggers) ?? new Map<string, Minutely<Report>>()
  recent.set(loggers, kinds)
  if (!kinds.has(kind)) {
    const done = () => void kinds.delete(kind)
    kinds.set(kind, new Minutely(context, tell, { pause: unheldMinute, done }))
  }
  kinds.get(kind)!.note(report)
}

const tell = (count: number, last: Report): Effect.Effect<void> =>
  Effect.updateContext(Effect.logWarning(line(last, count - 1), printable(last.cause)), () => last.context)

const line = ({ id, origin }: Report, others: number): string => {
  const more = others === 0 ? "" : `. The same goes for ${plural(others, "more call")} of this method`
  return `Unobserved failure of ObjectRef #${id}: ${origin} has failed, and its ref was dropped without being awaited${more}`
}

// Absent on runtimes without finalization, where nothing is reported.
const registry = typeof FinalizationRegistry === "undefined" ? undefined : new FinalizationRegistry<Report>(collected)

/** Watches a ref that just failed with no waiter. Refs that come from no actor speak for themselves. */
export const watch = (ref: Watched, cause: Cause.Cause<unknown>): void => {
  const { id, kind, origin } = ref
  if (registry === undefined || origin === "" || isQuiet(id, cause)) return
  const context = contextOf(ref)
  registry.register(ref, { id, kind, origin, cause, context }, ref)
}

/** What says how to log, and nothing else of an instance, which may be gone by the time of the report. */
const logging = [References.CurrentLoggers, References.MinimumLogLevel, References.CurrentLogAnnotations].map(
  ({ key }) => key
)

/**
 * Where the report of a ref goes: to the loggers of the caller. Plain code that calls through an `AsyncHandle` has none,
 * and so have fibers that set none; then those with which the actor was built log it, as they do for its methods.
 */
const contextOf = ({ context = Context.empty(), line }: Watched): Context.Context<never> => {
  const actors = line?.cell.context.mapUnsafe
  const missing = logging.filter((key) => actors?.has(key) && !context.mapUnsafe.has(key))
  if (missing.length === 0) return context
  return Context.makeUnsafe(new Map([...context.mapUnsafe, ...missing.map((key) => [key, actors!.get(key)] as const)]))
}

/** A caller looked at the failure. */
export const forget = (ref: object): void => {
  registry?.unregister(ref)
}

/** A cancelled call failed because it was asked to, and another has lost nothing. `id` is that of the call. */
export const isQuiet = (id: number, cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.every((reason) => isCancellation(reason) || isHarmless(id, reason))

/** On a reason that a call fails for although it goes on elsewhere. */
const GOES_ON = "troupe/GoesOn"

/** How a call fails that goes on, with nobody here to wait for it. */
export const goesOn = <E>(error: E): Cause.Cause<E> =>
  Cause.annotate(Cause.fail(error), Context.makeUnsafe(new Map([[GOES_ON, true]])))

/** What failed because that call did does not go on. */
const isHarmless = (id: number, { annotations }: Cause.Reason<unknown>): boolean =>
  annotations.has(GOES_ON) && (annotations.get(FailedCall.key) as FailedCall["Service"] | undefined)?.id === id

export const isCancellation = (reason: Cause.Reason<unknown>): boolean =>
  Cause.isFailReason(reason) && attempt(() => tagOf(reason.error)) === "TaskCancelled"

const tagOf = (error: any): unknown => error?.reason?._tag
