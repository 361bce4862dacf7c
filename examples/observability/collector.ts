/** Just enough of a collector to see what arrives at one: OTLP as JSON, over HTTP, on this machine. */
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

export interface Span {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: ReadonlyArray<Attribute>
  readonly links: ReadonlyArray<{ readonly spanId: string }>
  readonly status: { readonly code: number; readonly message?: string }
}

export interface Attribute {
  readonly key: string
  readonly value: { readonly [kind: string]: unknown }
}

export interface Metric {
  readonly name: string
  readonly sum?: Points
  readonly gauge?: Points
  readonly histogram?: Points
}

interface Points {
  readonly dataPoints: ReadonlyArray<{
    readonly attributes: ReadonlyArray<Attribute>
    readonly asInt?: string | number
    readonly asDouble?: number
    readonly count?: string | number
    readonly sum?: number
  }>
}

export const listen = async () => {
  const spans: Array<Span> = []
  // Each export of metrics is complete: the last one counts.
  let metrics: ReadonlyArray<Metric> = []
  const server = createServer(async (request, response) => {
    let text = ""
    for await (const chunk of request) text += chunk
    const body = JSON.parse(text)
    for (const { scopeSpans } of body.resourceSpans ?? []) for (const scope of scopeSpans) spans.push(...scope.spans)
    for (const { scopeMetrics } of body.resourceMetrics ?? [])
      metrics = scopeMetrics.flatMap((scope: any) => scope.metrics)
    response.writeHead(200, { "content-type": "application/json", connection: "close" }).end("{}")
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    metrics: () => metrics,
    close: () => server.close()
  }
}
