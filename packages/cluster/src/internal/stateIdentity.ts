/**
 * Which actor, and which key of it, an instance works for: what its durable state and its reminders are filed under.
 */

import { ActorContext } from "@troupe/core/ActorContext"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

export interface Identity {
  /** The id of the actor, as given to `Actor.Keyed`. */
  readonly actor: string
  readonly key: string
}

/** Set by homes around the constructor, where they know better than the label of the instance. */
export const CurrentActor = Context.Reference<Identity | undefined>("troupe/cluster/CurrentActor", {
  defaultValue: () => undefined
})

/** What core's `ActorContext` is at run time, as far as we use it: the instance itself. */
export interface Instance {
  readonly actor: string
  readonly instance: number
  readonly restarts: number
  /** The text of the key, where core keeps it. */
  readonly key?: string | undefined
  /** What brought up a keyed instance, and knows the key itself. */
  readonly keeper?: { readonly keys?: ReadonlyMap<unknown, unknown> } | undefined
  kill(why: string, cause: unknown): void
}

/** The instance whose constructor or method runs. */
export const instance: Effect.Effect<Instance, never, ActorContext> = Effect.map(
  ActorContext,
  (context) => context as unknown as Instance
)

/** The identity of the running instance. Dies where it has no key: nobody could find its state again. */
export const identity = (what: string): Effect.Effect<Identity, never, ActorContext> =>
  Effect.gen(function* () {
    const given = yield* CurrentActor
    if (given !== undefined) return given
    const { actor: label, key } = yield* instance
    const found = fromLabel(label, key)
    if (found !== undefined) return found
    return yield* Effect.die(
      new TypeError(
        `${label}: ${what} needs a key to be filed under. Use Actor.Keyed with a key that is a string or a number, or pass { actor, key }`
      )
    )
  })

/** Keyed instances are labelled `id(key)`. */
const fromLabel = (label: string, key: string | undefined): Identity | undefined => {
  const open = label.indexOf("(")
  if (open <= 0 || !label.endsWith(")")) return undefined
  const text = key ?? label.slice(open + 1, -1)
  // What has no text of its own would share a state with all its like.
  if (text.startsWith("[object ")) return undefined
  return { actor: label.slice(0, open), key: text }
}

/** The key of an instance as its callers have it, if it can be written as JSON without a schema. */
export const plainKey = (instance: Instance, identity: Identity): string | number | undefined => {
  const key = instance.keeper?.keys?.get(instance)
  if (typeof key === "string" || typeof key === "number") return key
  return key === undefined ? identity.key : undefined
}
