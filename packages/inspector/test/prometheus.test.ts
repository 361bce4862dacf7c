import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorSystem } from "@troupe/core"
import { Effect, Layer, Metric } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { PrometheusMetrics } from "effect/observability"

class Db extends Actor.Service<Db>()("app/Db", {
  shutdownTimeout: 0,
  maxConcurrency: 1,
  make: Effect.succeed({
    query: () => Effect.succeed(1),
    fail: () => Effect.fail("no" as const),
    hang: () => Effect.never
  })
}) {}

class Odd extends Actor.Service<Odd>()('app/"Odd"\\\n', { make: Effect.succeed({ call: () => Effect.void }) }) {}

/** What a scraper finds: samples by name and labels, types by name. Anything that the format does not allow throws. */
const parse = (text: string) => {
  const samples = new Map<string, number>()
  const types = new Map<string, string>()
  for (const line of text.trimEnd().split("\n")) {
    if (line.startsWith("# HELP ")) continue
    const type = /^# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge|histogram|summary|untyped)$/.exec(line)
    if (type !== null) {
      assert.isFalse(types.has(type[1]!), `${type[1]} has two types`)
      types.set(type[1]!, type[2]!)
      continue
    }
    const label = String.raw`[a-zA-Z_]\w*="(?:[^"\\]|\\["\\n])*"`
    const sample = new RegExp(String.raw`^([a-zA-Z_:][\w:]*(?:\{${label}(?:,${label})*\})?) (\S+)$`).exec(line)
    assert.isNotNull(sample, `not a sample: ${line}`)
    assert.isFalse(samples.has(sample![1]!), `${sample![1]} comes twice`)
    samples.set(sample![1]!, Number(sample![2]!.replace("+Inf", "Infinity")))
  }
  return { samples, types }
}

/** Runs a program with a server beside it, which it can scrape. */
const scraped = <A, E>(program: (scrape: Effect.Effect<Response>) => Effect.Effect<A, E, Db>) =>
  Effect.gen(function* () {
    const server = yield* HttpServer.HttpServer
    if (!("port" in server.address)) assert.fail("it listens at a port")
    const { port } = server.address
    const scrape = Effect.promise(() => fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: "close" } }))
    return yield* program(scrape)
  }).pipe(
    Effect.provide(Db.layer),
    Effect.provide(ActorSystem.layerMetrics()),
    Effect.provide(
      HttpRouter.serve(PrometheusMetrics.layerHttp(), { disableLogger: true, disableListenLog: true }).pipe(
        Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
      )
    ),
    Effect.provideService(Metric.MetricRegistry, new Map()),
    Effect.provide(ActorSystem.layer),
    Effect.runPromise
  )

describe("metrics for Prometheus", () => {
  it("are served in its text format, with outcomes, queue depth, and waiting and running time as histograms", () =>
    scraped((scrape) =>
      Effect.gen(function* () {
        const db = yield* Db
        for (let i = 0; i < 3; i++) yield* db.query()
        yield* Effect.exit(db.fail())
        yield* db.hang.remote()
        yield* db.hang.remote()
        yield* Effect.yieldNow
        const response = yield* scrape
        assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/)
        const { samples, types } = parse(yield* Effect.promise(() => response.text()))

        assert.strictEqual(types.get("troupe_calls_total"), "counter")
        assert.strictEqual(samples.get('troupe_calls_total{actor="app/Db",method="query",outcome="succeeded"}'), 3)
        assert.strictEqual(samples.get('troupe_calls_total{actor="app/Db",method="fail",outcome="failed"}'), 1)
        assert.strictEqual(types.get("troupe_calls_running"), "gauge")
        assert.strictEqual(samples.get('troupe_calls_running{actor="app/Db"}'), 1)
        assert.strictEqual(samples.get('troupe_calls_waiting{actor="app/Db"}'), 1)
        assert.strictEqual(samples.get('troupe_instances{actor="app/Db"}'), 1)

        for (const what of ["waiting", "running"]) {
          const name = `troupe_call_${what}_seconds`
          assert.strictEqual(types.get(name), "histogram")
          const labels = 'actor="app/Db",method="query"'
          const buckets = [...samples].filter(([key]) => key.startsWith(`${name}_bucket{${labels},le=`))
          const counts = buckets.map(([, count]) => count)
          assert.isAbove(counts.length, 10)
          assert.deepStrictEqual(
            counts,
            [...counts].sort((a, b) => a - b),
            "buckets count what is below them, too"
          )
          assert.include(buckets.at(-1)![0], 'le="+Inf"')
          assert.strictEqual(counts.at(-1), 3)
          assert.strictEqual(samples.get(`${name}_count{${labels}}`), 3)
          assert.isAtLeast(samples.get(`${name}_sum{${labels}}`) ?? -1, 0)
        }
      })
    ))

  it("are right at each scrape", () =>
    scraped((scrape) =>
      Effect.gen(function* () {
        const db = yield* Db
        const queries = Effect.gen(function* () {
          const text = yield* Effect.flatMap(scrape, (response) => Effect.promise(() => response.text()))
          return parse(text).samples.get('troupe_calls_total{actor="app/Db",method="query",outcome="succeeded"}')
        })
        assert.isUndefined(yield* queries)
        yield* db.query()
        assert.strictEqual(yield* queries, 1)
        yield* db.query()
        assert.strictEqual(yield* queries, 2)
      })
    ))

  it("stay in the format whatever an actor is called", () =>
    scraped((scrape) =>
      Effect.gen(function* () {
        yield* Effect.scoped(Effect.flatMap(Odd.spawn(), (odd) => odd.call()))
        const { samples } = parse(yield* Effect.flatMap(scrape, (response) => Effect.promise(() => response.text())))
        const key = String.raw`troupe_calls_total{actor="app/\"Odd\"\\\n",method="call",outcome="succeeded"}`
        assert.strictEqual(samples.get(key), 1)
      })
    ))
})
