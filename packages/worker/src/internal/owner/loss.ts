/**
 * How a thread is lost, and what its owner makes of that.
 */
import * as ActorError from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import { WorkerFailed } from "../../WorkerFailed.ts"

export interface Loss {
  readonly why: string
  readonly cause: Cause.Cause<unknown>
}

/** The failure of a Layer whose thread does not come up. */
export const workerFailed = (actor: string, { cause, why }: Loss): WorkerFailed =>
  Home.withoutStack(
    () => new WorkerFailed({ actor, why, ...(cause.reasons.length === 0 ? undefined : { cause: Cause.squash(cause) }) })
  )

/** The failure of a call that is lost with its thread. */
export const unavailable = (
  actor: string,
  method: string,
  { cause, why }: Loss,
  mayHaveRun: boolean
): ActorError.ActorError =>
  Home.actorError(() => new ActorError.ActorUnavailable({ actor, method, why, mayHaveRun, cause: Cause.squash(cause) }))
