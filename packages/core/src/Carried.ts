/**
 * References that travel with calls: what a caller sets, the method has, and what the method calls in turn, wherever
 * they run.
 *
 * Picture a label on a parcel: whoever handles it can read it, and it goes wherever the parcel goes. It suits what is said
 * of a request rather than to a method: its tenant, its user, its locale. It is not for what a method needs to do its
 * work, which is an argument, nor for what an actor is built with, which is a service.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import type * as Schema from "effect/Schema"
import * as references from "./internal/base/references.ts"

/**
 * A `Context.Reference` that travels with calls.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reference<in out A> extends Context.Reference<A> {
  /** How its values are written where a call leaves the process or the thread. */
  readonly schema: Schema.Codec<A, any>
}

/**
 * Makes a reference that travels with calls. The key stands for it on the wire, so it must be the same on both sides.
 *
 * A method has the value that its caller has set, or where its caller has set none, the one that its actor was made with.
 * Within a process values pass by reference. To another thread or process they are written as JSON with the schema; a
 * value that cannot be written, or not be read there, fails its call with reason `DecodeError`, and the method does not run.
 *
 * **Example** (The tenant of a request)
 *
 * ```ts
 * import { Actor, Carried } from "@troupe/core"
 * import { Effect, Schema } from "effect"
 *
 * const Tenant = Carried.Reference<string>("app/Tenant", { schema: Schema.String, defaultValue: () => "nobody" })
 *
 * class Orders extends Actor.Service<Orders>()("app/Orders", {
 *   make: Effect.succeed({ whose: () => Effect.map(Tenant, (tenant) => `for ${tenant}`) })
 * }) {}
 *
 * const program = Effect.gen(function*() {
 *   const orders = yield* Orders
 *   return [yield* orders.whose(), yield* Effect.provideService(orders.whose(), Tenant, "acme")]
 * })
 *
 * console.log(await Effect.runPromise(Effect.provide(program, Orders.layer))) // => [ 'for nobody', 'for acme' ]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const Reference: <A>(
  key: string,
  options: {
    /** How values are written. It may not need services. */
    readonly schema: Schema.Codec<A, any>
    /** What a reader has where nobody has set a value. */
    readonly defaultValue: () => A
  }
) => Reference<A> = references.make
