/**
 * Readers that come and go: what they leave behind, and what a publication costs. `npm run bench:subscriptions`.
 *
 * It fails if readers are left, or if the heap has grown by more than noise.
 */
import assert from "node:assert/strict"
import { Actor, Broadcast } from "@troupe/core"
import { Effect, Stream } from "effect"

const JOINS = 100_000
const READERS = 1000
const ITEMS = 1000
/** What a heap of this size varies by, in bytes. */
const NOISE = 2_000_000

class Room extends Actor.Service<Room>()("bench/Room", {
  maxConcurrency: 1,
  make: Effect.gen(function* () {
    const posts = yield* Broadcast.make<number>({ replay: 1 })
    return { posts, post: (n: number) => posts.publish(n), readers: () => posts.readers }
  })
}) {}

const heap = Effect.sync(() => {
  globalThis.gc!()
  return process.memoryUsage().heapUsed
})

const timed = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const before = performance.now()
    yield* effect
    return performance.now() - before
  })

const program = Effect.gen(function* () {
  const room = yield* Room
  yield* room.post(0)
  const join = Stream.runHead(room.posts())
  yield* Effect.repeat(join, { times: JOINS / 10 })
  const before = yield* heap
  const joins = yield* timed(Effect.repeat(join, { times: JOINS - 1 }))
  const grown = (yield* heap) - before
  assert.equal(yield* room.readers(), 0)
  console.log(
    `${JOINS} joins and leaves: ${((joins / JOINS) * 1000).toFixed(1)} µs each, heap ${(grown / 1e6).toFixed(2)} MB more`
  )
  assert(grown < NOISE, `the heap has grown by ${grown} bytes`)

  let read = 0
  const reading = Stream.runForEach(Stream.take(room.posts(), ITEMS + 1), () => Effect.sync(() => void read++))
  for (let n = 0; n < READERS; n++) yield* Effect.forkScoped(reading)
  yield* Effect.repeat(room.readers(), { until: (count) => count === READERS })
  const posts = yield* timed(
    Effect.andThen(
      Effect.forEach(Array.from({ length: ITEMS }), (_, n) => room.post(n), { discard: true }),
      Effect.repeat(room.readers(), { until: (count) => count === 0 })
    )
  )
  assert.equal(read, READERS * (ITEMS + 1))
  console.log(
    `${ITEMS} items to ${READERS} readers: ${((posts / ITEMS / READERS) * 1e6).toFixed(0)} ns for each reader`
  )
})

await Effect.runPromise(Effect.scoped(program).pipe(Effect.provide(Room.layer)))
