// Carts by customer, home-made: a cart that goes to sleep is saved, then forgotten. What is added in between is lost.
import { Actor } from "@troupe/core"
import { Effect } from "effect"
import type { Bug } from "./bug.ts"

type Items = ReadonlyArray<string>

const homeMade = Effect.gen(function* () {
  const stored = new Map<string, Items>()
  class Carts extends Actor.Service<Carts>()("Carts", {
    make: Effect.sync(() => {
      const awake = new Map<string, Array<string>>()
      const wake = (customer: string): Array<string> => {
        const items = awake.get(customer) ?? [...(stored.get(customer) ?? [])]
        awake.set(customer, items)
        return items
      }
      return {
        add: (customer: string, item: string) => Effect.sync(() => void wake(customer).push(item)),
        items: (customer: string) => Effect.sync((): Items => [...wake(customer)]),
        passivate: Effect.fnUntraced(function* (customer: string) {
          const items = [...wake(customer)]
          yield* Effect.sync(() => stored.set(customer, items))
          awake.delete(customer)
        })
      }
    })
  }) {}
  const carts = yield* Carts.spawn()
  yield* carts.add("Ada", "apple")
  yield* Effect.all([carts.passivate("Ada"), carts.add("Ada", "pear")], { concurrency: "unbounded" })
  yield* check(yield* carts.items("Ada"))
})

/** `Actor.Keyed` ends an instance only when it has no calls, and makes the next one when it is gone. */
const keyed = Effect.gen(function* () {
  const stored = new Map<string, Items>()
  class Cart extends Actor.Keyed<Cart>()("Cart", {
    idleTimeToLive: "1 second",
    make: (customer: string) =>
      Effect.gen(function* () {
        const items = [...(stored.get(customer) ?? [])]
        yield* Effect.addFinalizer(() => Effect.sync(() => stored.set(customer, items)))
        return {
          add: (item: string) => Effect.sync(() => void items.push(item)),
          items: () => Effect.sync((): Items => [...items])
        }
      })
  }) {}
  yield* Effect.gen(function* () {
    const cart = yield* Cart.get("Ada")
    yield* cart.add("apple")
    yield* Effect.all([Effect.sleep("1 second"), Effect.delay(cart.add("pear"), "1 second")], { concurrency: 2 })
    yield* check(yield* cart.items())
  }).pipe(Effect.provide(Cart.layer))
})

const check = (items: Items) =>
  items.join() === "apple,pear" ? Effect.void : Effect.die(new Error(`apple and pear were added, there is ${items}`))

export const passivationRace: Bug = {
  name: "passivation racing with a call",
  broken: homeMade,
  fixed: keyed,
  kind: "Failure",
  within: 150
}
