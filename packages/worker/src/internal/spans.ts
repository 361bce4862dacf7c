/**
 * Spans across threads: which span a call belongs to travels with it, and the spans that the thread makes travel back.
 */
import type * as Context from "effect/Context"
import * as ContextModule from "effect/Context"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"

/** The span that a call belongs to, as it crosses. */
export type Packed = readonly [traceId: string, spanId: string, sampled: boolean]

/** The span that a context is in, if it is in one. */
export const of = (context: Context.Context<never>): Packed | undefined => {
  const span = ContextModule.getOrUndefined(context, Tracer.ParentSpan)
  return span === undefined ? undefined : [span.traceId, span.spanId, span.sampled]
}

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
  | readonly [kind: "end", id: string, endTime: bigint, attributes: object, error: string | undefined]

/** A tracer for threads: its spans are like Effect's own, and are told about. */
export const telling = (tell: (report: Report) => void): Tracer.Tracer =>
  Tracer.make({
    span: (options) => {
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
    const attributes = Object.fromEntries([...this.attributes].map(([key, value]) => [key, plain(value)]))
    this.tell(["end", this.spanId, endTime, attributes, Exit.isFailure(exit) ? String(exit.cause) : undefined])
  }
}

const plain = (value: unknown): unknown =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean" || typeof value === "bigint"
    ? value
    : String(value)

/** Makes the spans of a thread anew in the tracer of its owner. */
export class Replay {
  private readonly open = new Map<string, Tracer.Span>()
  private readonly tracer: Tracer.Tracer
  /** Spans of this side that calls belong to, by id: those of the thread are their children. */
  private readonly parents = new Map<string, Tracer.AnySpan>()

  constructor(tracer: Tracer.Tracer) {
    this.tracer = tracer
  }

  take(report: Report): void {
    if (report[0] === "start") this.start(report)
    else this.end(report)
  }

  private start([, id, parent, name, kind, startTime, traceId]: Extract<Report, readonly ["start", ...any]>): void {
    const known = parent === undefined ? undefined : (this.open.get(parent) ?? this.parents.get(parent))
    const above =
      known ?? (parent === undefined ? undefined : Tracer.externalSpan({ traceId, spanId: parent, sampled: true }))
    const span = this.tracer.span({
      name,
      parent: Option.fromUndefinedOr(above),
      annotations: ContextModule.empty(),
      links: [],
      startTime,
      kind,
      root: above === undefined,
      sampled: true
    })
    this.open.set(id, span)
  }

  private end([, id, endTime, attributes, error]: Extract<Report, readonly ["end", ...any]>): void {
    const span = this.open.get(id)
    if (span === undefined) return
    this.open.delete(id)
    for (const [key, value] of Object.entries(attributes)) span.attribute(key, value)
    span.end(endTime, error === undefined ? Exit.void : Exit.die(new Error(error)))
  }
}
