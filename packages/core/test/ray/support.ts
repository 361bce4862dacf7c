/**
 * The actors that Ray's tests use again and again, in our terms.
 */
import { Actor } from "@troupe/core"
import { Effect, Latch, Ref } from "effect"

/** Calls of `wait` wait until somebody sends. */
export class Signal extends Actor.Service<Signal>()("ray/Signal", {
  shutdownTimeout: 0,
  make: Effect.map(Latch.make(), (latch) => ({
    wait: () => latch.await,
    send: () => Effect.asVoid(latch.open)
  }))
}) {}

/** Counts up and says where it is. */
export class Counter extends Actor.Service<Counter>()("ray/Counter", {
  shutdownTimeout: 0,
  make: Effect.map(Ref.make(0), (count) => ({
    increase: (by = 1) => Ref.updateAndGet(count, (n) => n + by),
    value: () => Ref.get(count)
  }))
}) {}

/** Collects items, each under the name of who brought it. */
export class Collector extends Actor.Service<Collector>()("ray/Collector", {
  shutdownTimeout: 0,
  make: Effect.sync(() => {
    const items: Array<readonly [from: string, item: number]> = []
    return {
      add: (from: string, item: number) => Effect.sync(() => void items.push([from, item])),
      items: () => Effect.sync(() => [...items])
    }
  })
}) {}
