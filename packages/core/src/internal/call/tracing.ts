/**
 * A span for each call (semantics 11.2).
 *
 * A call gets one when its submitter is being traced: it has a span, or a Tracer was set. Both can be read off
 * the submitter's fiber without a look into its context. The span is not part of the method's effect, since what is left
 * to do after a method decides whether its result stands (see effectInternals.ts).
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import { attempt } from "../base/show.ts"
import { type Call, Stage, type Trace } from "./call.ts"

/** Marks a call that was just made by a fiber that is being traced: it gets a span when it starts. */
export const mark = (call: Call, { cache }: Fiber.Fiber<unknown, unknown>, asked: boolean): void => {
  if (cache.span === undefined && cache.tracer === undefined) return
  call.trace = { asked, span: undefined }
}

/**
 * Begins the span of a call that is about to start. One that starts again has its span already. A Tracer is user code: if
 * it throws, the call goes on without a span.
 */
export const begin = (call: Call, trace: Trace): void => void attempt(() => beginUnsafe(call, trace))

const beginUnsafe = (call: Call, trace: Trace): void => {
  const { cell, group } = call.queue
  if (trace.span !== undefined) return trace.span.attribute("troupe.attempts", call.attempts + 1)
  const parent = Context.getOrUndefined(call.context, Tracer.ParentSpan)
  const attributes = {
    "troupe.actor": cell.id,
    "troupe.instance": cell.instance,
    "troupe.method": call.method.name,
    "troupe.call": call.id,
    "troupe.waited_ms": call.stage === Stage.Waiting ? call.age : 0,
    ...(cell.key !== undefined && { "troupe.key": cell.keyText }),
    ...(cell.name !== undefined && { "troupe.name": cell.name }),
    ...(group !== undefined && { "troupe.group": group })
  }
  const make = Effect.makeSpan(call.origin, { ...relationTo(parent, trace), attributes })
  trace.span = Effect.runSyncWith(call.context)(make)
}

/**
 * Spans are referred to by their ids where they may have ended: a call that submits its successor, which does the same,
 * would keep the spans of all that came before.
 */
const relationTo = (parent: Tracer.AnySpan | undefined, { asked }: Trace) => {
  if (parent === undefined) return asked ? {} : { root: true }
  if (!asked) return { root: true, links: [{ span: byIds(parent), attributes: {} }] }
  return parent._tag === "Span" && parent.status._tag === "Ended" ? { parent: byIds(parent) } : {}
}

const byIds = (span: Tracer.AnySpan): Tracer.AnySpan => (span._tag === "Span" ? Tracer.externalSpan(span) : span)

/** The context of a call, in which its span is the parent of what its method does. */
export const within = (context: Context.Context<never>, { span }: Trace): Context.Context<never> =>
  span === undefined ? context : Context.addUnsafe(context, Tracer.ParentSpan.key, span)

/** The span of a call that has started, if it has one. */
export const spanOf = (call: Call): Tracer.Span | undefined => call.trace?.span

/** Ends the span of a call that settles, which it does whatever the Tracer makes of it. */
export const end = (call: Call, trace: Trace, exit: Exit.Exit<unknown, unknown>): void =>
  void attempt(() => endUnsafe(call, trace, exit))

const endUnsafe = (call: Call, { span }: Trace, exit: Exit.Exit<unknown, unknown>): void => {
  if (span === undefined || span.status._tag === "Ended") return
  const timed = Context.get(call.context, References.TracerTimingEnabled)
  span.end(timed ? Context.get(call.context, Clock.Clock).currentTimeNanosUnsafe() : 0n, exit)
}
