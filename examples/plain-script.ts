/**
 * A plain async script: nothing in `main` is an Effect. It uses an actor to fetch prices, at most two at a time.
 *
 *     npx node --conditions=@troupe/source examples/plain-script.ts
 */
import { setTimeout as delay } from "node:timers/promises"
import { Actor, ActorError, AsyncHandle } from "@troupe/core"
import { Effect, ManagedRuntime, Schema } from "effect"

class UnknownFruit extends Schema.TaggedError<UnknownFruit>()("UnknownFruit", { fruit: Schema.String }) {}

const prices = new Map([
  ["apple", 3],
  ["cherry", 9],
  ["fig", 4]
])

class Market extends Actor.Service<Market>()("app/Market", {
  maxConcurrency: 2,
  make: Effect.succeed({
    price: Effect.fnUntraced(function* (fruit: string) {
      yield* Effect.sleep("100 millis") // pretend to ask a shop
      const price = prices.get(fruit)
      if (price === undefined) return yield* new UnknownFruit({ fruit })
      return price
    }),
    double: (price: number) => Effect.succeed(price * 2)
  })
}) {}

const main = async (market: AsyncHandle.AsyncHandle<Market["Service"]>) => {
  // Calling a method submits the call at once and gives a ref, which can be awaited like a promise.
  console.log("one:", await market.price("apple"))

  // A ref goes wherever a promise goes.
  console.log("all:", await Promise.all([market.price("apple"), market.price("cherry"), market.price("fig")]))

  // A ref can be an argument, too: this call starts once the price is known.
  console.log("chained:", await market.double(market.price("cherry")))

  // Losing a race against a timeout does not cancel the call: its ref can be awaited later.
  const fig = market.price("fig")
  console.log("race:", await Promise.race([fig, delay(20, "too slow")]), "/ later:", await fig)

  // Errors arrive as the objects that the method failed with.
  const settled = await Promise.allSettled([market.price("apple"), market.price("gold")])
  for (const result of settled) {
    if (result.status === "fulfilled") console.log("settled:", result.value)
    else
      console.log("settled:", result.reason instanceof UnknownFruit ? `no ${result.reason.fruit} here` : result.reason)
  }
}

const runtime = ManagedRuntime.make(Market.layer)
const market = AsyncHandle.make(await runtime.runPromise(Market))
await main(market)

// Disposing of the runtime stops the actor. Calls after that fail, and say why.
await runtime.dispose()
try {
  await market.price("apple")
} catch (error) {
  console.log("after the end:", ActorError.isActorError(error) ? error.reason._tag : error)
}
