/**
 * What the explorer relies on of Effect that it does not promise: each part in a sentence, and what becomes of a check
 * when it is gone.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Latch, Ref } from "effect"
import { afterEach, beforeEach, vi } from "vitest"
import * as door from "../src/internal/effectInternals.ts"
import * as names from "../src/internal/effectNames.ts"

describe("Effect has the insides that we know", () => {
  /** The sentence is what the test says when it fails. */
  const part = (sentence: string, holds: Effect.Effect<boolean>) =>
    it.effect(sentence, () => Effect.map(holds, (holds) => assert.isTrue(holds, `Not any more: ${sentence}`)))

  const self = Effect.withFiber((fiber) => Effect.succeed<any>(fiber))

  part(
    `"${names.PARENT}" of a fiber is the one that forked it`,
    Effect.gen(function* () {
      const own = yield* self
      const child: any = yield* Effect.forkChild(Effect.never)
      return child[names.PARENT] === own && door.parentOf(child) === own
    })
  )

  part(
    `"${names.RUNNING}" of a fiber is true while it is on the JavaScript stack`,
    Effect.gen(function* () {
      const own = yield* self
      const child: any = yield* Effect.forkChild(Effect.never, { startImmediately: true })
      return own[names.RUNNING] === true && child[names.RUNNING] === false && door.isRunning(own)
    })
  )

  part(
    `"${names.INTERRUPTED}" of a fiber is undefined until it is interrupted, even before it has begun`,
    Effect.gen(function* () {
      const child: any = yield* Effect.forkChild(Effect.void)
      const before = names.INTERRUPTED in child && child[names.INTERRUPTED] === undefined
      child.interruptUnsafe()
      yield* Fiber.await(child)
      return before && child[names.INTERRUPTED] !== undefined && door.mayBeInterrupted(child)
    })
  )

  part(
    `a generator asks for what it yields by "${names.NEXT}" of SingleShotGen, and is the frame above that on the stack`,
    Effect.sync(() => {
      const stacks: Array<string | undefined> = []
      const program = Effect.gen(function* theGenerator() {
        yield* Effect.void
      })
      door.whileYielding(
        (stack) => stacks.push(stack),
        () => Effect.runSync(program)
      )
      const frames = stacks[0]?.split("\n").filter((line) => /:\d+:\d+\)?$/.test(line))
      return stacks.length === 1 && frames?.[1]?.includes("theGenerator") === true
    })
  )
})

describe("an Effect that has renamed", () => {
  beforeEach(() => {
    vi.resetModules()
    // What is loaded next is the first copy, which knows the other Effect.
    Reflect.deleteProperty(globalThis, Symbol.for("troupe/copies"))
  })
  afterEach(() => vi.doUnmock("../src/internal/effectNames.ts"))

  const parts = Object.keys(names) as Array<keyof typeof names>
  for (const gone of [[], ...parts.map((part) => [part]), parts]) {
    it.live(`${gone.join(", ") || "nothing"}: the explorer finds a race, and replays it`, () =>
      Effect.gen(function* () {
        const changed = { ...names, ...Object.fromEntries(gone.map((part) => [part, `gone/${part}`])) }
        vi.doMock("../src/internal/effectNames.ts", () => changed)
        const { Explore } = yield* Effect.promise(() => import("@troupe/testing"))
        const race = Effect.gen(function* () {
          const count = yield* Ref.make(0)
          const latch = Latch.makeUnsafe()
          const increment = Effect.gen(function* () {
            const before = yield* Ref.get(count)
            yield* Ref.set(count, before + 1)
          })
          const stopped = yield* Effect.forkChild(Effect.ensuring(latch.await, increment))
          yield* Fiber.interrupt(stopped)
          yield* Effect.all([increment, increment], { concurrency: 2 })
          assert.strictEqual(yield* Ref.get(count), 2)
        })
        const error = yield* Effect.flip(Explore.check(race))
        assert.strictEqual(error.kind, "Failure")
        const again = yield* Effect.flip(Explore.replay(race, error.schedule))
        assert.strictEqual(again.schedule, error.schedule)
      })
    )
  }
})
