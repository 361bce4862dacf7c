import { assert, describe, it } from "@effect/vitest"
import { WorkerHome } from "@troupe/worker"
import { type Duration, Effect, Exit, Metric, Option, Stream, Tracer } from "effect"
import { fork } from "../../core/test/support.ts"
import { Tracked } from "./fixtures/Tracked.ts"
import { bundle } from "./support.ts"

const url = await bundle("tracked.worker")

/** Keeps all spans that are made with it, and wakes the test that waits for the end of one. */
class Spans {
  readonly all: Array<Tracer.NativeSpan> = []
  private readonly waiting = new Map<string, () => void>()

  readonly tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      const end = span.end.bind(span)
      span.end = (time, exit) => {
        end(time, exit)
        this.waiting.get(span.name)?.()
      }
      this.all.push(span)
      return span
    }
  })

  get(name: string): Tracer.NativeSpan {
    return (
      this.all.find((span) => span.name === name) ??
      assert.fail(`no span "${name}" in ${this.all.map(({ name }) => name)}`)
    )
  }

  ended(name: string): Effect.Effect<Tracer.NativeSpan> {
    return Effect.callback((resume) => {
      const done = () => resume(Effect.sync(() => this.get(name)))
      if (this.all.some((span) => span.name === name && span.status._tag === "Ended")) done()
      else this.waiting.set(name, done)
    })
  }
}

/** The names of a span and of those above it. */
const path = (span: Tracer.AnySpan): Array<string> => {
  const name = span._tag === "Span" ? span.name : `external ${span.spanId}`
  const parent = span._tag === "Span" ? Option.getOrUndefined(span.parent) : undefined
  return parent === undefined ? [name] : [name, ...path(parent)]
}

const withTracked = (
  name: string,
  body: (tracked: Tracked["Service"], spans: Spans) => Effect.Effect<unknown, unknown, never>,
  unresponsiveAfter: Duration.Input = "3 seconds"
) =>
  it.live(
    name,
    () =>
      Effect.suspend(() => {
        const spans = new Spans()
        return Effect.flatMap(Tracked, (tracked) => body(tracked, spans)).pipe(
          Effect.provide(WorkerHome.layer(Tracked, { url, unresponsiveAfter })),
          Effect.withTracer(spans.tracer)
        )
      }),
    30_000
  )

describe("spans", () => {
  withTracked(
    "spans of a thread arrive in the tracer of the caller, under the call, in the same trace",
    (tracked, spans) =>
      Effect.gen(function* () {
        assert.strictEqual(yield* Effect.withSpan(tracked.work("a"), "request"), "a")
        const outer = yield* spans.ended("outer")
        const inner = yield* spans.ended("inner")
        const request = spans.get("request")
        assert.deepStrictEqual(path(inner), ["inner", "outer", "test/Tracked.work", "request"])
        for (const span of [inner, outer]) assert.strictEqual(span.traceId, request.traceId)
      })
  )

  withTracked("of a remote call they are under its own span, which begins a trace", (tracked, spans) =>
    Effect.gen(function* () {
      const ref = yield* Effect.withSpan(tracked.work.remote("r"), "request")
      yield* ref
      const inner = yield* spans.ended("inner")
      assert.deepStrictEqual(path(inner), ["inner", "outer", "test/Tracked.work"])
      assert.strictEqual(inner.traceId, spans.get("test/Tracked.work").traceId)
      assert.notStrictEqual(inner.traceId, spans.get("request").traceId)
    })
  )

  withTracked("a call to a thread is of kind client, or producer if it is remote", (tracked, spans) =>
    Effect.gen(function* () {
      yield* Effect.withSpan(tracked.work("c"), "request")
      yield* Effect.flatten(tracked.work.remote("d"))
      const calls = spans.all.filter(({ name }) => name === "test/Tracked.work")
      assert.deepStrictEqual(
        calls.map(({ attributes, kind }) => [kind, attributes.get("rpc.method") ?? attributes.get("messaging.system")]),
        [
          ["client", "test/Tracked.work"],
          ["producer", "troupe"]
        ]
      )
    })
  )

  withTracked("they keep their attributes, events, times and ends", (tracked, spans) =>
    Effect.gen(function* () {
      yield* Effect.withSpan(tracked.work("b"), "request")
      const inner = yield* spans.ended("inner")
      assert.deepInclude(Object.fromEntries(inner.attributes), { id: "b", big: 1n, list: "1,2" })
      assert.deepStrictEqual(
        inner.events.map(([name]) => name),
        ["at work on b"]
      )
      const { status } = inner
      assert.strictEqual(status._tag, "Ended")
      assert.isTrue(status._tag === "Ended" && status.endTime >= status.startTime && Exit.isSuccess(status.exit))
      yield* Effect.exit(Effect.withSpan(tracked.fail(), "request"))
      const failing = yield* spans.ended("failing")
      assert.match(String(failing.status._tag === "Ended" && failing.status.exit), /no luck/)
    })
  )

  withTracked("so do those of streams", (tracked, spans) =>
    Effect.gen(function* () {
      yield* Effect.withSpan(Stream.runDrain(tracked.items()), "request")
      assert.strictEqual(path(yield* spans.ended("stream")).at(-1), "request")
    })
  )

  withTracked(
    "a span of a thread that is lost ends with the thread",
    (tracked, spans) =>
      Effect.gen(function* () {
        const running = yield* fork(Effect.withSpan(tracked.never(), "request"))
        yield* Effect.repeat(Effect.sleep(1), { until: () => spans.all.some(({ name }) => name === "endless") })
        // Longer than it may be silent.
        yield* tracked.block.remote(60_000)
        const endless = yield* spans.ended("endless")
        assert.match(String(endless.status._tag === "Ended" && endless.status.exit), /did not answer/)
        running.interruptUnsafe()
      }),
    "600 millis"
  )

  withTracked("a call in no span sends none", (tracked, spans) =>
    Effect.gen(function* () {
      yield* tracked.work("c")
      assert.notInclude(
        spans.all.map(({ name }) => name),
        "request"
      )
    })
  )
})

describe("metrics", () => {
  withTracked("how late the timers of a thread are is a metric", (tracked) =>
    Effect.gen(function* () {
      const lag = Effect.map(Metric.snapshot, (metrics) =>
        metrics.flatMap((metric) =>
          metric.id === "troupe_worker_event_loop_lag_seconds" && metric.attributes?.actor === "test/Tracked"
            ? [Number((metric.state as { readonly value: number | bigint }).value)]
            : []
        )
      )
      const blocked = yield* fork(Effect.forever(Effect.andThen(tracked.block(400), Effect.sleep(100))))
      yield* Effect.repeat(Effect.andThen(Effect.sleep(20), lag), { until: (lags) => lags.some((late) => late > 0.05) })
      blocked.interruptUnsafe()
    })
  )
})
