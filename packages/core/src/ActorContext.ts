/**
 * What an actor knows about itself.
 *
 * `ActorContext` exists only inside actors: constructors and methods may require it, and no Layer provides it. So an
 * operation that requires it, like `Actor.exit`, compiles only inside actors.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import { versioned } from "./internal/base/copies.ts"
import { explainMissing } from "./internal/base/effectInternals.ts"
import * as time from "./internal/call/timeLeft.ts"

/**
 * Which instance a constructor or a method runs in.
 *
 * @category capabilities
 * @since 0.1.0
 */
export class ActorContext extends explainMissing(
  Context.Service<
    ActorContext,
    {
      /** The id of the actor, as given to `Actor.Service` or `Actor.Keyed`. */
      readonly id: string
      /** The key of this instance, if the actor is keyed. */
      readonly key: unknown
      /** The name of the actor in errors: its id, and for a keyed actor `id(key)`. */
      readonly actor: string
      /** The number of this instance, unique in the process. */
      readonly instance: number
      /** The name that the instance was given with `options({ name })`, if any. */
      readonly name: string | undefined
      /** How often this instance has been restarted. */
      readonly restarts: number
    }
  >()(versioned("troupe/ActorContext")),
  () => "ActorContext is not provided here: it is there in the methods and the constructor of an actor only"
) {}

/**
 * How much time the call has that runs here: its own `timeout`, or that of a call for which it works, whichever is over
 * first. The caller may be in another thread or process. `None` if nothing bounds it, and outside of actors.
 *
 * When the time is over the call ends, and so do the calls that it has made. Read it before work that is not worth
 * beginning with too little time.
 *
 * A durable call outlives its caller, so the time of its caller is not its own.
 *
 * @category time
 * @since 0.1.0
 */
export const timeLeft: Effect.Effect<Option.Option<Duration.Duration>> = time.ofCurrent
