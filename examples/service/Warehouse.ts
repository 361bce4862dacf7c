/** The stock of one tenant. It also limits the rate of that tenant's requests. */
import { Actor } from "@troupe/core"
import { Clock, Effect } from "effect"
import { OutOfStock, TooMany, UnknownItem } from "./Api.ts"
import { Courier } from "./Courier.ts"
import { Settings } from "./Settings.ts"

export class Warehouse extends Actor.Keyed<Warehouse>()("service/Warehouse", {
  // One at a time per tenant: an order checks, waits for the courier, and takes. Tenants do not wait for each other.
  maxConcurrency: 1,
  // Further orders are refused, so that a slow courier cannot fill the memory.
  maxPendingCalls: 100,
  idleTimeToLive: "10 minutes",
  concurrencyGroups: {
    // A tenant over its rate is told at once, not after the orders in line.
    door: { maxConcurrency: Number.POSITIVE_INFINITY, methods: ["enter"] }
  },
  make: Effect.fnUntraced(function* (_tenant: string) {
    const courier = yield* Courier
    const enter = yield* tokenBucket
    // In memory; a real service loads it here and saves it in the methods. See docs/durable-state.md.
    const stock = new Map<string, number>()
    let orders = 0
    return {
      enter: () => enter,

      items: () => Effect.sync(() => Array.from(stock, ([item, quantity]) => ({ item, quantity }))),

      item: (item: string) =>
        Effect.suspend(() => {
          const quantity = stock.get(item)
          return quantity === undefined ? new UnknownItem({ item }) : Effect.succeed({ item, quantity })
        }),

      deliver: (item: string, quantity: number) =>
        Effect.sync(() => {
          stock.set(item, (stock.get(item) ?? 0) + quantity)
          return { item, quantity: stock.get(item)! }
        }),

      order: Effect.fnUntraced(function* (item: string, quantity: number) {
        const left = stock.get(item)
        if (left === undefined) return yield* new UnknownItem({ item })
        if (left < quantity) return yield* new OutOfStock({ item, left })
        // If the courier fails or the client disconnects while we wait, nothing has been taken.
        const parcel = yield* courier.send(item, quantity)
        stock.set(item, left - quantity)
        return { order: ++orders, item, quantity, parcel }
      })
    }
  })
}) {}

/**
 * Lets this many requests through per second, or all at once after a pause. It never waits, so concurrent requests need
 * no lock.
 */
const tokenBucket = Effect.gen(function* () {
  const { requestsPerSecond: perSecond } = yield* Settings
  let tokens = perSecond
  let at = yield* Clock.currentTimeMillis
  return Effect.flatMap(Clock.currentTimeMillis, (now) => {
    tokens = Math.min(perSecond, tokens + ((now - at) / 1000) * perSecond)
    at = now
    if (tokens < 1) return new TooMany({ retryAfterMillis: Math.ceil(((1 - tokens) / perSecond) * 1000) })
    tokens -= 1
    return Effect.void
  })
})
