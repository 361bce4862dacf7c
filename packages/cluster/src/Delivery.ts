/**
 * How calls are delivered when nodes and connections fail, method by method.
 *
 * In one process a call runs once. In a cluster, the connection can break after the call was sent and before its answer
 * arrives, and the caller cannot tell whether it ran. What happens then is a property of the method, so it is declared
 * with the method: around `Actor.method` in the contract. Callers and nodes read the same contract, so they cannot
 * disagree. This module does not import the engine, so a contract that imports it can be imported anywhere.
 *
 * - *At most once*, the default: such a call fails with `ActorUnavailable`, whose `mayHaveRun` is true.
 * - *At least once*: such a call is sent again. It may run twice: for queries, and for idempotent methods.
 * - *Durable*: the call is written to the storage of the cluster before it is sent, and its result is, too. It survives
 *   the death of its caller and of all nodes, and happens once per id.
 *
 * Other homes ignore it: a call in this process runs once in any case.
 *
 * **Example** (A contract that says how its calls are delivered)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Actor } from "@troupe/core"
 * import * as Delivery from "@troupe/cluster/Delivery"
 *
 * class Account extends Actor.Keyed<Account>()("app/Account", {
 *   key: Schema.String,
 *   methods: {
 *     deposit: Delivery.durable(Actor.method({ args: [Schema.Int], success: Schema.Int })),
 *     balance: Delivery.atLeastOnce(Actor.method({ success: Schema.Int }))
 *   }
 * }) {}
 *
 * console.log(Delivery.of(Account.methods.deposit)) // => durable
 * ```
 *
 * @since 0.1.0
 */
import type * as Actor from "@troupe/core/Actor"
import type * as Schema from "effect/Schema"
import { annotate, read } from "./internal/wire/delivery.ts"

/**
 * How calls of a method are delivered.
 *
 * @category models
 * @since 0.1.0
 */
export type Delivery = "atMostOnce" | "atLeastOnce" | "durable"

/**
 * Calls run at most once. One that was sent and not answered, because its node or the connection to it was lost, fails
 * with `ActorUnavailable`, and `mayHaveRun` is true. This is the default.
 *
 * @category deliveries
 * @since 0.1.0
 */
export const atMostOnce = <M extends Actor.AnyContractMethod>(method: M): M => annotate(method, { kind: "atMostOnce" })

/**
 * Calls that were sent and not answered are sent again, to another node if need be. They may run more than once, even
 * at the same time. Not for methods that return a Stream.
 *
 * @category deliveries
 * @since 0.1.0
 */
export const atLeastOnce = <Args extends ReadonlyArray<any>, Success extends Schema.Top, Error extends Schema.Top>(
  method: Effectful<Args, Success, Error>
): Effectful<Args, Success, Error> => annotate(method, { kind: "atLeastOnce" })

/**
 * Calls are stored before they are sent, and so are their results. A call survives its caller and its nodes, runs on
 * the next node that has the actor, and settles once. A method that was running when its node died runs again from the
 * start, so it must be able to finish work that it finds half done.
 *
 * A call has an id. A second call of the same method of the same actor with the same id is the same call: it does not
 * run, but gets the result of the first. The id is the result of `id` for the arguments; otherwise the one that the
 * caller sets with `ClusterHome.withId`; otherwise a new one for each call.
 *
 * Not for methods that return a Stream. Arguments, results and errors are stored as JSON.
 *
 * @category deliveries
 * @since 0.1.0
 */
export const durable = <Args extends ReadonlyArray<any>, Success extends Schema.Top, Error extends Schema.Top>(
  method: Effectful<Args, Success, Error>,
  options?: { readonly id?: ((...args: Mutable<Args>) => string) | undefined }
): Effectful<Args, Success, Error> => annotate(method, { kind: "durable", id: options?.id })

/**
 * A method of a contract that returns no Stream.
 *
 * @category models
 * @since 0.1.0
 */
export type Effectful<
  Args extends ReadonlyArray<any>,
  Success extends Schema.Top,
  Error extends Schema.Top
> = Actor.ContractMethod<Args, Success, Error, false>

// A function that takes fewer arguments would not fit a readonly list of them.
type Mutable<Args extends ReadonlyArray<any>> = { -readonly [K in keyof Args]: Args[K] }

/**
 * How calls of a method are delivered.
 *
 * @category getters
 * @since 0.1.0
 */
export const of = (method: Actor.AnyContractMethod): Delivery => read(method).kind
