/**
 * What an actor knows about itself.
 *
 * `ActorContext` exists only inside actors: constructors and methods may require it, and no Layer provides it. So an
 * operation that requires it, like `Actor.exit`, compiles only inside actors.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import { versioned } from "./internal/base/copies.ts"
import { explainMissing } from "./internal/base/effectInternals.ts"

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
