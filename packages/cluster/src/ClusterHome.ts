/**
 * Actors that live in a cluster: the same contract and the same implementation, another Layer.
 *
 * A *node* is a process that has instances. All nodes of a cluster share a storage and split the keys among themselves;
 * when one leaves or dies, the others take over its keys. `layer(Account, AccountLive)` hosts an actor on a node,
 * `client(Account)` reaches it from any process that has the contract. Both provide the service `Account`, so callers
 * do not change: handles, refs, streams and cancellation are those of core.
 *
 * Underneath is `effect/cluster`: each of its entities holds one instance. A node is {@link layerLocal}, one process
 * and a SQLite file, or {@link layerNode}, many processes and sockets. A Layer of `effect/cluster` itself, such as
 * `TestRunner.layer`, works, too.
 *
 * The documentation's fidelity table lists the differences from one process. The main one is what becomes of a call
 * whose node dies, which is up to the method: see `Delivery`.
 *
 * **Example** (A durable counter in one process)
 *
 * ```ts
 * import { Effect, Layer, Schema } from "effect"
 * import { Actor } from "@troupe/core"
 * import { ClusterHome, Delivery } from "@troupe/cluster"
 *
 * class Counter extends Actor.Keyed<Counter>()("app/Counter", {
 *   key: Schema.String,
 *   methods: { add: Delivery.durable(Actor.method({ args: [Schema.Int], success: Schema.Int })) }
 * }) {}
 *
 * const CounterLive = Counter.toLayer(() =>
 *   Effect.sync(() => {
 *     let count = 0
 *     return Counter.of({ add: (n: number) => Effect.sync(() => (count += n)) })
 *   })
 * )
 *
 * const program = Effect.gen(function*() {
 *   const counter = yield* Counter.get("a")
 *   yield* counter.add(1).pipe(ClusterHome.withId("first"))
 *   yield* counter.add(1).pipe(ClusterHome.withId("first")) // the same call: it does not run again
 *   return yield* counter.add(10)
 * })
 *
 * const Live = ClusterHome.layer(Counter, CounterLive).pipe(
 *   Layer.provideMerge(ClusterHome.layerLocal({ file: ":memory:" }))
 * )
 * console.log(await Effect.runPromise(Effect.provide(program, Live))) // => 11
 * ```
 *
 * @since 0.1.0
 */
import type { AnyContract, AnyContractMethod, CallerServices, ContractMethod } from "@troupe/core/Actor"
import type { ActorError } from "@troupe/core/ActorError"
import type { ObjectRef } from "@troupe/core/ObjectRef"
import type * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import type * as MessageStorage from "effect/cluster/MessageStorage"
import type * as Sharding from "effect/cluster/Sharding"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type * as SqlClient from "effect/sql/SqlClient"
import type { ClusterStartError } from "./ClusterStartError.ts"
import * as attaching from "./internal/calls/attach.ts"
import * as durableCall from "./internal/calls/durableCall.ts"
import * as home from "./internal/home/home.ts"
import * as nodes from "./internal/node/node.ts"
import * as view from "./internal/view/view.ts"

/**
 * What cluster actors need: a node, or a client of one.
 *
 * @category models
 * @since 0.1.0
 */
export type Cluster = Sharding.Sharding | MessageStorage.MessageStorage

/**
 * An actor that can leave the process: one with a contract, keyed or not.
 *
 * @category models
 * @since 0.1.0
 */
export interface Contracted<Self, Shape, C extends AnyContract> extends Context.Key<Self, Shape> {
  readonly methods: C
  /**
   * The group of nodes that hosts it, if it is not `"default"`: a static property of the class. Nodes and callers must agree
   * on it, so before you change it, end all of them.
   */
  readonly nodeGroup?: string | undefined
}

/**
 * Options of {@link client}, and of {@link layer}, which is a client, too.
 *
 * @category options
 * @since 0.1.0
 */
export interface ClientOptions {
  /** How many calls of this process to one instance may be unsettled. Default `Infinity`. */
  readonly maxPendingCalls?: number | undefined
  /** What happens to a submission beyond that. Default `"fail"`. */
  readonly overflow?: "fail" | "suspend" | undefined
}

/**
 * Hosts an actor on this node, and provides it as a service that reaches its instances wherever they are.
 *
 * For a keyed actor, each key has one instance in the cluster, on the node that owns the key. Any other actor has one
 * instance in the cluster: it starts with the first node, and moves when its node goes.
 *
 * `live` is the implementation as in any home, `Account.toLayer(make, options)`; its limits, groups, restarts, retries
 * and `idleTimeToLive` apply where the instance is. An actor that calls other keys of its own kind uses the {@link
 * client} for that.
 *
 * All nodes of a group host the same actors for as long as they live, except while another version rolls out: calls for actors
 * and methods that a node does not have, or has in a version that does not understand the caller's, fail before they are sent.
 * On a node that is not in the actor's group, this is the {@link client}. When the first of these Layers closes, the node
 * hands its keys over.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: <Self, Shape, C extends AnyContract, E, R>(
  actor: Contracted<Self, Shape, C>,
  live: Layer.Layer<Self, E, R>,
  options?: ClientOptions
) => Layer.Layer<Self, E, R | Cluster | CallerServices<C>> = home.layer as any

/**
 * Provides an actor as a service whose instances are on the nodes of the cluster. It needs the contract only.
 *
 * @category layers
 * @since 0.1.0
 */
export const client: <Self, Shape, C extends AnyContract>(
  actor: Contracted<Self, Shape, C>,
  options?: ClientOptions
) => Layer.Layer<Self, never, Cluster | CallerServices<C>> = home.client as any

// --- nodes -----------------------------------------------------------------------------------------------------------

/**
 * Options of {@link layerLocal}.
 *
 * @category nodes
 * @since 0.1.0
 */
export interface LocalOptions {
  /** The SQLite file, created if necessary. `":memory:"` forgets everything when the process ends. */
  readonly file: string
  /** How long the calls on this node may go on when it leaves, before they are interrupted. Default 15 seconds. */
  readonly drainTimeout?: Duration.Input | undefined
  /**
   * How long results of durable calls are kept after they were written. For that time they can be picked up, and a
   * second call with the same id does not run. Default 1 day.
   */
  readonly retention?: Duration.Input | undefined
  /** How many keys, of all actors, may be on this node at a time. Calls for more fail. Default 10,000. */
  readonly maxInstances?: number | undefined
  /**
   * The groups of nodes that the cluster has, besides `"default"`: names, the same for all nodes. An actor belongs to the
   * group that its class names, as in `static readonly nodeGroup = "gpu"`, or to `"default"`.
   */
  readonly groups?: ReadonlyArray<string> | undefined
}

/**
 * Options of {@link layerClient}, and of {@link layerNode}.
 *
 * @category nodes
 * @since 0.1.0
 */
export interface ClusterOptions {
  /**
   * What all nodes and clients of the cluster share: a SQLite file on the same machine, a Postgres database (which
   * needs the package `@effect/sql-pg`), or any Layer of `SqlClient` that Effect's cluster supports.
   */
  readonly storage:
    | { readonly file: string }
    | { readonly url: string | Redacted.Redacted<string> }
    | Layer.Layer<SqlClient.SqlClient, any>
  /** What admits a process, of at least 16 characters, the same for all. Required to listen beyond this machine. */
  readonly secret?: string | Redacted.Redacted<string> | undefined
  /** Certificates in PEM, for connections that are encrypted, and authenticated on both sides. */
  readonly tls?:
    | { readonly key: string | Redacted.Redacted<string>; readonly cert: string; readonly ca: string }
    | undefined
  /**
   * How long a call looks for a node before it fails with `ActorUnavailable`. Make it longer than a failover takes, so
   * that calls survive one. Default 30 seconds.
   */
  readonly unavailableAfter?: Duration.Input | undefined
  /**
   * How long a node that does not answer keeps its keys, the same for all processes. It accounts for most of the time
   * until others answer in its place. Default 6 seconds, at least 1.5.
   */
  readonly failover?: Duration.Input | undefined
  /**
   * Into how many parts the keys are split. A node has whole parts, so there should be several for each node; all
   * processes must have the same number. Durable calls that have not finished are stored by part: change it only when
   * there are none. Default 120.
   */
  readonly shards?: number | undefined
}

/**
 * Options of {@link layerNode}.
 *
 * @category nodes
 * @since 0.1.0
 */
export interface NodeOptions extends ClusterOptions, Omit<LocalOptions, "file"> {
  /** The address to listen on. Default `127.0.0.1`: only processes of this machine can connect. */
  readonly host?: string | undefined
  /**
   * The groups that this node is in: it hosts actors of these and no others. Default: all of `groups`, and `"default"`. Some
   * node has to be in `"default"`, which looks after the storage of all.
   */
  readonly ownGroups?: ReadonlyArray<string> | undefined
  /** The port to listen on. Default 34431. */
  readonly port?: number | undefined
  /** The address under which others reach this node, if it differs from the one that it listens on. */
  readonly advertise?: { readonly host?: string | undefined; readonly port?: number | undefined } | undefined
}

/**
 * A single node, with its storage in a SQLite file. No server, no driver to install, no port.
 *
 * Durable calls survive the process: when it starts again on the same file, unfinished calls are resumed. A file
 * belongs to one process at a time; a second one fails.
 *
 * @category nodes
 * @since 0.1.0
 */
export const layerLocal: (options: LocalOptions) => Layer.Layer<Cluster | SqlClient.SqlClient, ClusterStartError> = (
  options
) => view.counted(nodes.layerLocal(options))

/**
 * A node of a cluster.
 *
 * When its Scope closes, as with `NodeRuntime.runMain` on SIGTERM, it leaves: it accepts no new calls, running calls
 * may finish within `drainTimeout`, and the other nodes take over. It has left within one `drainTimeout` and a second.
 *
 * A node that the others would not admit, because its secret or certificate is not the cluster's, does not start.
 *
 * @category nodes
 * @since 0.1.0
 */
export const layerNode: (options: NodeOptions) => Layer.Layer<Cluster | SqlClient.SqlClient, ClusterStartError> = (
  options
) => view.counted(nodes.layerNode(options))

/**
 * A process that calls cluster actors and hosts none. It needs the storage, through which it finds the nodes.
 *
 * @category nodes
 * @since 0.1.0
 */
export const layerClient: (options: ClusterOptions) => Layer.Layer<Cluster | SqlClient.SqlClient, ClusterStartError> = (
  options
) => view.told(nodes.layerClient(options))

export { ClusterStartError } from "./ClusterStartError.ts"

// --- durable calls ---------------------------------------------------------------------------------------------------

/**
 * Sets the id of the durable calls that an effect makes. A second call of the same method of the same actor with the
 * same id is the same call: it does not run, and has the same result. Ids are texts of your domain, such as an order
 * number.
 *
 * An id stands for its arguments: a call with the id of one that had other arguments fails with `DecodeError`, and does
 * not run.
 *
 * **Gotchas**
 *
 * It applies to all calls that the effect makes. Two of the same method are then one: give each its own id. A call of a
 * method that is not durable has no id, so it dies with a `TypeError` that says so: make it outside.
 *
 * It does not apply inside the method: calls that an actor makes have their own ids.
 *
 * @category durable calls
 * @since 0.1.0
 */
export const withId: {
  (id: string): <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(effect: Effect.Effect<A, E, R>, id: string): Effect.Effect<A, E, R>
} = (...args: ReadonlyArray<any>): any =>
  args.length === 1
    ? (effect: Effect.Effect<any, any, any>) => durableCall.withId(effect, args[0])
    : durableCall.withId(args[0], args[1])

/**
 * The durable call that a method runs for, if it does. A method that was running when its node died runs again with the
 * same id, so it can check whether its work is already done.
 *
 * **Gotchas**
 *
 * An id is that of a call of one method of one key: a charge and its refund may have the same one. Make keys for others,
 * such as a bank, of `method` and `id`. The method is `undefined` for a reminder whose method is not durable.
 *
 * @category durable calls
 * @since 0.1.0
 */
export const DurableCall: Context.Reference<{ readonly id: string; readonly method?: string | undefined } | undefined> =
  durableCall.DurableCall

type SuccessOf<M> = M extends ContractMethod<any, infer Success, any, false> ? Success["Type"] : never
type ErrorOf<M> = M extends ContractMethod<any, any, infer Error, false> ? Error["Type"] : never

/**
 * Picks up a durable call that was made by this or another process, as a ref. Fails with `NoSuchElementError` when there
 * is no such call: it was never made, or it finished longer ago than results are kept.
 *
 * The types are those of all methods of the actor, unless `method` names one. Cancelling the ref cancels the call;
 * dropping it does nothing.
 *
 * @category durable calls
 * @since 0.1.0
 */
export const attach: {
  <C extends AnyContract, K extends Extract<keyof C, string>>(
    actor: Contracted<any, { get(key: any): any }, C>,
    key: unknown,
    id: string,
    options: { readonly method: K }
  ): Effect.Effect<
    ObjectRef<SuccessOf<C[K]>, ErrorOf<C[K]> | ActorError>,
    Cause.NoSuchElementError | ActorError,
    Cluster
  >
  <C extends AnyContract>(
    actor: Contracted<any, any, C>,
    key: unknown,
    id: string
  ): Effect.Effect<
    ObjectRef<SuccessOf<C[keyof C]>, ErrorOf<C[keyof C]> | ActorError>,
    Cause.NoSuchElementError | ActorError,
    Cluster
  >
} = attaching.attach as any

/**
 * Any method of a contract.
 *
 * @category models
 * @since 0.1.0
 */
export type AnyMethod = AnyContractMethod
