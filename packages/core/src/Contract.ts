/**
 * What callers know of an actor, apart from everything that runs one.
 *
 * A contract names the methods of an actor, with the schemas of their arguments and results. `Actor.Service` and
 * `Actor.Keyed` make contracts, too, which know how to be joined with an implementation: they bring the whole runtime
 * along. A contract of this module is for a file that many programs import and few run the actor of, such as pages and
 * command lines. The program that does run it joins the two with `Actor.toLayer`; homes take either kind.
 *
 * Where a program has actors of its own anyway, this module saves it nothing.
 *
 * @since 0.1.0
 */
import type * as Schema from "effect/Schema"
import type * as Actor from "./Actor.ts"
import type { Any } from "./ActorMiddleware.ts"
import { secondCall } from "./internal/base/ids.ts"
import { method as contractMethod, subscription as contractSubscription } from "./internal/call/contractMethod.ts"
import * as contracts from "./internal/kinds/contracts.ts"

/**
 * Describes a method of a contract, as `Actor.method` does.
 *
 * @category constructors
 * @since 0.1.0
 */
export const method: typeof Actor.method = contractMethod as any

/**
 * Describes what a contract lets callers read, as `Actor.subscription` does.
 *
 * @category constructors
 * @since 0.1.0
 */
export const subscription: typeof Actor.subscription = contractSubscription as any

/**
 * Defines the contract of an actor.
 *
 * **Example** (A contract in a file of its own)
 *
 * ```ts
 * import * as Contract from "@troupe/core/Contract"
 * import { Schema } from "effect"
 *
 * export class Counter extends Contract.Service<Counter>()("app/Counter", {
 *   methods: { increment: Contract.method({ args: [Schema.Int], success: Schema.Int }) }
 * }) {}
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const Service: <Self>() => <
  const Id extends string,
  const C extends Actor.AnyContract,
  const All extends ReadonlyArray<Any> = []
>(
  id: Id,
  options: { readonly methods: C; readonly middleware?: All | undefined }
) => Actor.ValidateNames<C, Actor.Contracted<Self, Id, Actor.GuardedContract<C, All>>> = (
  ...first: ReadonlyArray<unknown>
) => secondCall("Contract.Service", first, contracts.service) as any

/**
 * Defines the contract of an actor that has one instance per key.
 *
 * @category constructors
 * @since 0.1.0
 */
export const Keyed: <Self>() => <
  const Id extends string,
  K extends Schema.Top,
  const C extends Actor.AnyContract,
  const All extends ReadonlyArray<Any> = []
>(
  id: Id,
  options: { readonly key: K; readonly methods: C; readonly middleware?: All | undefined }
) => Actor.ValidateNames<C, Actor.KeyedContracted<Self, Id, K["Type"], Actor.GuardedContract<C, All>>> = (
  ...first: ReadonlyArray<unknown>
) => secondCall("Contract.Keyed", first, contracts.keyed) as any
