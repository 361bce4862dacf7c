import { assert, describe, it } from "@effect/vitest"
import { Actor, ObjectRef } from "@troupe/core"
import { Deferred, Effect, Fiber, Latch } from "effect"
import { errorOf, fork, range, reasonOfExit, settle, Worker } from "./support.ts"

const DEPTH = 100_000

describe("1.8", () => {
  class Chain extends Actor.Service<Chain>()("test/Chain", {
    maxConcurrency: Infinity,
    shutdownTimeout: 0,
    make: (next: () => Effect.Effect<any>) =>
      Effect.succeed({
        down: (n: number): Effect.Effect<any, any> =>
          n === 0 ? Effect.sync(() => 0) : Effect.flatMap(next(), (next) => next.down(n - 1)),
        bare: (n: number): Effect.Effect<any, any> => (n === 0 ? Effect.succeed(0) : bottom.bare(n - 1)),
        follow: (box: { readonly ref: ObjectRef.ObjectRef<number, any> }) => Effect.map(box.ref, (n) => n + 1),
        fail: (n: number): Effect.Effect<any, any> =>
          n === 0 ? Effect.fail("bottom") : Effect.flatMap(next(), (next) => next.fail(n - 1)),
        hang: (n: number): Effect.Effect<any, any> =>
          n === 0 ? hanging() : Effect.flatMap(next(), (next) => next.hang(n - 1))
      })
  }) {}
  let bottom: any
  let hanging: () => Effect.Effect<any> = () => Effect.never

  /** A ring of actors, each calling the next. */
  const ring = (size: number) =>
    Effect.gen(function* () {
      const actors: Array<any> = []
      for (const i of range(size)) actors.push(yield* Chain.spawn(() => Effect.sync(() => actors[(i + 1) % size])))
      bottom = actors[0]
      return actors[0] as Chain["Service"]
    })

  it.effect(
    "1.8 an actor that asks itself at depth 100,000 does not overflow the stack",
    () =>
      Effect.gen(function* () {
        const chain = yield* ring(1)
        assert.strictEqual(yield* chain.down(DEPTH), 0)
        assert.strictEqual(yield* chain.bare(DEPTH), 0)
      }),
    60_000
  )

  it.effect(
    "1.8 a ring of actors that ask each other at depth 100,000 does not overflow the stack",
    () =>
      Effect.gen(function* () {
        const chain = yield* ring(7)
        assert.strictEqual(yield* chain.down(DEPTH), 0)
      }),
    60_000
  )

  it.effect(
    "1.8 100,000 distinct actors, each asking the next, do not overflow the stack",
    () =>
      Effect.gen(function* () {
        const first = yield* ring(DEPTH)
        assert.strictEqual(yield* first.down(DEPTH - 1), 0)
      }),
    60_000
  )

  it.effect(
    "1.8 a chain of 100,000 asks that fails at the bottom fails at the top with the same error",
    () =>
      Effect.gen(function* () {
        const chain = yield* ring(3)
        assert.strictEqual(yield* errorOf(chain.fail(DEPTH)), "bottom")
      }),
    60_000
  )

  it.effect(
    "1.8 a chain of 100,000 asks that is interrupted at the top ends, bottom first",
    () =>
      Effect.gen(function* () {
        const chain = yield* ring(3)
        const reached = yield* Latch.make()
        const ended = yield* Latch.make()
        hanging = () => Effect.andThen(reached.open, Effect.never).pipe(Effect.onInterrupt(() => ended.open))
        const asker = yield* fork(chain.hang(DEPTH))
        yield* reached.await
        yield* Fiber.interrupt(asker)
        assert.isTrue(ended.isOpen())
      }),
    60_000
  )

  it.effect(
    "1.8 an actor that is killed with 100,000 nested asks in it ends",
    () =>
      Effect.gen(function* () {
        const chain = yield* ring(1)
        const reached = yield* Latch.make()
        hanging = () => Effect.andThen(reached.open, Effect.never)
        const asker = yield* fork(chain.hang(DEPTH))
        yield* reached.await
        yield* Actor.kill(chain)
        assert.strictEqual(reasonOfExit(yield* Fiber.await(asker))._tag, "ActorDied")
      }),
    60_000
  )

  it.effect(
    "1.8 100,000 refs, each the argument of the next call, settle in a chain",
    () =>
      Effect.gen(function* () {
        const worker = yield* Worker.spawn()
        const start = yield* Deferred.make<number>()
        let ref: ObjectRef.ObjectRef<number, any> = yield* ObjectRef.fromEffect(Deferred.await(start))
        for (let i = 0; i < DEPTH; i++) ref = yield* worker.add.remote(ref, 1)
        yield* Deferred.succeed(start, 0)
        assert.strictEqual(yield* ref, DEPTH)
      }),
    60_000
  )

  it.effect(
    "1.8 100,000 refs, each the argument of the next call, fail in a chain",
    () =>
      Effect.gen(function* () {
        const worker = yield* Worker.spawn()
        const start = yield* Deferred.make<number, string>()
        let ref: ObjectRef.ObjectRef<number, any> = yield* ObjectRef.fromEffect(Deferred.await(start))
        for (let i = 0; i < DEPTH; i++) ref = yield* worker.add.remote(ref, 1)
        yield* Deferred.fail(start, "broken")
        assert.strictEqual(yield* errorOf(ref), "broken")
      }),
    60_000
  )

  it.effect(
    "1.8 100,000 running calls, each waiting for the ref of the one before, settle in a chain",
    () =>
      Effect.gen(function* () {
        const chain = yield* ring(1)
        const start = yield* Deferred.make<number>()
        let ref: ObjectRef.ObjectRef<number, any> = yield* ObjectRef.fromEffect(Deferred.await(start))
        for (let i = 0; i < DEPTH; i++) ref = yield* chain.follow.remote({ ref })
        yield* settle
        yield* Deferred.succeed(start, 0)
        assert.strictEqual(yield* ref, DEPTH)
      }),
    60_000
  )
})
