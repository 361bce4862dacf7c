import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorContext, ActorError, ActorSystem, Home, ObjectRef } from "@troupe/core"
import { Cause, Data, Effect, Exit, Fiber, Layer, Option, Schedule, Schema, Stream, Tracer } from "effect"
import { DevToolsClient, DevToolsSchema } from "effect/devtools"
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

/** The attributes that are named by OpenTelemetry's conventions for calls between processes. */
const conventional = (span: Tracer.Span) =>
  Object.fromEntries([...span.attributes].filter(([key]) => /^(rpc|messaging)\./.test(key)))

class Account extends Actor.Keyed<Account>()("Account", {
  make: (_: string) => Effect.succeed({ name: () => Effect.succeed(1) })
}) {}

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

  it.effect("unsettled calls have the ids of their traces in snapshots (11.1), in line too if an asker waits", () =>
    Effect.gen(function* () {
      const { spans, traced } = collector()
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1, name: "traced" }).spawn(probe)
      const asker = yield* fork(traced(Effect.withSpan(worker.work("asked"), "outside")))
      const line = yield* fork(traced(Effect.withSpan(worker.work("in line"), "another")))
      const remote = yield* traced(Effect.withSpan(worker.work.remote("remote"), "a third"))
      yield* worker.work.remote("untraced")
      yield* settle
      const traces = Effect.map(ActorSystem.snapshot({ name: "traced" }), ({ calls }) =>
        calls.map(({ trace }) => trace)
      )
      const traceOf = (name: string) => spans.find((span) => span.name === name)!.traceId
      // A call that nobody waits for begins a trace of its own, with its span.
      assert.deepStrictEqual(yield* traces, [traceOf("outside"), traceOf("another"), undefined, undefined])
      yield* probe.open("asked", "in line")
      yield* Fiber.join(asker)
      yield* Fiber.join(line)
      yield* settle
      assert.deepStrictEqual(yield* traces, [spans.at(-1)!.traceId, undefined])
      assert.notStrictEqual(spans.at(-1)!.traceId, traceOf("a third"))
      yield* probe.open("remote", "untraced")
      yield* remote
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
        "otel.scope.name": "@troupe/core",
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

  it.effect("the span of a key's call is named without the key, which is an attribute", () =>
    Effect.gen(function* () {
      const { spans, traced } = collector()
      const program = Effect.flatMap(Account.get("anna"), (anna) => traced(anna.name()))
      yield* Effect.provide(program, Account.layer)
      assert.strictEqual(spans[0]!.name, "Account.name")
      assert.deepInclude(attributesOf(spans[0]!), { "troupe.actor": "Account", "troupe.key": "anna" })
    })
  )

  it.effect("the caller, or the program that provides the actor, can keep keys out of spans", () =>
    Effect.gen(function* () {
      const { spans, traced } = collector()
      const ask = Effect.flatMap(Account.get("anna"), (anna) => traced(anna.name()))
      const keyless = Layer.succeed(ActorSystem.KeysInSpans)(false)
      yield* Effect.provide(Effect.provide(ask, keyless), Account.layer)
      yield* Effect.provide(ask, Layer.provide(Account.layer, keyless))
      assert.strictEqual(spans.length, 2)
      for (const span of spans) {
        assert.notProperty(attributesOf(span), "troupe.key")
        assert.notInclude(JSON.stringify([span.name, attributesOf(span)]), "anna")
      }
    })
  )

  it.effect("a name that the call or the method was given names the span", () =>
    Effect.gen(function* () {
      class Named extends Actor.Keyed<Named>()("Named", {
        methodOptions: { load: { name: "load it" } },
        make: (_: string) => Effect.succeed({ load: () => Effect.void, save: () => Effect.void })
      }) {}
      const { spans, traced } = collector()
      const program = Effect.flatMap(Named.get("anna"), (anna) =>
        traced(Effect.andThen(anna.load(), anna.save.options({ name: "save it" })()))
      )
      yield* Effect.provide(program, Named.layer)
      assert.deepStrictEqual(
        spans.map(({ name }) => name),
        ["load it", "save it"]
      )
    })
  )

  it.effect("a call within the process is internal, and claims no traffic", () =>
    Effect.gen(function* () {
      const { spans, traced } = collector()
      const worker = yield* Worker.spawn()
      yield* traced(worker.note("a"))
      yield* yield* traced(worker.note.remote("b"))
      for (const span of spans) {
        assert.strictEqual(span.kind, "internal")
        assert.deepStrictEqual(conventional(span), {})
      }
    })
  )

  it.effect(
    "a call that a home carries is of kind client, with rpc attributes; a remote one producer, with messaging",
    () =>
      Effect.gen(function* () {
        class Carried extends Actor.Service<Carried>()("Carried", {
          make: Effect.map(ActorContext.ActorContext, (self) => {
            Home.link(self, { describe: () => ({ kind: "test" }) })
            return { load: () => Effect.void }
          })
        }) {}
        const { spans, traced } = collector()
        const carried = yield* Carried.spawn()
        yield* traced(carried.load())
        const ref = yield* traced(carried.load.remote())
        yield* ref
        assert.deepStrictEqual(
          spans.map((span) => [span.kind, conventional(span)]),
          [
            ["client", { "rpc.system.name": "troupe", "rpc.method": "Carried.load" }],
            [
              "producer",
              {
                "messaging.system": "troupe",
                "messaging.operation.name": "remote",
                "messaging.operation.type": "send",
                "messaging.destination.name": "Carried",
                "messaging.message.id": String(ref.id)
              }
            ]
          ]
        )
      })
  )

  it.effect("the instance that serves other processes has spans of kind server, and its own calls are internal", () =>
    Effect.gen(function* () {
      const { spans, traced } = collector()
      const serving = Effect.provideService(Home.Residence, {
        describe: (actor) => (actor === "test/Worker" ? { kind: "test" } : undefined)
      })
      const worker = yield* serving(Worker.spawn())
      yield* traced(worker.run(worker.note("inside")))
      assert.deepStrictEqual(
        spans.map((span) => [span.kind, conventional(span)]),
        [
          ["server", { "rpc.system.name": "troupe", "rpc.method": "test/Worker.run" }],
          ["internal", {}]
        ]
      )
    })
  )

  it.effect("error.type names an error by its tag or its class, and never by its message", () =>
    Effect.gen(function* () {
      const { spans, traced } = collector()
      const worker = yield* Worker.options({ maxConcurrency: 5 }).spawn()
      class Refused extends Data.TaggedError("Refused")<{ readonly card: string }> {}
      const failures = [
        worker.run(Effect.fail(new Refused({ card: "4711" }))),
        worker.run(Effect.die(new RangeError("no"))),
        worker.run(Effect.fail("a text")),
        worker.run.options({ timeout: 0 })(Effect.never),
        worker.run(Effect.interrupt),
        worker.run(Effect.void)
      ]
      for (const failure of failures) yield* Effect.exit(traced(failure))
      assert.deepStrictEqual(
        spans.map((span) => span.attributes.get("error.type")),
        ["Refused", "RangeError", "_OTHER", "TimedOut", "TaskCancelled", undefined]
      )
    })
  )

  it.effect("DevTools of Effect get them as any other spans", () =>
    Effect.gen(function* () {
      const sent: Array<DevToolsSchema.Span | DevToolsSchema.SpanEvent> = []
      const client = DevToolsClient.DevToolsClient.of({ sendUnsafe: (message) => void sent.push(message) })
      const tracer = yield* Effect.provideService(DevToolsClient.makeTracer, DevToolsClient.DevToolsClient, client)
      const worker = yield* Worker.spawn()
      yield* Effect.withSpan(worker.run(Effect.void), "request").pipe(Effect.provideService(Tracer.Tracer, tracer))
      const encode = Schema.encodeEffect(Schema.toCodecJson(DevToolsSchema.Request))
      const encoded: ReadonlyArray<any> = yield* Effect.forEach(sent, (message) => encode(message))
      assert.deepStrictEqual(
        encoded.map(({ name, status }) => [name, status._tag]),
        [
          ["request", "Started"],
          ["test/Worker.run", "Started"],
          ["test/Worker.run", "Ended"],
          ["request", "Ended"]
        ]
      )
      assert.include(JSON.stringify(encoded[2]), "troupe.actor")
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
