/**
 * Spans across threads: which span a call belongs to travels with it, and the spans that the thread makes travel back.
 */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import * as causes from "../values/causes.ts"
import { attempt, textOf } from "../values/guard.ts"

/** The clock that dated the spans in the thread, and is finer than milliseconds. */
const liveClock = Context.get(Context.empty(), Clock.Clock)

/** The span that a call belongs to, as it crosses. */
export type Packed = readonly [traceId: string, spanId: string, sampled: boolean]

export const unpack = ([traceId, spanId, sampled]: Packed): Tracer.ExternalSpan =>
  Tracer.externalSpan({ traceId, spanId, sampled })

/** What the thread tells about a span, when it has started and when it has ended. */
export type Report =
  | readonly [
      kind: "start",
      id: string,
      parent: string | undefined,
      name: string,
      kindOfSpan: Tracer.SpanKind,
      startTime: bigint,
      traceId: string
    ]
  | readonly [
      kind: "end",
      id: string,
      endTime: bigint,
      attributes: object,
      events: ReadonlyArray<readonly [name: string, time: bigint, attributes: object]>,
      cause: ReturnType<typeof causes.pack> | undefined
    ]

// --- in the thread ---------------------------------------------------------------------------------------------------

/** A tracer for threads: its spans are like Effect's own, and are told about. */
export const telling = (tell: (report: Report) => void): Tracer.Tracer =>
  Tracer.make({
    span: (options) => {
      if (!options.sampled) return new Tracer.NativeSpan(options)
      const span = new TellingSpan(options, tell)
      const parent = Option.getOrUndefined(options.parent)
      tell(["start", span.spanId, parent?.spanId, span.name, span.kind, options.startTime, span.traceId])
      return span
    }
  })

class TellingSpan extends Tracer.NativeSpan {
  private readonly tell: (report: Report) => void

  constructor(options: ConstructorParameters<typeof Tracer.NativeSpan>[0], tell: (report: Report) => void) {
    super(options)
    this.tell = tell
  }

  override end(endTime: bigint, exit: Exit.Exit<unknown, unknown>): void {
    super.end(endTime, exit)
    const events = this.events.map(([name, time, attributes]) => [name, time, plain(attributes ?? {})] as const)
    const cause = Exit.isFailure(exit) ? causes.pack(exit.cause, causes.anyError) : undefined
    this.tell(["end", this.spanId, endTime, plain(Object.fromEntries(this.attributes)), events, cause])
  }
}

const plain = (attributes: object): object =>
  Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, isPlain(value) ? value : textOf(value)]))

const isPlain = (value: unknown): boolean => value === null || /^(string|number|boolean|bigint)$/.test(typeof value)

// --- on the caller's side --------------------------------------------------------------------------------------------

/** A span of this side under which calls went to the thread, and its tracer. */
interface Above {
  readonly span: Tracer.AnySpan
  readonly tracer: Tracer.Tracer
  calls: number
}

/** Makes the spans of a thread anew, under those of its callers and in their tracers. */
export class Replay {
  private readonly open = new Map<string, { readonly span: Tracer.Span; readonly tracer: Tracer.Tracer }>()
  private readonly above = new Map<string, Above>()
  /** The tracer for spans whose caller is not known any more. */
  private readonly tracer: Tracer.Tracer

  constructor(tracer: Tracer.Tracer) {
    this.tracer = tracer
  }

  /** A call goes out in a span, if it is in one. What this returns travels with it. */
  enter(context: Context.Context<never>, own?: Tracer.AnySpan): Packed | undefined {
    const span = own ?? Context.getOrUndefined(context, Tracer.ParentSpan)
    if (span === undefined) return undefined
    const { sampled, spanId, traceId } = span
    const known = this.above.get(spanId)
    if (known !== undefined) known.calls++
    else this.above.set(spanId, { span, tracer: Context.get(context, Tracer.Tracer), calls: 1 })
    return [traceId, spanId, sampled]
  }

  /** The call is over. */
  leave(packed: Packed | undefined): void {
    const above = packed && this.above.get(packed[1])
    if (above !== undefined && --above.calls === 0) this.above.delete(packed![1])
  }

  /** A tracer is user code: what it throws costs its span, and no call. */
  take(report: Report): void {
    attempt(() => (report[0] === "start" ? this.start(report) : this.end(report)), undefined)
  }

  private start([, id, parent, name, kind, startTime, traceId]: Extract<Report, readonly ["start", ...any]>): void {
    const known = parent === undefined ? undefined : (this.open.get(parent) ?? this.above.get(parent))
    const above = known?.span ?? (parent && Tracer.externalSpan({ traceId, spanId: parent, sampled: true }))
    const tracer = known?.tracer ?? this.tracer
    const span = tracer.span({
      name,
      parent: Option.fromUndefinedOr(above || undefined),
      annotations: Context.empty(),
      links: [],
      startTime,
      kind,
      root: !above,
      sampled: true
    })
    this.open.set(id, { span, tracer })
  }

  private end([, id, endTime, attributes, events, cause]: Extract<Report, readonly ["end", ...any]>): void {
    const span = this.open.get(id)?.span
    if (span === undefined) return
    this.open.delete(id)
    for (const [key, value] of Object.entries(attributes)) span.attribute(key, value)
    for (const [name, time, attributes] of events) span.event(name, time, { ...attributes })
    span.end(endTime, cause === undefined ? Exit.void : Exit.failCause(causes.unpack(cause, causes.anyError)))
  }

  /** The thread is lost, and its spans with it. */
  lose(cause: Cause.Cause<unknown>): void {
    const now = liveClock.currentTimeNanosUnsafe()
    for (const { span } of this.open.values()) attempt(() => span.end(now, Exit.failCause(cause)), undefined)
    this.open.clear()
    this.above.clear()
  }
}
