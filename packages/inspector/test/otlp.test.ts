import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorSystem, ObjectRef, Task } from "@troupe/core"
import { Effect, Layer, Metric, Ref, Schedule } from "effect"
import { FetchHttpClient } from "effect/http"
import { Otlp, OtlpExporter } from "effect/observability"
import { attributesOf, type Collector, listen, type Span } from "./otlpCollector.ts"

class Db extends Actor.Service<Db>()("app/Db", {
  shutdownTimeout: 0,
  concurrencyGroups: { io: { maxConcurrency: 1, methods: ["load"] } },
  make: Effect.gen(function* () {
    const attempts = yield* Ref.make(0)
    return {
      query: (sql: string) => Effect.as(Effect.logInfo(`query ${sql}`), sql.length),
      load: () => Effect.void,
      fail: () => Effect.fail(new RangeError("no such row")),
      hang: () => Effect.never,
      flaky: () =>
        Effect.flatMap(
          Ref.updateAndGet(attempts, (n) => n + 1),
          (n) => (n < 3 ? Effect.fail("busy") : Effect.void)
        )
    }
  })
}) {}

class Importer extends Actor.Service<Importer>()("app/Importer", {
  make: Effect.gen(function* () {
    const db = yield* Db
    return {
      import: Effect.fnUntraced(function* (sql: string) {
        const ref = yield* db.query.remote(sql)
        const length = yield* db.query(sql).pipe(Effect.withSpan("parse"))
        return length + (yield* ref)
      })
    }
  })
}) {}

const length = Task.make("app/length", (text: string) => Effect.succeed(text.length))

/** Runs a program whose telemetry goes to a collector, which has all of it when the program is over. */
const collected = async <A, E>(
  program: Effect.Effect<A, E, Db | Importer | OtlpExporter.Flusher>
): Promise<Collector & { readonly value: A }> => {
  const collector = await listen()
  const telemetry = Otlp.layerJson({
    baseUrl: collector.url,
    resource: { serviceName: "importer", serviceVersion: "1.2.3" },
    loggerMergeWithExisting: false,
    // What is left is exported at the end, which is what we wait for.
    tracerExportInterval: "1 hour",
    loggerExportInterval: "1 hour",
    metricsExportInterval: "1 hour"
  }).pipe(Layer.provide(FetchHttpClient.layer))
  const actors = Layer.provideMerge(Importer.layer, Db.layer)
  const value = await program.pipe(
    Effect.provide(actors),
    Effect.provide(ActorSystem.layerMetrics()),
    Effect.provide(telemetry),
    // A registry of its own, so that tests do not count for each other.
    Effect.provideService(Metric.MetricRegistry, new Map()),
    Effect.provide(ActorSystem.layer),
    Effect.runPromise
  )
  return Object.assign(collector, { value })
}

const named = ({ spans }: Collector, name: string): ReadonlyArray<Span> => spans.filter((span) => span.name === name)

const only = (collector: Collector, name: string): Span => {
  const spans = named(collector, name)
  assert.lengthOf(spans, 1, `spans ${name} of ${collector.spans.map((span) => span.name).join(", ")}`)
  return spans[0]!
}

/** The number of this metric with at least these attributes, in the export before the `back`-th last. */
const point = (collector: Collector, metric: string, attributes: Record<string, unknown>, back = 0) =>
  collector.exports
    .at(-1 - back)
    ?.find(
      (point) =>
        point.metric === metric && Object.entries(attributes).every(([key, value]) => point.attributes[key] === value)
    )

describe("spans over OTLP", () => {
  it("each call is a span Actor.method: asked calls are children, submitted ones are linked", async () => {
    await using collector = await collected(
      Effect.gen(function* () {
        const importer = yield* Importer
        return yield* importer.import("select 1").pipe(Effect.withSpan("request"))
      })
    )
    assert.strictEqual(collector.value, 16)
    const request = only(collector, "request")
    const call = only(collector, "app/Importer.import")
    const parse = only(collector, "parse")
    const [asked, submitted] = [...named(collector, "app/Db.query")].sort(
      (a, b) => Number(a.parentSpanId === undefined) - Number(b.parentSpanId === undefined)
    ) as [Span, Span]

    assert.strictEqual(call.parentSpanId, request.spanId)
    assert.strictEqual(parse.parentSpanId, call.spanId)
    assert.strictEqual(asked.parentSpanId, parse.spanId)
    for (const span of [call, parse, asked]) assert.strictEqual(span.traceId, request.traceId)

    assert.isUndefined(submitted.parentSpanId)
    assert.notStrictEqual(submitted.traceId, request.traceId)
    assert.deepStrictEqual(
      submitted.links.map(({ spanId, traceId }) => ({ spanId, traceId })),
      [{ spanId: call.spanId, traceId: call.traceId }]
    )
    assert.lengthOf(asked.links, 0)
  })

  it("a span encloses the run of its call, and those of the calls that it asked", async () => {
    await using collector = await collected(
      Effect.gen(function* () {
        const importer = yield* Importer
        return yield* importer.import("select 1").pipe(Effect.withSpan("request"))
      })
    )
    const byId = new Map(collector.spans.map((span) => [span.spanId, span]))
    for (const span of collector.spans) {
      assert.isAtMost(Number(BigInt(span.startTimeUnixNano) - BigInt(span.endTimeUnixNano)), 0)
      const parent = span.parentSpanId === undefined ? undefined : byId.get(span.parentSpanId)
      if (parent === undefined) continue
      assert.isTrue(BigInt(parent.startTimeUnixNano) <= BigInt(span.startTimeUnixNano), `${span.name} starts later`)
      assert.isTrue(BigInt(parent.endTimeUnixNano) >= BigInt(span.endTimeUnixNano), `${span.name} ends earlier`)
    }
  })

  it("says which actor, instance, method, call and group it was, of which service", async () => {
    await using collector = await collected(
      Effect.gen(function* () {
        yield* (yield* Db).load().pipe(Effect.withSpan("request"))
        yield* length("four").pipe(Effect.withSpan("request"))
      })
    )
    const attributes = attributesOf(only(collector, "app/Db.load").attributes)
    assert.strictEqual(attributes["troupe.actor"], "app/Db")
    assert.strictEqual(attributes["troupe.method"], "load")
    assert.strictEqual(attributes["troupe.group"], "io")
    assert.isAbove(Number(attributes["troupe.instance"]), 0)
    assert.isAbove(Number(attributes["troupe.call"]), 0)
    assert.isAtLeast(Number(attributes["troupe.waited_ms"]), 0)
    assert.strictEqual(attributesOf(only(collector, "app/length").attributes)["troupe.actor"], "app/length")
    assert.isAbove(collector.resources.length, 0)
    for (const resource of collector.resources) {
      assert.strictEqual(resource["service.name"], "importer")
      assert.strictEqual(resource["service.version"], "1.2.3")
    }
  })

  it("has the error of a call that failed, and knows a call that was cancelled", async () => {
    await using collector = await collected(
      Effect.gen(function* () {
        const db = yield* Db
        yield* Effect.exit(db.fail())
        const ref = yield* db.hang.remote()
        // It runs once it has been started, which takes a turn.
        yield* Effect.yieldNow
        yield* ObjectRef.cancel(ref)
      }).pipe(Effect.withSpan("request"))
    )
    const failed = only(collector, "app/Db.fail")
    assert.strictEqual(failed.status.code, 2)
    assert.strictEqual(failed.status.message, "no such row")
    const event = failed.events.find(({ name }) => name === "exception")
    assert.strictEqual(attributesOf(event?.attributes ?? [])["exception.type"], "RangeError")
    const cancelled = only(collector, "app/Db.hang")
    assert.notStrictEqual(cancelled.status.code, 1)
    assert.match(JSON.stringify(cancelled), /cancelled|interrupted/i)
  })

  it("is one span for a call that ran more than once, and says how often", async () => {
    await using collector = await collected(
      Effect.gen(function* () {
        const db = yield* Effect.scoped(
          Effect.flatMap(Db.options({ maxTaskRetries: 5, retry: true }).spawn(), (db) => db.flaky())
        ).pipe(Effect.withSpan("request"))
        return db
      })
    )
    const span = only(collector, "app/Db.flaky")
    assert.strictEqual(attributesOf(span.attributes)["troupe.attempts"], 3)
    assert.strictEqual(span.status.code, 1)
  })

  it("connects what a method logs to the span of its call", async () => {
    await using collector = await collected(
      Effect.flatMap(Db, (db) => db.query("select 2")).pipe(Effect.withSpan("request"))
    )
    const span = only(collector, "app/Db.query")
    const log = collector.logs.find(({ body }) => body === "query select 2")
    assert.strictEqual(log?.spanId, span.spanId)
    assert.strictEqual(log?.traceId, span.traceId)
  })

  it("spans of many concurrent calls all arrive, each with the right parent", async () => {
    await using collector = await collected(
      Effect.gen(function* () {
        const importer = yield* Importer
        yield* Effect.forEach(
          Array.from({ length: 200 }, (_, i) => i),
          (i) => importer.import(`${i}`).pipe(Effect.withSpan(`request ${i}`)),
          { concurrency: "unbounded", discard: true }
        )
      })
    )
    assert.lengthOf(named(collector, "app/Importer.import"), 200)
    assert.lengthOf(named(collector, "app/Db.query"), 400)
    const byId = new Map(collector.spans.map((span) => [span.spanId, span]))
    const parents = named(collector, "app/Importer.import").map(({ parentSpanId }) => byId.get(parentSpanId!)?.name)
    assert.lengthOf([...new Set(parents)], 200)
  })
})

describe("metrics over OTLP", () => {
  it("counts calls by actor, method and outcome, and measures waiting and running apart", async () => {
    await using collector = await collected(
      Effect.gen(function* () {
        const db = yield* Db
        const importer = yield* Importer
        for (let i = 0; i < 3; i++) yield* importer.import("select 1")
        for (let i = 0; i < 2; i++) yield* Effect.exit(db.fail())
        const ref = yield* db.hang.remote()
        yield* Effect.yieldNow
        yield* ObjectRef.cancel(ref)
        yield* db.hang.remote()
      })
    )
    const calls = (actor: string, method: string, name: string) =>
      point(collector, "troupe_calls_total", { actor, method, outcome: name })?.value
    assert.strictEqual(calls("app/Importer", "import", "succeeded"), 3)
    assert.strictEqual(calls("app/Db", "query", "succeeded"), 6)
    assert.strictEqual(calls("app/Db", "fail", "failed"), 2)
    assert.strictEqual(calls("app/Db", "hang", "cancelled"), 1)
    const query = { actor: "app/Db", method: "query", unit: "s" }
    assert.strictEqual(point(collector, "troupe_call_running_seconds", query)?.count, 6)
    assert.strictEqual(point(collector, "troupe_call_waiting_seconds", query)?.count, 6)
  })

  it("shows how many run and wait, how many instances live, and restarts", async () => {
    await using collector = await collected(
      Effect.gen(function* () {
        class Fragile extends Actor.Service<Fragile>()("app/Fragile", {
          shutdownTimeout: 0,
          restart: Schedule.recurs(5),
          maxConcurrency: 1,
          make: Effect.succeed({
            die: () => Effect.die(new Error("no")),
            hang: () => Effect.never,
            ok: () => Effect.void
          })
        }) {}
        const fragile = yield* Fragile.spawn()
        for (let i = 0; i < 2; i++) yield* Effect.exit(fragile.die())
        yield* fragile.ok()
        for (let i = 0; i < 4; i++) yield* fragile.hang.remote()
        yield* Effect.yieldNow
        yield* Effect.flatMap(OtlpExporter.Flusher, ({ flush }) => flush)
      }).pipe(Effect.scoped)
    )
    const gauges = (back: number) =>
      ["restarts_total", "instances", "calls_running", "calls_waiting"].map(
        (name) => point(collector, `troupe_${name}`, { actor: "app/Fragile" }, back)?.value
      )
    assert.deepStrictEqual(gauges(1), [2, 1, 1, 3])
    assert.deepStrictEqual(gauges(0), [2, 0, 0, 0])
  })
})
