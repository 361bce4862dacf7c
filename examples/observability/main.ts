/**
 * What a telemetry collector receives from actors: a span per call, with the calls that it made below it, and metrics
 * of waiting and running. The shop itself has no line about telemetry: two Layers do it all.
 *
 *     npm run example -- observability
 *     npx node --conditions=@troupe/source examples/observability/main.ts
 * Here the collector is part of the program, and prints what it received. Given the address of a real one (Jaeger,
 * * Grafana, any that takes OTLP over HTTP), the program exports to it:
 *
 *     npx node --conditions=@troupe/source examples/observability/main.ts http://127.0.0.1:4318
 */
import { ActorSystem } from "@troupe/core"
import { Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { Otlp } from "effect/observability"
import { listen } from "./collector.ts"
import { metricLines, traceLines } from "./print.ts"
import { orders, shop } from "./shop.ts"

const [address] = process.argv.slice(2)
const collector = address === undefined ? await listen() : undefined
if (address !== undefined) {
  // The exporter does not report a missing collector: it drops the data that it cannot send. So ask the collector
  // first.
  await fetch(address).catch(() => {
    console.error(`Nobody answers at ${address}.`)
    process.exit(1)
  })
}

const telemetry = Otlp.layerJson({
  baseUrl: address ?? collector!.url,
  resource: { serviceName: "shop" },
  // Logs go there, too, each with the span of its call, and not to the console.
  loggerMergeWithExisting: false
}).pipe(Layer.provide(FetchHttpClient.layer))

await orders.pipe(
  Effect.provide(shop),
  Effect.provide(ActorSystem.layerMetrics()),
  // Outermost, so that it sees everything, and exports what is left when the rest has ended.
  Effect.provide(telemetry),
  Effect.runPromise
)

if (collector !== undefined) {
  console.log("Traces:")
  for (const line of traceLines(collector.spans)) console.log(line)
  console.log("\nMetrics:")
  for (const line of metricLines(collector.metrics())) console.log(line)
  collector.close()
} else {
  console.log(`Sent to ${address}: look there for the service "shop".`)
}
