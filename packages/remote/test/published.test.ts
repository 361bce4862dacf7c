import { assert, it } from "@effect/vitest"
import { Actor, Broadcast } from "@troupe/core"
import { RemoteHome } from "@troupe/remote"
import { Effect, Fiber, Latch, Layer, Schema, SchemaTransformation, Stream } from "effect"
import { client, listening } from "./support.ts"

/** How often an item was written. */
let written = 0

const Item = Schema.Struct({ n: Schema.Number }).pipe(
  Schema.decodeTo(
    Schema.Struct({ n: Schema.Number }),
    SchemaTransformation.transform({
      decode: (item) => item,
      encode: (item) => {
        written++
        return item
      }
    })
  )
)

class Board extends Actor.Service<Board>()("test/Board", {
  methods: {
    put: Actor.method({ args: [Schema.Int] }),
    changes: Actor.subscription({ item: Item }),
    copy: Actor.subscription({ item: Item })
  }
}) {}

/** It publishes one object, which it changes. */
const BoardLive = Board.toLayer(
  Effect.gen(function* () {
    const item = { n: 0 }
    const changes = yield* Broadcast.make<{ readonly n: number }>({ replay: 1 })
    yield* changes.publish(item)
    const put = (n: number) =>
      Effect.suspend(() => {
        item.n = n
        return changes.publish(item)
      })
    return Board.of({ put, changes, copy: changes })
  })
)

const server = listening(Layer.provide(RemoteHome.serve(Board, { expose: ["put", "changes", "copy"] }), BoardLive))

const READERS = 5

/** Readers that have three items each, and a way to wait until all of them have so many. */
const reading = (items: Stream.Stream<{ readonly n: number } | Broadcast.Resync, unknown>) =>
  Effect.gen(function* () {
    const all = [0, 1, 2].map(() => ({ count: 0, latch: Latch.makeUnsafe() }))
    const reader = Effect.suspend(() => {
      let had = 0
      const note = Effect.sync(() => {
        const items = all[had++]!
        if (++items.count === READERS) items.latch.openUnsafe()
      })
      return Stream.runCollect(Stream.tap(Stream.take(items, 3), () => note))
    })
    const fibers = yield* Effect.forEach(Array.from({ length: READERS }), () => Effect.forkChild(reader))
    return { fibers, have: (items: number) => all[items - 1]!.latch.await }
  })

it.live.each(["websocket", "http"] as const)(
  "over %s, an item is written once for all who read it, replayed or not, and anew when it is published again",
  (protocol) =>
    Effect.gen(function* () {
      written = 0
      const board = yield* Board
      const { fibers, have } = yield* reading(board.changes())
      yield* have(1)
      assert.strictEqual(written, 1)
      yield* board.put(1)
      yield* have(2)
      assert.strictEqual(written, 2)
      yield* board.put(2)
      for (const fiber of fibers) assert.deepStrictEqual(yield* Fiber.join(fiber), [{ n: 0 }, { n: 1 }, { n: 2 }])
      assert.strictEqual(written, 3)
    }).pipe(Effect.provide(Layer.provide(client(Board, { protocol }), server)))
)

it.live("what two subscriptions give out is written for each of them", () =>
  Effect.gen(function* () {
    written = 0
    const board = yield* Board
    assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(board.changes(), 1)), [{ n: 0 }])
    assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(board.copy(), 1)), [{ n: 0 }])
    assert.strictEqual(written, 2)
  }).pipe(Effect.provide(Layer.provide(client(Board), server)))
)
