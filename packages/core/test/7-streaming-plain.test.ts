/**
 * Streaming methods in plain async code.
 */
import { assert, describe, it } from "@effect/vitest"
import { Actor, AsyncHandle } from "@troupe/core"
import { Effect, Latch, Stream } from "effect"
import { fork, settle } from "./support.ts"

class Counter extends Actor.Service<Counter>()("test/Counter", {
  maxConcurrency: 1,
  shutdownTimeout: 0,
  make: (ended: Latch.Latch = Latch.makeUnsafe(), bodies: Array<number> = []) =>
    Effect.succeed({
      count: (to: number) => {
        bodies.push(to)
        return Stream.ensuring(Stream.range(1, to), ended.open)
      },
      endless: () =>
        Stream.ensuring(
          Stream.iterate(1, (n) => n),
          ended.open
        ),
      stuck: () => Stream.ensuring(Stream.never, ended.open),
      failing: () => Stream.concat(Stream.make(1, 2), Stream.fail(new Error("no more"))),
      add: (a: number, b: number) => Effect.succeed(a + b),
      note: (n: number) => Effect.sync(() => bodies.push(n)),
      wait: () => ended.await
    })
}) {}

const collect = async <A>(items: AsyncIterable<A>): Promise<Array<A>> => {
  const all: Array<A> = []
  for await (const item of items) all.push(item)
  return all
}

describe("7.6 a streaming method of an AsyncHandle is iterated with for await", () => {
  it.effect("7.6 it gives the items, runs the method once, and its permit is free afterwards", () =>
    Effect.gen(function* () {
      const bodies: Array<number> = []
      const counter = AsyncHandle.make(yield* Counter.spawn(undefined, bodies))
      assert.deepStrictEqual(yield* Effect.promise(() => collect(counter.count(3))), [1, 2, 3])
      assert.deepStrictEqual(yield* Effect.promise(() => collect(counter.count(0))), [])
      assert.strictEqual(yield* Effect.promise(() => counter.add(1, 2)), 3)
      assert.deepStrictEqual(bodies, [3, 0])
    })
  )

  it.effect("7.6 it is a call from the start: it stands in line where it was made", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      const bodies: Array<number> = []
      const counter = AsyncHandle.make(yield* Counter.spawn(gate, bodies))
      const calls = [counter.wait(), collect(counter.count(1)), counter.note(2), collect(counter.count(3))]
      yield* settle
      assert.deepStrictEqual(bodies, [])
      yield* gate.open
      yield* Effect.promise(() => Promise.all(calls))
      assert.deepStrictEqual(bodies, [1, 2, 3])
    })
  )

  it.effect("7.6 items that are asked for at once come one after the other, as from an async generator", () =>
    Effect.gen(function* () {
      const counter = AsyncHandle.make(yield* Counter.spawn())
      const items = counter.count(2)[Symbol.asyncIterator]()
      const asked = [items.next(), items.next(), items.next(), items.next()]
      const got = yield* Effect.promise(() => Promise.all(asked))
      assert.deepStrictEqual(
        got.map(({ done, value }) => [done, value]),
        [
          [false, 1],
          [false, 2],
          [true, undefined],
          [true, undefined]
        ]
      )
    })
  )

  it.effect("7.6 leaving the loop ends the producer, and waits for its finalizers", () =>
    Effect.gen(function* () {
      const ended = Latch.makeUnsafe()
      const counter = AsyncHandle.make(yield* Counter.spawn(ended))
      yield* Effect.promise(async () => {
        for await (const item of counter.endless()) {
          assert.strictEqual(item, 1)
          break
        }
      })
      assert.isTrue(ended.isOpen())
      assert.strictEqual(yield* Effect.promise(() => counter.add(1, 2)), 3)
    })
  )

  it.effect("7.6 so does return(), before the first item is asked for and while one is awaited", () =>
    Effect.gen(function* () {
      const ended = Latch.makeUnsafe()
      const counter = AsyncHandle.make(yield* Counter.spawn(ended))
      const unread = counter.stuck()[Symbol.asyncIterator]()
      yield* settle
      assert.isTrue((yield* Effect.promise(() => unread.return!())).done)
      const stuck = counter.stuck()[Symbol.asyncIterator]()
      const next = stuck.next()
      yield* settle
      const done = yield* fork(Effect.promise(() => stuck.return!()))
      yield* Effect.promise(() => Promise.allSettled([next]))
      yield* settle
      assert.isDefined(done.pollUnsafe())
      assert.isTrue(ended.isOpen())
      assert.strictEqual(yield* Effect.promise(() => counter.add(1, 2)), 3)
    })
  )

  it.effect("7.6 a failure is thrown after the items before it", () =>
    Effect.gen(function* () {
      const counter = AsyncHandle.make(yield* Counter.spawn())
      const seen: Array<number> = []
      const error = yield* Effect.promise(async () => {
        try {
          for await (const item of counter.failing()) seen.push(item)
        } catch (error) {
          return error
        }
      })
      assert.deepStrictEqual(seen, [1, 2])
      assert.instanceOf(error, Error)
      assert.strictEqual((error as Error).message, "no more")
    })
  )

  it.effect("7.6 an AbortSignal ends it", () =>
    Effect.gen(function* () {
      const abort = new AbortController()
      const counter = AsyncHandle.make(yield* Counter.spawn(), { signal: abort.signal })
      const loop = Promise.allSettled([collect(counter.stuck())])
      yield* settle
      abort.abort()
      const [result] = yield* Effect.promise(() => loop)
      assert.strictEqual(result.status === "rejected" && result.reason.reason._tag, "TaskCancelled")
    })
  )

  it.effect(
    "7.6 one that is awaited, or iterated too late, fails and says what to write; so does a loop over an Effect",
    () =>
      Effect.gen(function* () {
        const counter: any = AsyncHandle.make(yield* Counter.spawn())
        const awaited = yield* Effect.promise(() => Promise.allSettled([counter.count(3)]))
        assert.match(
          String((awaited[0] as any).reason),
          /for await \(const item of AsyncHandle\.make\(handle\)\.method/
        )
        const late = counter.count(3)
        yield* settle
        const results = yield* Effect.promise(() => Promise.allSettled([collect(late), collect(counter.add(1, 2))]))
        assert.match(String((results[0] as any).reason), /for await/)
        assert.match(String((results[1] as any).reason), /test\/Counter\.add returned no Stream/)
        assert.strictEqual(yield* Effect.promise(() => counter.add(1, 2)), 3)
      })
  )
})
