/**
 * What instances tell of their calls and of themselves while a system is watched. While it is not, there is no hub, and
 * one look at `registry.hub` is all that it costs.
 */
import type * as Context from "effect/Context"
import type * as Exit from "effect/Exit"
import type { News } from "../../Instrumentation.ts"
import type { Call } from "../call/call.ts"

/** The hub is told in the middle of a change of state, so an implementation of `registry.hub` never throws. */
export interface Hub {
  submitted(call: Call, asked: boolean): void
  /** It found no room, and never will be submitted. */
  refused(call: Call): void
  started(call: Call): void
  /** It has ended, and is to run again. */
  requeued(call: Call, exit: Exit.Failure<unknown, unknown>): void
  /** It settles now, and no waiter has been told yet. */
  settled(call: Call, exit: Exit.Exit<unknown, unknown>): void
  /** It failed before, and its failure has been looked at: that needs no report any more. */
  handled(call: Call): void
  instance(subject: Subject, news: News): void
}

/** The instance that news are about. */
export interface Subject {
  readonly id: string
  readonly instance: number
  readonly context: Context.Context<never>
}
