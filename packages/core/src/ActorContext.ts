/**
 * What an actor may know about itself.
 *
 * `ActorContext` exists only inside actors: constructors and methods may require it, and nobody else can provide it, so
 * an operation like `Actor.exit` that requires it compiles only where it makes sense.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"

/**
 * The capability that is present inside actors, and the facts that go with it.
 *
 * @category capabilities
 * @since 0.1.0
 */
export class ActorContext extends Context.Service<
  ActorContext,
  {
    /** The id of the actor, as given to `Actor.Service` or `Actor.Keyed`. */
    readonly id: string
    /** The key of this instance, if the actor is keyed. */
    readonly key: unknown
    /** How errors call this instance: its id, and for keyed actors `id(key)`. */
    readonly actor: string
    /** The number of this instance, unique in the process. */
    readonly instance: number
    /** The name that the instance was given with `options({ name })`, if any. */
    readonly name: string | undefined
    /** How often this instance has been restarted. */
    readonly restarts: number
  }
>()("troupe/ActorContext") {}
