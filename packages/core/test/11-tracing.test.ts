import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorError, ObjectRef } from "@troupe/core"
import { Cause, Effect, Exit, Option, Schedule, Stream, Tracer } from "effect"
import { TestClock } from "effect/testing"
import { fork, Probe, settle, Worker } from "./support.ts"

/** Collects spans, as an exporter would. */
const collector = () => {
  const spans: Array<Tracer.Span> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = Tracer.nativeTracer.span(options)
      spans.push(span)
      return span
    }
  })
  return { spans, tracer, traced: Effect.provideService(Tracer.Tracer, tracer) }
}

const parentOf = (span: Tracer.Span) => Option.getOrUndefined(span.parent)?.spanId

const attributesOf = (span: Tracer.Span) => Object.fromEntries(span.attributes)

const exitOf = (span: Tracer.Span): Exit.Exit<unknown, unknown> =>
  span.status._tag === "Ended" ? span.status.exit : assert.fail("the span has not ended")

describe("11.2 tracing", () => {
  it.effect("each call is a span Actor.method, child of the asker's span", () =>
    Effect.gen(function* () {
      const { spans, traced } = collector()
      const a = yield* Worker.options({ name: "a" }).spawn()
      const b = yield* Worker.spawn()
      yield* traced(Effect.withSpan(a.run(b.run(Effect.withSpan(Effect.yieldNow, "inside"))), "outside"))
      assert.deepStrictEqual(
        spans.map(({ name }) => name),
        ["outside", "test/Worker.run", "test/Worker.run", "inside"]
      )
      const [outside, first, second, inside] = spans as [Tracer.Span, Tracer.Span, Tracer.Span, Tracer.Span]
      assert.deepStrictEqual(
        [first, second, inside].map(parentOf),
        [outside, first, second].map(({ spanId }) => spanId)
      )
      assert.isTrue(spans.every((span) => Exit.isSuccess(exitOf(span))))
    })
  )

  it.effect("a span that the method has ended itself is not ended again", () =>
    Effect.gen(function* () {
      const { spans, traced } = collector()
      const worker = yield* Worker.spawn()
      const ends: Array<unknown> = []
      const body = Effect.map(Effect.currentSpan, (span) => {
        const { end } = span
        Object.assign(span, { end: (...args: Parameters<typeof end>) => ends.push(end.apply(span, args)) })
        span.end(5n, Exit.succeed("of the method"))
      })
      yield* traced(Effect.withSpan(worker.run(body), "outside"))
      assert.strictEqual(ends.length, 1)
      assert.deepStrictEqual(exitOf(spans[1]!), Exit.succeed("of the method"))
    })
  )

  it.effect("its attributes say which call it is, of which instance, and how long it waited", () =>
    Effect.gen(function* () {
      const { spans, traced } = collector()
      const probe = new Probe()
      class Grouped extends Actor.Service<Grouped>()("test/Worker", {
        concurrencyGroups: { io: { maxConcurrency: 1, methods: ["work"] } },
        make: Effect.succeed({ work: probe.work })
      }) {}
      const worker = yield* Grouped.options({ name: "the one" }).spawn()
      yield* traced(worker.work.remote("first"))
      const second = yield* traced(worker.work.remote("second"))
      yield* settle
      yield* TestClock.adjust("2 seconds")
      yield* probe.open("first", "second")
      yield* second
      const attributes = attributesOf(spans[1]!)
      assert.isNumber(attributes["troupe.instance"])
      assert.deepStrictEqual(attributes, {
        "troupe.actor": "test/Worker",
        "troupe.instance": attributes["troupe.instance"],
        "troupe.name": "the one",
        "troupe.method": "work",
        "troupe.group": "io",
        "troupe.call": second.id,
        "troupe.waited_ms": 2000
      })
    })
  )

  it.effect("the resident of a key says its key, and the span is named after both", () =>
    Effect.gen(function* () {
      class Account extends Actor.Keyed<Account>()("Account", {
        make: (_: string) => Effect.succeed({ name: () => Effect.succeed(1) })
      }) {}
      const { spans, traced } = collector()
      const program = Effect.flatMap(Account.get("anna"), (anna) => traced(anna.name()))
      yield* Effect.provide(program, Account.layer)
      assert.strictEqual(spans[0]!.name, "Account(anna).name")
      assert.deepInclude(attributesOf(spans[0]!), { "troupe.actor": "Account", "troupe.key": "anna" })
    })
  )

  it.effect("a remote call is a trace of its own, linked from its submitter's span", () =>
    Effect.gen(function* () {
      const { spans, traced } = collector()
      const worker = yield* Worker.spawn()
      const ref = yield* traced(Effect.withSpan(worker.run.remote(Effect.yieldNow), "submitter"))
      yield* ref
      const [submitter, call] = spans as [Tracer.Span, Tracer.Span]
      assert.isTrue(Option.isNone(call.parent))
      assert.notStrictEqual(call.traceId, submitter.traceId)
      assert.deepStrictEqual(
        call.links.map(({ span }) => span.spanId),
        [submitter.spanId]
      )
    })
  )

  it.effect("a call of a traced program without a span starts a trace", () =>
    Effect.gen(function* () {
      const { spans, traced } = collector()
      const worker = yield* Worker.spawn()
      yield* traced(worker.note("x"))
      assert.deepStrictEqual(
        spans.map(({ links, name, parent }) => [name, Option.isNone(parent), links.length]),
        [["test/Worker.note", true, 0]]
      )
    })
  )

  it.effect("a span of the caller is enough, whoever traces", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const span = (yield* Effect.withSpan(worker.run(Effect.currentSpan), "outside")) as Tracer.Span
      assert.strictEqual(span.name, "test/Worker.run")
      assert.isTrue(Option.isSome(span.parent))
    })
  )

  it.effect("without a tracer and a span there are no spans", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      assert.strictEqual((yield* Effect.exit(worker.run(Effect.currentSpan)))._tag, "Failure")
    })
  )

  it.effect("the span ends as the call does", () =>
    Effect.gen(function* () {
      const { spans, traced } = collector()
      const worker = yield* Worker.spawn()
      yield* traced(Effect.exit(worker.fail("typed")))
      yield* traced(Effect.exit(worker.die("defect")))
      const never = yield* traced(worker.run.remote(Effect.never))
      yield* settle
      assert.strictEqual(spans[2]!.status._tag, "Started")
      yield* ObjectRef.cancel(never)
      const errors = spans.map((span) => {
        const exit = exitOf(span)
        return Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      })
      assert.deepStrictEqual(errors.slice(0, 2), ["typed", "defect"])
      assert.isTrue(ActorError.isActorError(errors[2]) && errors[2].reason._tag === "TaskCancelled")
    })
  )

  it.effect("5.2 a span does not cost an uninterruptible method its result", () =>
    Effect.gen(function* () {
      const { traced } = collector()
      const probe = new Probe()
      const worker = yield* Worker.spawn(probe)
      const ref = yield* traced(worker.run.remote(Effect.uninterruptible(probe.work("a"))))
      yield* settle
      const cancel = yield* fork(ObjectRef.cancel(ref))
      yield* probe.open("a")
      assert.strictEqual(yield* ref, "a")
      assert.isDefined(cancel)
    })
  )

  it.effect("a call that runs again has one span, with the number of attempts", () =>
    Effect.gen(function* () {
      const { spans, traced } = collector()
      let left = 2
      const worker = yield* Worker.options({ retry: true, maxTaskRetries: 2 }).spawn()
      yield* traced(worker.run(Effect.suspend(() => (left-- > 0 ? Effect.fail("again") : Effect.void))))
      assert.strictEqual(spans.length, 1)
      assert.strictEqual(attributesOf(spans[0]!)["troupe.attempts"], 3)
      assert.isTrue(Exit.isSuccess(exitOf(spans[0]!)))
    })
  )

  it.effect("a call that never ran has none", () =>
    Effect.gen(function* () {
      const { spans, traced } = collector()
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      yield* worker.work.remote("held")
      yield* ObjectRef.cancel(yield* traced(worker.note.remote("x")))
      assert.deepStrictEqual(spans, [])
    })
  )

  it.effect("a stream is one span, from its first pull to its end", () =>
    Effect.gen(function* () {
      class Ticker extends Actor.Service<Ticker>()("Ticker", {
        restart: Schedule.recurs(1),
        make: Effect.succeed({ ticks: (n: number) => Stream.range(1, n) })
      }) {}
      const { spans, traced } = collector()
      const ticker = yield* Ticker.spawn()
      const stream = ticker.ticks(3)
      assert.deepStrictEqual(spans, [])
      assert.strictEqual((yield* traced(Stream.runCollect(stream))).length, 3)
      assert.deepStrictEqual(
        spans.map((span) => [span.name, exitOf(span)._tag]),
        [["Ticker.ticks", "Success"]]
      )
    })
  )
})
