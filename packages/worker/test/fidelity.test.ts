/**
 * How a thread differs from one process: each line of the fidelity table of docs/homes.md, by its name.
 */
import { readFile } from "node:fs/promises"
import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorError, ObjectRef } from "@troupe/core"
import { WorkerHome } from "@troupe/worker"
import { Cause, Context, Effect, Exit, Fiber, Layer, Option, type Scope, Stream } from "effect"
import { defectOf, errorOf, fork, reasonOf } from "../../core/test/support.ts"
import { Custom, Locale, Odd } from "./fixtures/Odd.ts"
import { bundle } from "./support.ts"

const url = await bundle("odd.worker")

const layer = (workerData?: string, options: Partial<WorkerHome.HomeOptions> = {}) =>
  WorkerHome.layer(Odd, { url, workerOptions: { workerData }, ...options })

const withOdd = (
  name: string,
  body: (odd: Odd["Service"]) => Effect.Effect<unknown, unknown, Scope.Scope>,
  home = layer()
) => it.effect(name, () => Effect.provide(Effect.flatMap(Odd, body), home), 20_000)

describe("values", () => {
  withOdd("arguments and results are copies", (odd) =>
    Effect.gen(function* () {
      const numbers = [1, 2]
      assert.strictEqual(yield* odd.grow(numbers), 3)
      assert.deepStrictEqual(numbers, [1, 2])
      const value = { a: 1 }
      assert.notStrictEqual(yield* odd.echo(value), value)
    })
  )

  withOdd("a class that the contract has no schema for arrives as a plain object", (odd) =>
    Effect.gen(function* () {
      class Celsius {
        readonly degrees = 5
      }
      const got = yield* odd.echo(new Celsius())
      assert.notInstanceOf(got, Celsius)
      assert.deepStrictEqual(got, { degrees: 5 })
    })
  )

  withOdd("handles and functions do not cross", (odd) =>
    Effect.gen(function* () {
      for (const value of [odd, () => 1]) assert.strictEqual((yield* reasonOf(odd.echo(value)))._tag, "DecodeError")
    })
  )
})

describe("errors", () => {
  withOdd("a defect of a class of its own arrives as an Error with its name, message, stack and fields", (odd) =>
    Effect.gen(function* () {
      const defect = (yield* defectOf(odd.dieOfCustom())) as Pick<Custom, "name" | "message" | "code">
      assert.instanceOf(defect, Error)
      assert.isFalse((defect as unknown) instanceof Custom)
      assert.deepInclude(
        { name: defect.name, message: defect.message, code: defect.code },
        { name: "Custom", message: "odd", code: 7 }
      )
      assert.match(String((defect as Error).stack), /odd/)
    })
  )

  withOdd("FailedCall names the call that crossed, not those that it made over there", (odd) =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(odd.failInside())
      assert.strictEqual(yield* errorOf(odd.failInside()), "inside")
      const annotations = Exit.isFailure(exit) ? Cause.annotations(exit.cause) : Context.empty()
      const call = Context.getOption(annotations as Context.Context<never>, ActorError.FailedCall as any)
      assert.strictEqual(Option.getOrThrow(call as Option.Option<{ call: string }>).call, "test/Odd.failInside")
    })
  )
})

describe("context and time", () => {
  withOdd("references that the caller has set do not reach the method, unless they travel", (odd) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Effect.provideService(odd.locale(), Locale, "de"), "en")
    })
  )

  withOdd("a test clock is the caller's: methods sleep in real time", (odd) => odd.nap(1))

  withOdd("a call takes at least a turn of the event loop, so that runSync cannot run it", (odd) =>
    Effect.gen(function* () {
      assert.isTrue(Exit.isFailure(Effect.runSyncExit(odd.count())))
    })
  )
})

describe("limits", () => {
  withOdd(
    "a call through Actor.self goes around the limits, which the caller's side keeps",
    (odd) => Effect.map(odd.countThroughSelf(), (count) => assert.strictEqual(count, 1)),
    layer(undefined, { maxConcurrency: 1 })
  )

  it.effect("in one process it needs a permit of its own, like any other call", () =>
    Effect.gen(function* () {
      class Self extends Actor.Service<Self>()("test/Self", {
        methods: { count: Actor.method(), ask: Actor.method() }
      }) {}
      const self = Self.toLayer(
        Effect.succeed({
          count: () => Effect.void,
          ask: () => Effect.orDie(Effect.flatMap(Actor.self(Self), (self) => self.count()))
        }),
        { maxConcurrency: 1 }
      )
      const defect = yield* defectOf(
        Effect.provide(
          Effect.flatMap(Self, (self) => self.ask()),
          self
        )
      )
      assert.strictEqual((defect as ActorError.ActorError).reason._tag, "Deadlock")
    })
  )
})

describe("cancellation", () => {
  withOdd("recursive: false does not spare calls that the call made over there", (odd) =>
    Effect.gen(function* () {
      const ref = yield* odd.delegate.remote()
      yield* odd.count()
      yield* ObjectRef.cancel(ref, { recursive: false })
      assert.deepStrictEqual(yield* odd.delegated(), ["Failure"])
    })
  )
})

describe("restarts", () => {
  withOdd(
    "a stream under which the instance restarts for a defect is not run again",
    (odd) =>
      Effect.gen(function* () {
        const items: Array<number> = []
        const running = yield* fork(Stream.runForEach(odd.items(), (n) => Effect.sync(() => items.push(n))))
        yield* Effect.repeat(odd.count(), { until: () => items.length > 0 })
        yield* Effect.exit(odd.die.options({ maxTaskRetries: 0 })())
        assert.strictEqual((yield* reasonOf(Fiber.join(running)))._tag, "ActorUnavailable")
      }),
    layer("restarting")
  )

  it.effect("retry is a function: it belongs to the caller's side, which the Layer says when it is built", () =>
    Effect.gen(function* () {
      const defect = yield* defectOf(Effect.scoped(Layer.build(layer("picky"))))
      assert.match(String(defect), /test\/Odd: retry is a function.* Give it to WorkerHome\.layer/)
      const retry = (error: unknown) => error === "inside"
      yield* Effect.scoped(Layer.build(layer("picky", { retry })))
    })
  )

  withOdd(
    "options given to the home win over those of the implementation",
    (odd) =>
      Effect.gen(function* () {
        const refs = [yield* odd.never.remote()]
        assert.strictEqual((yield* reasonOf(odd.count()))._tag, "PendingCallsLimitExceeded")
        yield* ObjectRef.cancel(refs[0]!)
      }),
    layer(undefined, { maxPendingCalls: 1 })
  )
})

describe("watching", () => {
  withOdd("Actor.watch and handles are those of the caller's side", (odd) =>
    Effect.gen(function* () {
      const watcher = yield* fork(Actor.watch(odd))
      yield* Actor.stop(odd)
      assert.strictEqual((yield* Fiber.join(watcher)).why, "it was stopped")
    })
  )
})

describe("docs/homes.md", () => {
  it("names tests that exist", async () => {
    const read = (path: string) => readFile(new URL(path, import.meta.url), "utf8")
    const lines = [...(await read("../../../docs/homes.md")).matchAll(/\| (\w+): "(.+)" \|$/gm)]
    assert.isAbove(lines.length, 10)
    // What the suite of all homes expects of threads is in a file of core.
    const fileOf = (name: string) =>
      name === "conformance" ? "../../core/test/conformance/guarded.ts" : `${name}.test.ts`
    for (const [, file, name] of lines) assert.include(await read(fileOf(file!)), name!.split(" fails the calls")[0])
  })
})
