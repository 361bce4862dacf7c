import { assert, describe, it } from "@effect/vitest"
import { ActorSystem } from "@troupe/core"
import { Effect, Layer, Random } from "effect"
import { TestClock } from "effect/testing"
import { Post, shop } from "../demo/shop.ts"
import { Thumbnails } from "../demo/Thumbnails.ts"
import { visitors } from "../demo/visitors.ts"
import { run } from "./run.ts"
import { launch } from "./started.ts"

/** Without a thread. */
const ThumbnailsHere = Thumbnails.toLayer(
  Effect.succeed(Thumbnails.of({ shrink: (picture, millis) => Effect.as(Effect.sleep(millis), picture.length) })),
  { maxConcurrency: 4 }
)

/** Opens the shop and lets people in. Beside the test, which moves the clock that the actors need to start. */
const open = <E>(then: Effect.Effect<unknown, E, Post>) =>
  visitors({ crowd: 0 }).pipe(
    Effect.andThen(then),
    Effect.scoped,
    Effect.provide([shop, ThumbnailsHere]),
    Effect.forkScoped
  )

const look = Effect.map(ActorSystem.snapshot(), ({ instances }) => {
  const of = (actor: string) => instances.find((one) => one.actor === actor)!
  const { pending, settled } = of("shop/Checkout")
  return {
    sold: settled.succeeded,
    failed: settled.failed,
    paying: pending,
    parcels: of("shop/Post").groups.parcels!.waiting,
    refused: of("shop/Post").refused,
    restarts: of("shop/Payments").restarts
  }
})

/** The clock is patient: on a busy machine a minute of the shop may take a while. */
const world = Layer.merge(ActorSystem.layer, TestClock.layer({ warningDelay: "20 seconds" }))

describe("the shop of the demo", () => {
  it.effect("goes on: people buy, and every line gets shorter again", () =>
    Effect.gen(function* () {
      yield* open(Effect.never)
      let before = 0
      // Rushes come every 45 seconds.
      for (let elapsed = 0; elapsed < 10 * 60; elapsed += 45) {
        const samples = []
        for (let i = 0; i < 9; i++) {
          yield* TestClock.adjust("5 seconds")
          samples.push(yield* look)
        }
        const { refused, sold } = samples.at(-1)!
        assert.isAtLeast(sold - before, 45 * 3, `sold after ${elapsed} s`)
        before = sold
        const parcels = samples.map(({ parcels }) => parcels)
        assert.isAtMost(Math.max(...parcels), 150, `parcels after ${elapsed} s`)
        assert.isAtMost(Math.min(...parcels), 5, `parcels after ${elapsed} s`)
        assert.isAtMost(Math.max(...samples.map(({ paying }) => paying)), 18)
        assert.strictEqual(refused, 0)
      }
      const { failed, restarts } = yield* look
      assert.isAbove(failed, 0, "some cards are declined")
      assert.isAbove(restarts, 0, "the bank resets its connection now and then")
    }).pipe(Effect.scoped, Effect.provide(world), Random.withSeed(1))
  )

  it.effect("is not in a hurry when everything is refused, and gets over it", () =>
    Effect.gen(function* () {
      const parcels = Effect.flatMap(Post, (post) =>
        Effect.forEach(Array.from({ length: 500 }), () => post.parcel.remote("everybody"))
      )
      yield* open(Effect.andThen(Effect.delay(Effect.exit(parcels), "5 seconds"), Effect.never))
      yield* TestClock.adjust("20 seconds")
      const full = yield* look
      assert.isAbove(full.refused, 0)
      yield* TestClock.adjust("6 minutes")
      const later = yield* look
      assert.isAtMost(later.refused, 1000)
      assert.isAtLeast(later.sold - full.sold, 200)
      assert.isAtMost(later.parcels, 150)
    }).pipe(Effect.scoped, Effect.provide(world), Random.withSeed(1))
  )

  it("closes on Ctrl-C, and says so", async () => {
    const { output, end } = await launch("demo/main.ts", {
      args: ["--port", "0"],
      isUp: (output) => output.includes("The shop is open.")
    })
    assert.strictEqual(await end("SIGINT"), 0)
    assert.match(output(), /closing the shop \.\.\.\n$/)
  })

  it.each([
    ["--foo", ["--foo"], "Unrecognized flag: --foo"],
    [
      "a port that is none",
      ["--port", "abc"],
      'Invalid value for flag --port: "abc". Expected a whole number from 0 to 65535'
    ]
  ])("refuses %s with a reason, the help and exit code 2", async (_, args, reason) => {
    const { code, stderr, stdout } = await run("demo/main.ts", args)
    assert.include(stderr, reason)
    assert.notInclude(stderr, "    at ")
    assert.include(stdout, "USAGE\n  npm run demo -- ")
    assert.strictEqual(code, 2)
  })
})
