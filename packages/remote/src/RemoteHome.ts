/**
 * Actors that are called from elsewhere: pages, phones, other services.
 *
 * A server exposes methods of an actor at a path, beside the other routes of its `HttpRouter`. A client provides the same
 * service from the contract alone, so call sites do not change: handles, refs, cancellation, streams and subscriptions are
 * those of core. Underneath is Effect's rpc, over a WebSocket or HTTP.
 *
 * Picture the desk of the clerk with a counter to the street. Who stands there may hand in what the clerk has put on the
 * list, sees nothing else of the office, and closes nothing.
 *
 * Between the nodes of one system use `ClusterHome`, which finds instances and survives the loss of a node. This home is for
 * those outside.
 *
 * @since 0.1.0
 */
import type { AnyContract, CallerServices, ContractMethod, ContractSubscription } from "@troupe/core/Actor"
import { type ActorError, Denied } from "@troupe/core/ActorError"
import type { FellBehind, ReaderOptions, Resync } from "@troupe/core/Broadcast"
import type * as Carried from "@troupe/core/Carried"
import { actorError } from "@troupe/core/Home"
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpRouter from "effect/http/HttpRouter"
import type * as Layer from "effect/Layer"
import type * as Rpc from "effect/rpc/Rpc"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import type * as RpcSchema from "effect/rpc/RpcSchema"
import type * as Schedule from "effect/Schedule"
import type * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import * as servers from "#server"
import * as clients from "./internal/client/client.ts"
import { connection as connectionOf } from "./internal/client/status.ts"
import { group as groupOf } from "./internal/server/exposure.ts"
import { CurrentRequest as RequestOf } from "./internal/server/request.ts"

// --- what can be called ----------------------------------------------------------------------------------------------

/**
 * An actor that can be called from elsewhere: one with a contract, keyed or not.
 *
 * @category models
 * @since 0.1.0
 */
export interface AnyContracted extends Context.Key<any, any> {
  readonly methods: AnyContract
}

/**
 * The names of the methods in the contract of an actor, and of its subscriptions.
 *
 * @category models
 * @since 0.1.0
 */
export type MethodName<A extends AnyContracted> = Extract<keyof A["methods"], string>

/**
 * The keys of a keyed actor. Others have none.
 *
 * @category models
 * @since 0.1.0
 */
export type KeyOf<A extends AnyContracted> = A extends {
  readonly keySchema: unknown
  readonly Service: { get(key: infer K): unknown }
}
  ? K
  : undefined

type ServiceOf<A> = A extends Context.Key<infer Self, any> ? Self : never

// The same type, which is not inferred from where it stands. From the groups that are served together it would be any.
type Apart<R> = [R] extends [infer Same] ? Same : never

type ErrorOf<M> =
  M extends ContractSubscription<any, infer E>
    ? E["Type"]
    : M extends ContractMethod<any, any, infer E, any>
      ? E["Type"]
      : never

/** What the compiler reports for an `authorize` that fails with an error that callers of these methods do not know. */
interface ErrorUnknownTo<Name> {
  readonly "authorize must fail with an error of all exposed methods, or with RemoteHome.deny - a subscription has those of middleware": Name
}

// An alias for the names would stand in the message in their place.
type ErrorIsKnown<A extends AnyContracted, Name extends MethodName<A>, E> = {
  [K in Name]: [E] extends [ErrorOf<A["methods"][K]> | ActorError] ? never : K
}[Name] extends infer Names
  ? [Names] extends [never]
    ? unknown
    : ErrorUnknownTo<Names>
  : never

// --- rpcs ------------------------------------------------------------------------------------------------------------

/**
 * The payload of an rpc: an object with the `key` of a keyed actor and the arguments.
 *
 * @category rpc
 * @since 0.1.0
 */
export interface Payload<A> extends Schema.Codec<A, unknown> {
  readonly "~type.make.in": A
}

/**
 * What readers of a subscription get over rpc: an item, or a gap in its place.
 *
 * @category rpc
 * @since 0.1.0
 */
export type Read<A> = { readonly item: A } | { readonly resync: Resync }

type Keyed<A extends AnyContracted> = [KeyOf<A>] extends [undefined] ? unknown : { readonly key: KeyOf<A> }
type WithArgs<Args> = Args extends readonly [] ? unknown : { readonly args: Args }

type RpcOf<A extends AnyContracted, Name extends MethodName<A>> =
  A["methods"][Name] extends ContractSubscription<infer Item, infer E>
    ? Rpc.Rpc<
        `${A["key"]}.${Name}`,
        Payload<Keyed<A> & { readonly reader?: ReaderOptions }>,
        RpcSchema.Stream<
          Schema.Codec<Read<Item["Type"]>, unknown>,
          Schema.Codec<E["Type"] | ActorError | FellBehind, unknown>
        >,
        typeof Schema.Never
      >
    : A["methods"][Name] extends ContractMethod<infer Args, infer Success, infer E, infer IsStream>
      ? Rpc.Rpc<
          `${A["key"]}.${Name}`,
          Payload<Keyed<A> & WithArgs<Args>>,
          IsStream extends true ? RpcSchema.Stream<Success, Schema.Codec<E["Type"] | ActorError, unknown>> : Success,
          IsStream extends true ? typeof Schema.Never : Schema.Codec<E["Type"] | ActorError, unknown>
        >
      : never

/**
 * The rpcs that stand for methods of an actor, one each, named `actor.method`.
 *
 * @category rpc
 * @since 0.1.0
 */
export type Rpcs<A extends AnyContracted, Name extends MethodName<A>> = { [K in Name]: RpcOf<A, K> }[Name]

/**
 * An `RpcGroup` that knows which actor serves it.
 *
 * @category rpc
 * @since 0.1.0
 */
export interface Group<in out R extends Rpc.Any, out Needs> extends RpcGroup.RpcGroup<R> {
  readonly "~needs": Needs
}

/**
 * Any {@link Group}.
 *
 * @category rpc
 * @since 0.1.0
 */
export type AnyGroup = Group<any, any>

// --- serving ---------------------------------------------------------------------------------------------------------

/**
 * What is known of a request from elsewhere.
 *
 * @category serving
 * @since 0.1.0
 */
export interface RemoteRequest {
  /** The id of the actor. */
  readonly actor: string
  readonly method: string
  /** The key, if the actor is keyed. */
  readonly key: unknown
  /** The headers of the HTTP request that the call came with, or that opened its WebSocket. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The headers that the client says with the call: what its option `headers` gives. Any client can say anything here. */
  readonly sent: Readonly<Record<string, string | undefined>>
  readonly remoteAddress: string | undefined
}

/**
 * Who may call what.
 *
 * @category serving
 * @since 0.1.0
 */
export interface GroupOptions<A extends AnyContracted, Name extends MethodName<A>, E = never, R = never> {
  /** The methods and subscriptions that can be called from elsewhere. No others can. */
  readonly expose: ReadonlyArray<Name>
  /**
   * Whether a caller may make a call, or read. It runs before there is an instance of the key, and each time. It fails with
   * an error that the contract gives to all exposed methods, or with {@link deny}. Subscriptions have the errors of middleware.
   */
  readonly authorize?: ((key: KeyOf<A>, request: RemoteRequest) => Effect.Effect<unknown, E, R>) | undefined
  /** The carried references that callers may set. Default none: what they set otherwise is passed over. */
  readonly carried?: ReadonlyArray<Carried.Reference<any>> | undefined
  /** Whether log annotations of callers reach the log here. Default `false`. */
  readonly logAnnotations?: boolean | undefined
}

/**
 * How much a peer may ask for. Each is an integer of at least 1, or `Infinity`.
 *
 * @category serving
 * @since 0.1.0
 */
export interface Limits {
  /** How long a message may be. Default 1 MiB. */
  readonly messageBytes?: number | undefined
  /** How deep objects and arrays may be nested in a message. Default 32. */
  readonly depth?: number | undefined
  /** How many calls of a connection may be under way. Default 1000. */
  readonly calls?: number | undefined
  /** How many streams. Default 100. */
  readonly streams?: number | undefined
  /** How many subscriptions. Default 100. */
  readonly subscriptions?: number | undefined
  /** How many items may wait for a reader, whatever it asks for. Default 1000. */
  readonly pendingItems?: number | undefined
  /** How many WebSockets and requests may be under way from one address, or one network of IPv6. Default 100. */
  readonly connectionsPerPeer?: number | undefined
  /** How many bytes of answers may wait for a peer to take them. Beyond that it is not listened to. Default 4 MiB. */
  readonly pendingBytes?: number | undefined
  /** How long it may stay so, or take nothing of what waits for it, before it is cut off. Default 30 seconds. */
  readonly slowAfter?: Duration.Input | undefined
  /** After how long without a message a WebSocket is closed, or a body. Clients send one every 15 seconds. Default 1 minute. */
  readonly idleAfter?: Duration.Input | undefined
  /**
   * How long streams go on once the server is about to end, before they fail with `ActorUnavailable`. Default `Infinity`: as
   * long as the server waits for its calls. Set it where streams last as long as their readers.
   */
  readonly leaveAfter?: Duration.Input | undefined
}

/**
 * Options of {@link serve}.
 *
 * @category serving
 * @since 0.1.0
 */
export interface ServeOptions {
  /** The path of the route. Default `"/actors"`. */
  readonly path?: HttpRouter.PathInput | undefined
  /**
   * The pages that may call, by their origins. `"same"`, the default: those of this server's own host. What is no page sends
   * no origin, and may call: keep it out with `authorize`.
   */
  readonly origins?: "same" | "any" | ReadonlyArray<string> | ((origin: string) => boolean) | undefined
  readonly limits?: Limits | undefined
  /**
   * Whether callers are told what a method died of, with its stack. `"hidden"`, the default: they get a number, under which
   * the log of the server has the rest.
   */
  readonly defects?: "hidden" | "shown" | undefined
}

/**
 * The rpcs that stand for the exposed methods of an actor: for {@link serve}, and for those who use `RpcServer`, `RpcClient`
 * or `AtomRpc` themselves.
 *
 * @category serving
 * @since 0.1.0
 */
export const group: <A extends AnyContracted, const Name extends MethodName<A>, E = never, R = never>(
  actor: A,
  options: GroupOptions<A, Name, E, R> & NoInfer<ErrorIsKnown<A, Name, E>>
) => Group<Rpcs<A, Name>, ServiceOf<A> | Apart<R>> = groupOf as any

/**
 * What serves a group, for an `RpcServer` of your own. It needs the actor, in whichever home it lives.
 *
 * Origins, limits and versions of contracts are the business of {@link serve}.
 *
 * @category serving
 * @since 0.1.0
 */
export const handlers: <R extends Rpc.Any, Needs>(
  group: Group<R, Needs>,
  options?: Pick<ServeOptions, "defects">
) => Layer.Layer<Rpc.ToHandler<R>, never, Needs> = servers.handlersOf as any

/**
 * Serves an actor on a route of the `HttpRouter`: WebSockets, and HTTP with streaming answers, at the same path. Several
 * actors, each made a {@link group}, share a path, and the connections of their clients.
 *
 * @category serving
 * @since 0.1.0
 */
export const serve: {
  <A extends AnyContracted, const Name extends MethodName<A>, E = never, R = never>(
    actor: A,
    options: GroupOptions<A, Name, E, R> & ServeOptions & NoInfer<ErrorIsKnown<A, Name, E>>
  ): Layer.Layer<never, never, HttpRouter.HttpRouter | ServiceOf<A> | R>
  <const Groups extends ReadonlyArray<AnyGroup>>(
    groups: Groups,
    options?: ServeOptions
  ): Layer.Layer<never, never, HttpRouter.HttpRouter | Groups[number]["~needs"]>
} = servers.serve as any

/**
 * Refuses a call from elsewhere: it fails with an `ActorError` of reason `Denied`. For `authorize`.
 *
 * @category serving
 * @since 0.1.0
 */
export const deny = (why: string): Effect.Effect<never, ActorError> =>
  Effect.suspend(() => Effect.fail(actorError(() => new Denied({ actor: "", method: "", why }))))

/**
 * The request that a method runs for, if its call came from elsewhere. It does not travel to other threads and nodes.
 *
 * @category serving
 * @since 0.1.0
 */
export const CurrentRequest: Context.Reference<RemoteRequest | undefined> = RequestOf

// --- calling ---------------------------------------------------------------------------------------------------------

/**
 * Options of {@link client}. Clients that are given the same object share one connection.
 *
 * @category calling
 * @since 0.1.0
 */
export interface ClientOptions {
  /** Where the actors are served: `wss://example.com/actors`. In a page a path will do, on the page's own server. */
  readonly url: string | URL
  /** Default `"websocket"`. With `"http"`, each call is a request of its own. */
  readonly protocol?: "websocket" | "http" | undefined
  /**
   * What is sent with each call, such as an `authorization`. An Effect is run whenever a connection is made, and each
   * `renewHeaders`; with HTTP for each call.
   */
  readonly headers?:
    | Readonly<Record<string, string>>
    | Effect.Effect<Readonly<Record<string, string>>, unknown>
    | undefined
  /** How often `headers` is run while a connection lasts. Default never. */
  readonly renewHeaders?: Duration.Input | undefined
  /**
   * How long a call waits for a connection, or for room among the calls that the server takes at a time, before it fails with
   * `ActorUnavailable`. Default 10 seconds: a server that starts again, or a network that changes, is back by then.
   */
  readonly unavailableAfter?: Duration.Input | undefined
  /** Paces connecting again. Default: after half a second, then ever longer up to 10 seconds, without end. */
  readonly reconnect?: Schedule.Schedule<unknown, unknown> | undefined
  /** How often the server is asked for a sign of life. One that gives none by the next time is given up. Default 15 seconds. */
  readonly heartbeat?: Duration.Input | undefined
}

/**
 * How the connection of clients to their server is. Times are in milliseconds since the epoch.
 *
 * - `Connecting`: there was none yet.
 * - `Connected`: over HTTP, that the last request was answered.
 * - `Lost`: why, `since` when, and when it is tried again: now if `retryAt` is over. It is told once more for each attempt
 *   that fails, with the same `since`. Over HTTP the next request tries, and `retryAt` is missing.
 * - `Closed`: there will be no other one, since the client has ended, or its schedule of reconnecting.
 *
 * @category calling
 * @since 0.1.0
 */
export type Connection =
  | { readonly _tag: "Connecting" }
  | { readonly _tag: "Connected" }
  | {
      readonly _tag: "Lost"
      readonly why: string
      readonly since: number
      readonly retryAt: number | undefined
    }
  | { readonly _tag: "Closed"; readonly why: string }

/**
 * How the connection of the clients is that are given this options object: first how it is now, then each change. A reader
 * that is slow gets the last one. It makes no connection: a {@link client} does.
 *
 * @category calling
 * @since 0.1.0
 */
export const connection: (options: ClientOptions) => Stream.Stream<Connection> = connectionOf

/**
 * Provides an actor whose instances live at a server. It needs the contract only.
 *
 * @category calling
 * @since 0.1.0
 */
export const client: <A extends AnyContracted>(
  actor: A,
  options: ClientOptions
) => Layer.Layer<ServiceOf<A>, never, CallerServices<A["methods"]>> = clients.client as any
