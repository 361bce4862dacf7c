/** What the collector received, as text. */
import type { Attribute, Metric, Span } from "./collector.ts"

const attribute = (attributes: ReadonlyArray<Attribute>, key: string): unknown => {
  const value = attributes.find((one) => one.key === key)?.value
  return value === undefined ? undefined : Object.values(value)[0]
}

const startOf = ({ startTimeUnixNano }: Span) => BigInt(startTimeUnixNano)

const describe = (span: Span, spans: ReadonlyArray<Span>): string => {
  const millis = Number(BigInt(span.endTimeUnixNano) - startOf(span)) / 1e6
  const item = attribute(span.attributes, "item")
  const waited = Number(attribute(span.attributes, "troupe.waited_ms") ?? 0)
  const attempts = attribute(span.attributes, "troupe.attempts")
  const link = spans.find(({ spanId }) => spanId === span.links[0]?.spanId)
  return [
    item === undefined ? span.name : `${span.name} ${item}`,
    `${millis.toFixed(0)} ms`,
    ...(waited >= 1 ? [`waited ${waited} ms`] : []),
    ...(attempts === undefined ? [] : [`ran ${attempts} times`]),
    ...(span.status.code === 2 ? [`failed: ${span.status.message}`] : []),
    ...(link === undefined ? [] : [`submitted by ${link.name}`])
  ].join(", ")
}

/** Each trace as a tree: the children of a span are below it. */
export const traceLines = (spans: ReadonlyArray<Span>): ReadonlyArray<string> => {
  const byStart = [...spans].sort((a, b) => (startOf(a) < startOf(b) ? -1 : 1))
  const below = (parent: Span | undefined, indent: string): ReadonlyArray<string> =>
    byStart
      .filter(({ parentSpanId }) => parentSpanId === parent?.spanId)
      .flatMap((span) => [`${indent}${describe(span, spans)}`, ...below(span, `${indent}  `)])
  return below(undefined, "  ")
}

export const metricLines = (metrics: ReadonlyArray<Metric>): ReadonlyArray<string> =>
  metrics
    .flatMap(({ name, gauge, histogram, sum }) =>
      (sum ?? gauge ?? histogram)!.dataPoints.map((point) => {
        const of = ["actor", "method", "outcome"].flatMap((key) => attribute(point.attributes, key) ?? [])
        const mean = (point.sum ?? 0) / Math.max(1, Number(point.count))
        const value =
          histogram === undefined
            ? (point.asInt ?? point.asDouble)
            : `${point.count} calls, ${(mean * 1000).toFixed(1)} ms each`
        return `  ${name} ${of.join(" ")}: ${value}`
      })
    )
    .filter((line) => line.startsWith("  troupe_"))
    .sort()
