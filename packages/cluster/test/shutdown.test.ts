import { DatabaseSync } from "node:sqlite"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Logger, Scope } from "effect"
import { TestClock } from "effect/testing"
import { GRACE, Shutdown } from "../src/internal/node/shutdown.ts"
import { nodes } from "./fixtures/node-processes.ts"

const hangs = Layer.effectDiscard(Effect.addFinalizer(() => Effect.never))

/** Builds a layer, and closes it in a fiber. */
const closing = (layer: Layer.Layer<never>, said: Array<string> = []) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    yield* Layer.buildWithScope(layer, scope)
    const logger = Logger.make(({ message }) => void said.push(String(message)))
    return yield* Effect.forkChild(Effect.provide(Scope.close(scope, Exit.void), Logger.layer([logger])), {
      startImmediately: true
    })
  })

describe("a node that ends", () => {
  it.effect("leaves alone what hangs when its drainTimeout is over, and says what it was", () =>
    Effect.gen(function* () {
      const said: Array<string> = []
      const shutdown = new Shutdown(1000)
      const fiber = yield* closing(
        shutdown.bounded(hangs, GRACE.actor, () => "test/Actor"),
        said
      )
      yield* TestClock.adjust(999)
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust(1 + GRACE.actor)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(said, [
        "The drainTimeout of 1000 ms is over. The node ends without waiting any longer for test/Actor"
      ])
    })
  )

  it.effect("has one drainTimeout for all of its parts together, and a second", () =>
    Effect.gen(function* () {
      const shutdown = new Shutdown(15_000)
      const part = (what: string, grace: number, inner: Layer.Layer<never>) =>
        shutdown.bounded(Layer.provide(inner, hangs), grace, () => what)
      const node = part(
        "node",
        GRACE.node,
        part("engine", GRACE.engine, Layer.provide(part("b", GRACE.actor, hangs), part("a", GRACE.actor, hangs)))
      )
      const fiber = yield* closing(node)
      yield* TestClock.adjust("16 seconds")
      yield* Fiber.join(fiber)
    })
  )

  it.effect("gives the calls that run what is left of it, and all of it while the node stays", () =>
    Effect.gen(function* () {
      const shutdown = new Shutdown(1000)
      yield* TestClock.adjust(600)
      assert.strictEqual(shutdown.left, 1000)
      yield* Fiber.join(yield* closing(shutdown.bounded(Layer.empty, 0, () => "")))
      yield* TestClock.adjust(600)
      assert.strictEqual(shutdown.left, 400)
      yield* TestClock.adjust(600)
      assert.strictEqual(shutdown.left, 0)
    })
  )

  it.live(
    "does so also while its storage does not answer",
    () =>
      Effect.gen(function* () {
        const cluster = yield* nodes
        const [a] = yield* Effect.all([cluster.start, cluster.start], { concurrency: 2 })
        // A process that has stopped in the middle of writing.
        const writer = new DatabaseSync(cluster.storage.file, { timeout: 10_000 })
        yield* Effect.addFinalizer(() => Effect.sync(() => writer.close()))
        writer.exec("BEGIN EXCLUSIVE")
        yield* a.signal("SIGTERM")
        // Four seconds are promised, and each of several statements would wait for ten.
        assert.isNotNull(yield* Effect.timeout(a.ended, "12 seconds"))
      }),
    60_000
  )
})
