/**
 * Whether this process has a key, as the storage of the cluster says.
 *
 * What a node knows of its keys may be old: it may have been frozen since. So whoever takes something over for a key asks.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"

/** Asks for the instance of a key of an actor. Fails where the storage does not answer. */
export type Held = (actor: string, key: unknown) => Effect.Effect<boolean, unknown>

/** An instance whose key no other process can have need not ask. */
export const CurrentHeld: Context.Reference<Held | undefined> = Context.Reference<Held | undefined>(
  "troupe/cluster/Held",
  { defaultValue: () => undefined }
)
