/**
 * What is known of a volatile call on its way to a node.
 *
 * Effect's engine sends a volatile request again when its node is lost, and waits for ever when there is none. The caller
 * puts an attempt into the context of the request; whoever hands requests to nodes (`runners.ts`) marks it. So the caller
 * can tell "it may have run" from "it has not been sent".
 */
import * as Context from "effect/Context"

export interface Attempt {
  /** Whether the request may have reached a node. */
  delivered: boolean
}

export const CurrentAttempt: Context.Reference<Attempt | undefined> = Context.Reference<Attempt | undefined>(
  "troupe/cluster/Attempt",
  {
    defaultValue: () => undefined
  }
)

/** How callers are to be guarded: set by nodes and clients that speak over sockets. */
export interface Guard {
  /** How long a call waits for a node that can take it, in milliseconds. */
  readonly unavailableAfter: number
}

export const CurrentGuard: Context.Reference<Guard | undefined> = Context.Reference<Guard | undefined>(
  "troupe/cluster/Guard",
  {
    defaultValue: () => undefined
  }
)
