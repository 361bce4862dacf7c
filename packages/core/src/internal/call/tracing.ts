/**
 * A span for each call (semantics 11.2).
 *
 * A call gets one when its submitter is being traced: it has a span, or a Tracer was set. Both can be read off
 * the submitter's fiber without a look into its context. The span is not part of the method's effect, since what is left
 * to do after a method decides whether its result stands (see effectInternals.ts).
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import { attempt } from "../base/show.ts"
import { type Call, Stage, type Trace } from "./call.ts"

/** Who made the spans. Effect's tracers have no scopes, so an attribute says it, as it does in formats without them. */
const SCOPE = "@troupe/core"
/** The type of an error that has none, by the semantic conventions. */
const OTHER = "_OTHER"

/** The kind of the span of a call, and the attributes that the semantic conventions ask of it. */
export type Convention = (
  call: Call,
  trace: Trace
) => { readonly kind: Tracer.SpanKind; readonly attributes?: Readonly<Record<string, unknown>> }

/** A call within the process is `internal`: backends would take it for traffic between services. */
let convention: Convention = () => ({ kind: "internal" })

/** Homes know of more kinds of calls. They bring the convention along, so that it is in no bundle without a home. */
export const follow = (other: Convention): void => {
  convention = other
}

export const KeysInSpans = Context.Reference<boolean>("troupe/KeysInSpans", { defaultValue: () => true })

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
  if (trace.span !== undefined) return trace.span.attribute("troupe.attempts", call.attempts + 1)
  const parent = Context.getOrUndefined(call.context, Tracer.ParentSpan)
  const { attributes, kind } = convention(call, trace)
  const all = { ...attributesOf(call), ...attributes }
  const make = Effect.makeSpan(nameOf(call), { ...relationTo(parent, trace), kind, attributes: all })
  trace.span = Effect.runSyncWith(call.context)(make)
}

const attributesOf = (call: Call) => {
  const { cell, group } = call.line
  return {
    "otel.scope.name": SCOPE,
    "troupe.actor": cell.id,
    "troupe.instance": cell.instance,
    "troupe.method": call.method.name,
    "troupe.call": call.id,
    "troupe.waited_ms": call.stage === Stage.Waiting ? call.age : 0,
    ...(cell.key !== undefined && showsKey(call) && { "troupe.key": cell.keyText }),
    ...(cell.name !== undefined && { "troupe.name": cell.name }),
    ...(group !== undefined && { "troupe.group": group })
  }
}

/** Either side can keep keys out of spans: the caller, and the program that provides the actor. */
const showsKey = ({ context, line: { cell } }: Call): boolean =>
  Context.get(context, KeysInSpans) && Context.get(cell.context, KeysInSpans)

/** Without the key, which the label of a method has: the names of spans have to be few, and tell of no person. */
const nameOf = ({ method: { label, name }, line: { cell } }: Call): string =>
  label === `${cell.actor}.${name}` ? `${cell.id}.${name}` : label

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

/**
 * The id of the trace that a call is part of. One that an asker waits for is in the trace of the asker, before it has a
 * span of its own. A tracer is user code.
 */
export const traceIdOf = ({ context, trace }: Call): string | undefined =>
  attempt(() => {
    if (trace === undefined) return undefined
    const parent = trace.asked ? Context.getOrUndefined(context, Tracer.ParentSpan) : undefined
    return (trace.span ?? parent)?.traceId
  })

/** Ends the span of a call that settles, which it does whatever the Tracer makes of it. */
export const end = (call: Call, trace: Trace, exit: Exit.Exit<unknown, unknown>): void =>
  void attempt(() => endUnsafe(call, trace, exit))

const endUnsafe = (call: Call, { span }: Trace, exit: Exit.Exit<unknown, unknown>): void => {
  if (span === undefined || span.status._tag === "Ended") return
  if (exit._tag === "Failure") attempt(() => noteError(span, exit.cause))
  const timed = Context.get(call.context, References.TracerTimingEnabled)
  span.end(timed ? Context.get(call.context, Clock.Clock).currentTimeNanosUnsafe() : 0n, exit)
}

/** An interruption alone is no error. */
const noteError = (span: Tracer.Span, cause: Cause.Cause<unknown>): void => {
  if (!Cause.hasInterruptsOnly(cause)) span.attribute("error.type", attempt(() => errorType(cause)) ?? OTHER)
}

/** The tag of an error, of an ActorError that of its reason, or the name of its class: never its message. */
const errorType = (cause: Cause.Cause<unknown>): string | undefined => {
  const error: any = Cause.squash(cause)
  const names = [error?.reason?._tag, error?._tag, error instanceof Error ? error.name : undefined]
  return names.find((name) => typeof name === "string" && name !== "")
}
