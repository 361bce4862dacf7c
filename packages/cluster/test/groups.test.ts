import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Latch } from "effect"
import { TestClock } from "effect/testing"
import { Groups } from "../src/internal/node/groups.ts"

const nextTurn = Effect.promise(() => Promise.resolve())

/** Groups whose work waits for a latch, and what they were given. */
const held = Effect.gen(function* () {
  const latch = Latch.makeUnsafe()
  const seen: Array<ReadonlyArray<string>> = []
  const groups = new Groups<string, string, never>(
    {
      work: (group) =>
        Effect.suspend(() => {
          seen.push(group.map(({ item }) => item))
          return Effect.as(
            latch.await,
            group.map(({ item }) => Exit.succeed(item.toUpperCase()))
          )
        }),
      atOnce: 4,
      key: (item) => item[0]!,
      ordered: true,
      size: (item) => (item.endsWith("large") ? 1e6 : 1)
    },
    yield* Effect.context<never>()
  )
  const start = (item: string) => Effect.forkChild(groups.do(item), { startImmediately: true })
  /** Starts an item, and waits until its group is at work. */
  const work = (item: string) => Effect.andThen(start(item), (fiber) => Effect.as(nextTurn, fiber))
  return { latch, seen, start, work }
})

describe("groups", () => {
  it.effect("take what comes in one turn together", () =>
    Effect.gen(function* () {
      const { latch, seen, start } = yield* held
      const fibers = yield* Effect.forEach(["a", "b"], start)
      yield* latch.open
      assert.deepStrictEqual(yield* Effect.forEach(fibers, Fiber.join), ["A", "B"])
      assert.deepStrictEqual(seen, [["a", "b"]])
    })
  )

  it.effect("take what has come while the one before was at work, in its order, and give each its result", () =>
    Effect.gen(function* () {
      const { latch, seen, start, work } = yield* held
      const fibers = [yield* work("a"), yield* start("b"), yield* start("c")]
      assert.deepStrictEqual(seen, [["a"]])
      yield* latch.open
      assert.deepStrictEqual(yield* Effect.forEach(fibers, Fiber.join), ["A", "B", "C"])
      assert.deepStrictEqual(seen, [["a"], ["b", "c"]])
    })
  )

  it.effect("leave out what was interrupted while it waited", () =>
    Effect.gen(function* () {
      const { latch, seen, start, work } = yield* held
      const [a, b, c] = [yield* work("a"), yield* start("b"), yield* start("c")]
      yield* Fiber.interrupt(b)
      yield* latch.open
      assert.deepStrictEqual(yield* Effect.forEach([a, c], Fiber.join), ["A", "C"])
      assert.deepStrictEqual(seen, [["a"], ["c"]])
    })
  )

  it.effect("let an interruption wait until the group at work has ended", () =>
    Effect.gen(function* () {
      const { latch, work } = yield* held
      const a = yield* work("a")
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(a), { startImmediately: true })
      assert.isUndefined(interrupting.pollUnsafe())
      yield* latch.open
      yield* Fiber.join(interrupting)
    })
  )

  it.effect("overtake one that takes longer than usual, unless they have an order with it", () =>
    Effect.gen(function* () {
      const { latch, seen, start, work } = yield* held
      const slow = [yield* work("a1"), yield* start("b1"), yield* start("a2"), yield* start("b2")]
      yield* TestClock.adjust("19 millis")
      assert.deepStrictEqual(seen, [["a1"]])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(seen, [["a1"], ["b1", "b2"]])
      yield* latch.open
      assert.deepStrictEqual(yield* Effect.forEach(slow, Fiber.join), ["A1", "B1", "A2", "B2"])
      assert.deepStrictEqual(seen, [["a1"], ["b1", "b2"], ["a2"]])
    })
  )

  it.effect("do not wait for a large item, which is at work alone", () =>
    Effect.gen(function* () {
      const { latch, seen, start } = yield* held
      const fibers = yield* Effect.forEach(["a large", "b", "c large", "d", "e large", "f"], start)
      yield* nextTurn
      assert.deepStrictEqual(seen, [["a large"], ["b", "d", "f"]])
      yield* TestClock.adjust("20 millis")
      assert.deepStrictEqual(seen, [["a large"], ["b", "d", "f"], ["c large"]])
      yield* latch.open
      assert.strictEqual((yield* Effect.forEach(fibers, Fiber.join)).length, 6)
    })
  )

  it.effect("have a share for each key, so that a key with many items does not hold up others", () =>
    Effect.gen(function* () {
      const { latch, seen, start, work } = yield* held
      const many = Array.from({ length: 600 }, (_, index) => `a${index}`)
      const fibers = [yield* work("z"), ...(yield* Effect.forEach([...many, "b"], start))]
      yield* latch.open
      assert.strictEqual((yield* Effect.forEach(fibers, Fiber.join)).length, 602)
      assert.deepStrictEqual(seen, [["z"], [...many.slice(0, 50), "b", ...many.slice(50, 499)], many.slice(499)])
    })
  )

  it.effect("are no more at a time than a database has connections for", () =>
    Effect.gen(function* () {
      const { latch, seen, start } = yield* held
      const fibers = yield* Effect.forEach("abcdefgh", (item) =>
        Effect.andThen(start(item), (fiber) => Effect.as(TestClock.adjust("50 millis"), fiber))
      )
      assert.deepStrictEqual(seen, [["a"], ["b"], ["c"], ["d"]])
      yield* latch.open
      assert.strictEqual((yield* Effect.forEach(fibers, Fiber.join)).join(""), "ABCDEFGH")
      assert.deepStrictEqual(seen.slice(4), [["e", "f", "g", "h"]])
    })
  )
})
