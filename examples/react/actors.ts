/** The actors of the page, and the runtime that owns them. None of this knows React. */
import { Actor, AsyncHandle } from "@troupe/core"
import { Effect, Layer, ManagedRuntime, SubscriptionRef } from "effect"

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

/**
 * Keeps the items, and notifies watchers. Its calls run at the same time, since a watcher holds a permit for as long as it
 * watches. So a change is one step, `updateAndGet`, in which no other call can come between reading and writing.
 */
export class Cart extends Actor.Service<Cart>()("react/Cart", {
  maxConcurrency: 100,
  make: Effect.gen(function* () {
    const items = yield* SubscriptionRef.make<ReadonlyArray<Item>>([])
    return {
      add: (name: string) =>
        SubscriptionRef.updateAndGet(items, (present) => [...present, { id: present.length + 1, name }]),
      // The items of the moment, and those after each change.
      watch: () => SubscriptionRef.changes(items)
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
