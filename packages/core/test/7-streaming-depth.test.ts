import { assert, describe, it } from "@effect/vitest"
import { Actor } from "@troupe/core"
import { Effect, Fiber, Latch, Stream } from "effect"
import { errorOf, fork } from "./support.ts"

const DEPTH = 10_000

describe("7.5", () => {
  class Nest extends Actor.Service<Nest>()("test/Nest", {
    maxConcurrency: Infinity,
    shutdownTimeout: 0,
    make: (bottom: Stream.Stream<number, string>) =>
      Effect.succeed({
        down: (n: number): Stream.Stream<number, any> => (n === 0 ? bottom : Stream.suspend(() => nest.down(n - 1)))
      })
  }) {}
  let nest: Nest["Service"]

  const spawn = (bottom: Stream.Stream<number, string>) =>
    Effect.map(Nest.spawn(bottom), (handle) => {
      nest = handle
      return nest.down(DEPTH)
    })

  it.effect(
    "7.5 streams nested 10,000 deep do not overflow the stack",
    () =>
      Effect.gen(function* () {
        const stream = yield* spawn(Stream.rechunk(Stream.range(1, 3), 1))
        assert.deepStrictEqual(yield* Stream.runCollect(stream), [1, 2, 3])
      }),
    60_000
  )

  it.effect(
    "7.5 streams nested 10,000 deep end when the consumer stops or is interrupted",
    () =>
      Effect.gen(function* () {
        const reached = yield* Latch.make()
        const stream = yield* spawn(
          Stream.concat(Stream.make(1), Stream.fromEffect(Effect.andThen(reached.open, Effect.never)))
        )
        assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(stream, 1)), [1])
        const consumer = yield* fork(Stream.runDrain(stream))
        yield* reached.await
        yield* Fiber.interrupt(consumer)
        assert.match(String(nest), /0 running, 0 waiting/)
      }),
    60_000
  )

  it.effect(
    "7.5 streams nested 10,000 deep carry a typed error",
    () =>
      Effect.gen(function* () {
        const stream = yield* spawn(Stream.concat(Stream.make(1), Stream.fail("typed")))
        assert.strictEqual(yield* errorOf(Stream.runDrain(stream)), "typed")
      }),
    60_000
  )
})
