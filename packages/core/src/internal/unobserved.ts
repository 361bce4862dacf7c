/**
 * Reports failures that nobody looked at (semantics 3.6).
 *
 * Only a call that fails while nobody waits for it is registered, so success costs nothing. If its ref is then collected
 * without anyone having looked, the failure is logged once.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"

interface Watched {
  readonly id: number
  readonly origin: string
  readonly context?: Context.Context<never> | undefined
}

interface Report {
  readonly message: string
  readonly cause: Cause.Cause<unknown>
  readonly context: Context.Context<never> | undefined
}

const log = ({ cause, context, message }: Report): void => {
  const effect = Effect.logWarning(message, cause)
  Effect.runFork(context === undefined ? effect : Effect.provideContext(effect, context))
}

// Absent on runtimes without finalization, where nothing is reported.
const registry = typeof FinalizationRegistry === "undefined" ? undefined : new FinalizationRegistry<Report>(log)

/** Watches a ref that just failed with nobody waiting. Refs that come from no actor speak for themselves. */
export const watch = (ref: Watched, cause: Cause.Cause<unknown>): void => {
  if (registry === undefined || ref.origin === "" || isQuiet(cause)) return
  const message = `Unobserved failure of ObjectRef #${ref.id}: ${ref.origin} failed, and nobody looked at its result`
  registry.register(ref, { message, cause, context: ref.context }, ref)
}

/** Somebody looked. */
export const forget = (ref: object): void => {
  registry?.unregister(ref)
}

/** A cancelled call failed because somebody wanted it to. */
const isQuiet = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.every((reason) => Cause.isFailReason(reason) && (reason.error as any)?.reason?._tag === "TaskCancelled")
