/**
 * The spans of this thread: like Effect's own, and reported to the owner, who makes them anew with the tracers of callers.
 */
import * as Context from "effect/Context"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { packAny } from "../values/causes.ts"
import { textOf } from "../values/guard.ts"
import { From, type FromThread, type ToThread } from "../wire/protocol.ts"
import type { PackedSpan, SpanReport } from "../wire/spans.ts"
import type { Wire } from "../wire/wire.ts"

export class SpanReports {
  private readonly wire: Wire<ToThread, FromThread>
  private readonly tracer = reportingTracer((report) => this.report(report))
  /** The reports that go out with the batch that is being collected. */
  private reports: Array<SpanReport> | undefined = undefined

  constructor(wire: Wire<ToThread, FromThread>) {
    this.wire = wire
  }

  /** The context of a call: a caller that is in no span wants no spans. */
  contextIn(span: PackedSpan | undefined): Context.Context<never> {
    if (span === undefined) return Context.empty()
    const [traceId, spanId, sampled] = span
    return Context.empty().pipe(
      Context.add(Tracer.Tracer, this.tracer),
      Context.add(Tracer.ParentSpan, Tracer.externalSpan({ traceId, spanId, sampled }))
    ) as Context.Context<never>
  }

  private report(report: SpanReport): void {
    if (this.reports === undefined) {
      // The list goes out with the batch, before the answers that come after it.
      this.reports = []
      this.wire.post([From.Spans, this.reports])
    }
    this.reports.push(report)
  }

  /** The batch has gone out. */
  reset(): void {
    this.reports = undefined
  }
}

const reportingTracer = (tell: (report: SpanReport) => void): Tracer.Tracer =>
  Tracer.make({
    span: (options) => {
      if (!options.sampled) return new Tracer.NativeSpan(options)
      const span = new ReportedSpan(options, tell)
      const parent = Option.getOrUndefined(options.parent)
      tell(["start", span.spanId, parent?.spanId, span.name, span.kind, options.startTime, span.traceId])
      return span
    }
  })

class ReportedSpan extends Tracer.NativeSpan {
  private readonly tell: (report: SpanReport) => void

  constructor(options: ConstructorParameters<typeof Tracer.NativeSpan>[0], tell: (report: SpanReport) => void) {
    super(options)
    this.tell = tell
  }

  override end(endTime: bigint, exit: Exit.Exit<unknown, unknown>): void {
    super.end(endTime, exit)
    const events = this.events.map(([name, time, attributes]) => [name, time, plain(attributes ?? {})] as const)
    const failure = Exit.isFailure(exit) ? packAny(exit.cause) : undefined
    this.tell(["end", this.spanId, endTime, plain(Object.fromEntries(this.attributes)), events, failure])
  }
}

const plain = (attributes: object): object =>
  Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, isPlain(value) ? value : textOf(value)]))

const isPlain = (value: unknown): boolean => value === null || /^(string|number|boolean|bigint)$/.test(typeof value)
