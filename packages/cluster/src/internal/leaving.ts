/**
 * Whether an interruption means "cancel", or only that this process, or this place of an actor, comes to its end.
 *
 * A durable call outlives both. An actor that is interrupted since its node leaves runs again elsewhere, and finds the
 * durable calls that it made; were they cancelled, it would find that.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { Entity, Sharding } from "./engine.ts"

export interface Leaving {
  /** Notes that the callers, or the instances, of an actor come to their end. */
  leave(actor: string): Effect.Effect<void>
  /** Whether a fiber in this context is interrupted for such a reason. */
  isTeardown(actor: string, context: Context.Context<never>): boolean
}

const registers = new WeakMap<object, Leaving>()

/** What is known for one node or client. */
export const leavingOf: Effect.Effect<Leaving, never, Sharding.Sharding> = Effect.map(Sharding.Sharding, (sharding) => {
  const known = registers.get(sharding)
  if (known !== undefined) return known
  const leaving = make(sharding)
  registers.set(sharding, leaving)
  return leaving
})

const make = (sharding: Sharding.Sharding["Service"]): Leaving => {
  const actors = new Set<string>()
  return {
    leave: (actor) =>
      Effect.sync(() => {
        actors.add(actor)
      }),
    isTeardown: (actor, context) => {
      if (actors.has(actor)) return true
      // The actor that makes the call, if one does, and its place.
      const own = Context.getOrUndefined(context, Entity.CurrentAddress)
      return own !== undefined && (actors.has(own.entityType) || !sharding.hasShardId(own.shardId))
    }
  }
}
