/**
 * Spans on the wire: the span that a call belongs to travels with it, and what the thread says of its own spans travels back.
 */
import type { SpanKind } from "effect/Tracer"
import type { PackedReasons } from "../values/causes.ts"

/** The span that a call belongs to. */
export type PackedSpan = readonly [traceId: string, spanId: string, sampled: boolean]

export type SpanStart = readonly [
  kind: "start",
  spanId: string,
  parentSpanId: string | undefined,
  name: string,
  spanKind: SpanKind,
  startTime: bigint,
  traceId: string
]

export type SpanEnd = readonly [
  kind: "end",
  spanId: string,
  endTime: bigint,
  attributes: object,
  events: ReadonlyArray<readonly [name: string, time: bigint, attributes: object]>,
  failure: PackedReasons | undefined
]

/** What the thread says about a span of its own, when it starts and when it ends. */
export type SpanReport = SpanStart | SpanEnd
