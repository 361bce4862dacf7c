/**
 * The call that a fiber works for, which it finds in its context; and the context of a call without it.
 */
import * as Context from "effect/Context"
import { shared, versioned } from "../base/copies.ts"
import type { Call } from "./call.ts"
import { follow, type Trail } from "./trail.ts"

/** What a fiber that works for a call finds in its context. */
interface Frame {
  /** The call, until it has ended: what it forked may live for long. */
  call: Call | undefined
  /** The context in which the call runs, without this frame, and with it. */
  readonly base: Context.Context<never>
  own: Context.Context<never> | undefined
  readonly trail: Trail | undefined
  /** A service that `own` has besides. */
  readonly extra?: Extra | undefined
}

export type Extra = readonly [key: string, service: unknown]

/** The key under which a call is found in the context of its own fiber, and of all fibers that this one forks. */
class CurrentCall extends Context.Service<CurrentCall, Frame | undefined>()(versioned("troupe/CurrentCall")) {}

export const CurrentCallKey: string = CurrentCall.key

const none = Context.empty()

/** The call whose method is on the JavaScript stack and has no fiber, or none yet. */
export const onStack: { call: Call | undefined } = /* @__PURE__ */ shared("onStack", { call: undefined })

/** The context in which `call` runs: `base`, and the call itself. */
export const within = (base: Context.Context<never>, call: Call): Context.Context<never> => {
  const frame: Frame = { call, base, own: undefined, trail: follow(trailOf(call), call.origin) }
  frame.own = Context.addUnsafe(base, CurrentCall.key, frame)
  return frame.own
}

/** A call has ended: what still runs in its context works for no call. */
export const release = (context: Context.Context<never>): void => {
  const frame = Context.getOrUndefined(context, CurrentCall)
  if (frame !== undefined) frame.call = undefined
}

/** The same context, working for no call. */
export const outside = (context: Context.Context<never>): Context.Context<never> =>
  Context.addUnsafe(context, CurrentCall.key, undefined)

/**
 * A context without the call that it is the context of. Calls that an actor makes have a context each, which differ only
 * in that; what is derived from them need not be derived anew for each call.
 */
export const baseContextOf = (context: Context.Context<never>): Context.Context<never> => {
  const frame = Context.getOrUndefined(context, CurrentCall)
  return frame !== undefined && frame.own === context ? frame.base : context
}

/** A context with a service of its own, from which nothing need be derived anew: its base is that of others. */
export const extended = (base: Context.Context<never>, extra: Extra): Context.Context<never> => {
  const frame: Frame = { call: undefined, base, own: undefined, trail: undefined, extra }
  frame.own = Context.addUnsafe(Context.addUnsafe(base, extra[0], extra[1]), CurrentCall.key, frame)
  return frame.own
}

/** A context that was derived from the base of another, with the service that the other has of its own. */
export const withExtra = (derived: Context.Context<never>, from: Context.Context<never>): Context.Context<never> => {
  const frame = Context.getOrUndefined(from, CurrentCall)
  return frame?.extra === undefined || frame.own !== from
    ? derived
    : Context.addUnsafe(derived, frame.extra[0], frame.extra[1])
}

/** The unsettled call that a fiber with this context works for, if any. */
export const current = (context: Context.Context<never>): Call | undefined => {
  // Of plain code. A look into it is a twentieth of an `await`.
  if (context === none) return undefined
  const call = Context.getOrUndefined(context, CurrentCall)?.call
  return call === undefined || call.exit !== undefined ? undefined : call
}

/** The calls that led to this one, settled or not. */
export const trailOf = (call: Call): Trail | undefined => Context.getOrUndefined(call.context, CurrentCall)?.trail
