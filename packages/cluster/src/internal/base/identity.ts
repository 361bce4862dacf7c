/**
 * Which actor, and which key of it, an instance works for: what its durable state and its reminders are filed under.
 */
import { ActorContext } from "@troupe/core/ActorContext"
import * as Effect from "effect/Effect"
import type { Identity } from "../../DurableState.ts"
import type { Key } from "./keyText.ts"

/** What an instance knows of itself. */
export type Instance = ActorContext["Service"]

/** The instance whose constructor or method runs. */
export const instance: Effect.Effect<Instance, never, ActorContext> = ActorContext

/** The identity of the running instance. Dies where it has no key: its state could not be found again. */
export const identity = (what: string, text?: string): Effect.Effect<Identity, never, ActorContext> =>
  Effect.gen(function* () {
    const self = yield* instance
    const key = text ?? plainKey(self)
    if (key !== undefined) return { actor: self.id, key }
    return yield* Effect.die(
      new TypeError(
        `${self.actor}: ${what} needs a key to be filed under. Use Actor.Keyed with a key that is a string or a number, or give its text: { key }`
      )
    )
  })

/** The key of an instance, if it can be written as JSON without a schema. */
const plainKey = ({ key }: Instance): Key | undefined =>
  typeof key === "string" || typeof key === "number" ? key : undefined
