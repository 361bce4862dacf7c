/**
 * Makes the spans of a thread anew, below those of its callers and with the callers' tracers.
 */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { unpackAny } from "../values/causes.ts"
import { attempt } from "../values/guard.ts"
import type { PackedSpan, SpanEnd, SpanReport, SpanStart } from "../wire/spans.ts"

/** The clock that dated the spans in the thread, and is finer than milliseconds. */
const liveClock = Context.get(Context.empty(), Clock.Clock)

/** A span of this side in which calls went to the thread, and its tracer. */
interface CallerSpan {
  readonly span: Tracer.AnySpan
  readonly tracer: Tracer.Tracer
  calls: number
}

export class Replay {
  private readonly open = new Map<string, { readonly span: Tracer.Span; readonly tracer: Tracer.Tracer }>()
  private readonly callers = new Map<string, CallerSpan>()
  /** The tracer for spans whose caller is not known any more. */
  private readonly tracer: Tracer.Tracer

  constructor(tracer: Tracer.Tracer) {
    this.tracer = tracer
  }

  /** A call goes to the thread. Returns the span that it is in, if it is in one, to travel with it. */
  enter(context: Context.Context<never>, own?: Tracer.AnySpan): PackedSpan | undefined {
    const span = own ?? Context.getOrUndefined(context, Tracer.ParentSpan)
    if (span === undefined) return undefined
    const { sampled, spanId, traceId } = span
    const known = this.callers.get(spanId)
    if (known !== undefined) known.calls++
    else this.callers.set(spanId, { span, tracer: Context.get(context, Tracer.Tracer), calls: 1 })
    return [traceId, spanId, sampled]
  }

  /** The call is over. */
  leave(packed: PackedSpan | undefined): void {
    const caller = packed && this.callers.get(packed[1])
    if (caller !== undefined && --caller.calls === 0) this.callers.delete(packed![1])
  }

  /** A tracer is user code: when it throws, its span is lost, and no call is. */
  take(report: SpanReport): void {
    attempt(() => (report[0] === "start" ? this.start(report) : this.end(report)), undefined)
  }

  private start([, id, parentId, name, kind, startTime, traceId]: SpanStart): void {
    const known = parentId === undefined ? undefined : (this.open.get(parentId) ?? this.callers.get(parentId))
    const parent = known?.span ?? (parentId && Tracer.externalSpan({ traceId, spanId: parentId, sampled: true }))
    const tracer = known?.tracer ?? this.tracer
    const span = tracer.span({
      name,
      parent: Option.fromUndefinedOr(parent || undefined),
      annotations: Context.empty(),
      links: [],
      startTime,
      kind,
      root: !parent,
      sampled: true
    })
    this.open.set(id, { span, tracer })
  }

  private end([, id, endTime, attributes, events, failure]: SpanEnd): void {
    const span = this.open.get(id)?.span
    if (span === undefined) return
    this.open.delete(id)
    for (const [key, value] of Object.entries(attributes)) span.attribute(key, value)
    for (const [name, time, attributes] of events) span.event(name, time, { ...attributes })
    span.end(endTime, failure === undefined ? Exit.void : Exit.failCause(unpackAny(failure)))
  }

  /** The thread is lost, and its spans with it. */
  lose(cause: Cause.Cause<unknown>): void {
    const now = liveClock.currentTimeNanosUnsafe()
    for (const { span } of this.open.values()) attempt(() => span.end(now, Exit.failCause(cause)), undefined)
    this.open.clear()
    this.callers.clear()
  }
}
