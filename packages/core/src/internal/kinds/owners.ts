/**
 * Which actor an id belongs to where Layers are built. A Context has one place for an id: of two actors with the same
 * one, callers of the first would get the handle of the second, and never know.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { shared } from "../base/copies.ts"

type Key = Context.Service<any, any>

interface Owner {
  readonly key: Key
  /** How many Layers of the actor are up. */
  layers: number
}

interface Owners {
  /** By the MemoMap that Layers are built with: other runtimes, and later ones, may define an actor anew. */
  readonly together: WeakMap<Layer.MemoMap, Map<string, Owner>>
  /** Which actor a service in a Context is of. */
  readonly services: WeakMap<object, Key>
}

const { services, together } = /* @__PURE__ */ shared<Owners>("owners", {
  services: new WeakMap(),
  together: new WeakMap()
})

/** Builds the service of an actor. Dies when another actor has its id, beside it or in the context around it. */
export const own = <E, R>(key: Key, build: Effect.Effect<object, E, R>): Effect.Effect<object, E, R | Scope.Scope> =>
  Effect.contextWith((context: Context.Context<R>) => {
    const around = services.get(context.mapUnsafe.get(key.key))
    const memoMap: Layer.MemoMap | undefined = context.mapUnsafe.get(Layer.CurrentMemoMap.key)
    const owner = memoMap === undefined ? { key, layers: 0 } : ownerIn(memoMap, key)
    if (owner.key !== key || (around !== undefined && around !== key)) return Effect.die(taken(key.key))
    owner.layers++
    const leave = Effect.addFinalizer(() => Effect.sync(() => void owner.layers--))
    return Effect.andThen(
      leave,
      Effect.tap(build, (service) => Effect.sync(() => services.set(service, key)))
    )
  })

const ownerIn = (memoMap: Layer.MemoMap, key: Key): Owner => {
  const ids = together.get(memoMap) ?? new Map<string, Owner>()
  together.set(memoMap, ids)
  const present = ids.get(key.key)
  if (present !== undefined && present.layers > 0) return present
  const owner = { key, layers: 0 }
  ids.set(key.key, owner)
  return owner
}

const taken = (id: string): TypeError =>
  new TypeError(
    `${id}: two actors of this id are provided together. Give one another id; if a module was loaded twice, load it once`
  )
