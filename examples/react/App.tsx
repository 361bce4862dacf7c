import { ObjectRef } from "@troupe/core"
import { Effect, Fiber, Stream } from "effect"
import { createContext, Suspense, startTransition, use, useActionState, useEffect, useState } from "react"
import { type Actors, Cart, type Item, makeActors } from "./actors.ts"

const ActorsContext = createContext<Actors | undefined>(undefined)

const useActors = () => use(ActorsContext)!

/** Starts the actors with the page, and ends them with it. StrictMode does both twice. */
export const ActorsProvider = ({ children }: { readonly children: React.ReactNode }) => {
  const [actors, setActors] = useState<Actors>()
  useEffect(() => {
    const made = makeActors()
    setActors(made)
    return () => void made.runtime.dispose()
  }, [])
  return actors && <ActorsContext value={actors}>{children}</ActorsContext>
}

type Results = ObjectRef.ObjectRef<ReadonlyArray<string>, unknown>

/** A query: the event handler submits the call, and the state keeps its ref. */
export const Finder = () => {
  const { search } = use(useActors().ready)
  const [results, setResults] = useState<Results>(() => search.find(""))
  const find = (text: string) => {
    // The answer for the previous text is no longer needed.
    Effect.runFork(ObjectRef.cancel(results))
    startTransition(() => setResults(search.find(text)))
  }
  return (
    <section>
      <input aria-label="find" onChange={(event) => find(event.currentTarget.value)} />
      <Suspense fallback={<p>searching</p>}>
        <ResultList results={results} />
      </Suspense>
    </section>
  )
}

/** `use` takes a ref as it takes a promise. A settled ref is read at once. */
const ResultList = ({ results }: { readonly results: Results }) => (
  <ul>
    {use(results).map((name) => (
      <li key={name}>{name}</li>
    ))}
  </ul>
)

/** An action: a form submits a call, and shows its result. */
export const AddForm = () => {
  const { cart } = use(useActors().ready)
  const [items, add, isPending] = useActionState(
    (_: ReadonlyArray<Item>, form: FormData) => cart.add(String(form.get("name"))),
    []
  )
  return (
    <form action={add}>
      <input name="name" aria-label="name" defaultValue="pear" />
      <button type="submit" disabled={isPending}>
        Add
      </button>
      <p>{items.length} added here</p>
    </form>
  )
}

/** A stream: it is read while the component is mounted, and holds one permit for that time. */
const useCart = (): ReadonlyArray<Item> => {
  const { runtime } = useActors()
  const [items, setItems] = useState<ReadonlyArray<Item>>([])
  useEffect(() => {
    const fiber = runtime.runFork(
      Effect.gen(function* () {
        const cart = yield* Cart
        yield* Stream.runForEach(cart.watch(), (items) => Effect.sync(() => setItems(items)))
      })
    )
    return () => void Effect.runFork(Fiber.interrupt(fiber))
  }, [runtime])
  return items
}

export const CartView = () => {
  const items = useCart()
  return <section aria-label="cart">{items.map(({ name }) => name).join(", ")}</section>
}

export const App = () => (
  <ActorsProvider>
    <Suspense fallback={<p>starting</p>}>
      <Finder />
      <AddForm />
      <CartView />
    </Suspense>
  </ActorsProvider>
)
