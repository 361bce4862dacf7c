/** The actors of the page, and the runtime that owns them. None of this knows React. */
import { Actor, AsyncHandle } from "@troupe/core"
import { Effect, Layer, ManagedRuntime, PubSub, Stream } from "effect"

export interface Item {
  readonly id: number
  readonly name: string
}

const catalogue = ["apple", "apricot", "banana", "cherry"]

/** Looks things up. Ten lookups run at a time. */
export class Search extends Actor.Service<Search>()("react/Search", {
  maxConcurrency: 10,
  make: Effect.succeed({
    find: (text: string) =>
      text === "?" ? Effect.fail("no such thing") : Effect.succeed(catalogue.filter((name) => name.startsWith(text)))
  })
}) {}

/** Keeps the items, one change at a time, and notifies watchers. */
export class Cart extends Actor.Service<Cart>()("react/Cart", {
  maxConcurrency: 100,
  make: Effect.gen(function* () {
    let items: ReadonlyArray<Item> = []
    const changes = yield* PubSub.unbounded<ReadonlyArray<Item>>()
    return {
      add: (name: string) =>
        Effect.gen(function* () {
          items = [...items, { id: items.length + 1, name }]
          yield* PubSub.publish(changes, items)
          return items
        }),
      watch: () =>
        Stream.concat(
          Stream.sync(() => items),
          Stream.fromPubSub(changes)
        )
    }
  })
}) {}

const live = Layer.mergeAll(Search.layer, Cart.layer)

/** Makes the actors. None starts before the first use; `runtime.dispose()` ends them. */
export const makeActors = () => {
  const runtime = ManagedRuntime.make(live)
  const ready = runtime.runPromise(
    Effect.gen(function* () {
      return { search: AsyncHandle.make(yield* Search), cart: AsyncHandle.make(yield* Cart) }
    })
  )
  return { runtime, ready }
}

export type Actors = ReturnType<typeof makeActors>
