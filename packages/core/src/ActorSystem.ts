/**
 * The register of living instances.
 *
 * Every instance belongs to the `ActorSystem` that is in context when it starts. There is one by default, so nothing has
 * to be set up; provide {@link layer} for one of its own, as tests do, or as a namespace for names.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { makeRegistry, type Registry, SystemKey } from "./internal/registry.ts"

/**
 * A set of living instances, some of them with names.
 *
 * @category models
 * @since 0.1.0
 */
export interface ActorSystem {
  readonly [TypeId]: Registry
}

/**
 * The mark of actor systems.
 *
 * @category symbols
 * @since 0.1.0
 */
export const TypeId: "~troupe/ActorSystem" = "~troupe/ActorSystem"

/**
 * The system that instances started here belong to.
 *
 * @category references
 * @since 0.1.0
 */
export const ActorSystem: Context.Reference<ActorSystem> = SystemKey as any

/**
 * Makes a system of its own.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<ActorSystem> = Effect.sync(makeRegistry) as any

/**
 * Gives what is provided with it a system of its own: its names are its own, too.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<never> = Layer.effect(ActorSystem)(make)

/**
 * The handle of the living instance of `actor` that has this name. Fails with `NoSuchElementError` when there is none.
 * Ray calls it `ray.get_actor`.
 *
 * The handle does not keep the instance alive: it lives as long as the Scope that started it.
 *
 * @category names
 * @since 0.1.0
 */
export const get = <Shape>(
  actor: Context.Key<any, Shape>,
  name: string
): Effect.Effect<Shape, Cause.NoSuchElementError> =>
  Effect.withFiber((fiber) => {
    const { [TypeId]: registry } = Context.get(fiber.context, ActorSystem)
    const holder = registry.names.get(name)
    if (holder === undefined) return Effect.fail(missing(`no actor has the name "${name}"`))
    if (holder.actor !== actor.key) {
      return Effect.fail(missing(`the name "${name}" belongs to an instance of ${holder.actor}, not of ${actor.key}`))
    }
    if (holder.handle === undefined || holder.cell.death !== undefined) {
      return Effect.fail(missing(`the actor with the name "${name}" is not up`))
    }
    return Effect.succeed(holder.handle as Shape)
  })

const missing = (why: string) => new Cause.NoSuchElementError(`ActorSystem.get: ${why}`)

/**
 * The names in use, each with the id of its actor.
 *
 * @category names
 * @since 0.1.0
 */
export const names: Effect.Effect<ReadonlyMap<string, string>> = Effect.map(
  ActorSystem,
  ({ [TypeId]: registry }) => new Map([...registry.names].map(([name, { actor }]) => [name, actor]))
)
