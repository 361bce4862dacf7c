/** A collector of telemetry, as far as tests need one: takes OTLP over HTTP on loopback, and keeps what came. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import type { OtlpTracer } from "effect/observability"

export type Span = OtlpTracer.TraceData["resourceSpans"][number]["scopeSpans"][number]["spans"][number]

interface Attribute {
  readonly key: string
  readonly value: object
}

/** One number of a metric, with what it is the number of. */
export interface Point {
  readonly metric: string
  readonly attributes: Readonly<Record<string, unknown>>
  readonly value: number
  /** Of histograms: how many values, of which `value` is the sum. */
  readonly count: number | undefined
}

export interface Log {
  readonly body: unknown
  readonly traceId: string | undefined
  readonly spanId: string | undefined
}

export interface Collector extends AsyncDisposable {
  readonly url: string
  readonly spans: Array<Span>
  /** One for each export. */
  readonly exports: Array<ReadonlyArray<Point>>
  readonly logs: Array<Log>
  readonly resources: Array<Readonly<Record<string, unknown>>>
}

/** `{ stringValue: "a" }` is the value "a". */
const plain = (value: object): unknown => {
  const [kind, content] = Object.entries(value)[0] ?? []
  return kind === "intValue" ? Number(content) : content
}

export const attributesOf = (attributes: ReadonlyArray<Attribute>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]))

const pointsOf = (body: any): ReadonlyArray<Point> =>
  body.resourceMetrics
    .flatMap(({ scopeMetrics }: any) => scopeMetrics)
    .flatMap(({ metrics }: any) => metrics)
    .flatMap(({ name, gauge, histogram, sum }: any) =>
      (gauge ?? histogram ?? sum).dataPoints.map((point: any) => ({
        metric: name,
        attributes: attributesOf(point.attributes),
        value: Number(point.asInt ?? point.asDouble ?? point.sum),
        count: point.count === undefined ? undefined : Number(point.count)
      }))
    )

const take = (collector: Collector, path: string, body: any): void => {
  const groups = body.resourceSpans ?? body.resourceMetrics ?? body.resourceLogs
  for (const { resource } of groups) collector.resources.push(attributesOf(resource.attributes))
  if (path === "/v1/traces") {
    for (const { scopeSpans } of groups) for (const { spans } of scopeSpans) collector.spans.push(...spans)
  } else if (path === "/v1/metrics") {
    collector.exports.push(pointsOf(body))
  } else if (path === "/v1/logs") {
    for (const { scopeLogs } of groups) {
      for (const { logRecords } of scopeLogs) {
        for (const { body, traceId, spanId } of logRecords) collector.logs.push({ body: plain(body), traceId, spanId })
      }
    }
  }
}

export const listen = async (): Promise<Collector> => {
  const server = createServer(async (request, response) => {
    let text = ""
    for await (const chunk of request) text += chunk
    take(collector, request.url ?? "", JSON.parse(text))
    response.writeHead(200, { "content-type": "application/json", connection: "close" }).end("{}")
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const collector: Collector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: [],
    exports: [],
    logs: [],
    resources: [],
    [Symbol.asyncDispose]: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    }
  }
  return collector
}
