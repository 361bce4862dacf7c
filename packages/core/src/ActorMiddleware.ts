/**
 * Middleware runs around calls: it may refuse them, note them, or provide what their methods need. Readers of
 * subscriptions pass it, too.
 *
 * Picture a doorman: whoever comes passes by, and may be sent away. A call that is refused never stands in line and holds
 * no permit. It suits what many methods or actors have in common, like authorization and audits. It is not for what one
 * method does, which belongs into that method.
 *
 * The shape follows `RpcMiddleware` of Effect.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import { secondCall } from "./internal/base/ids.ts"
import * as middleware from "./internal/instance/middleware.ts"

/**
 * The result of a call, which middleware hands on and cannot make.
 *
 * @category models
 * @since 0.1.0
 */
export interface SuccessValue {
  readonly _: unique symbol
}

/**
 * The errors of a call that are not the middleware's own.
 *
 * @category models
 * @since 0.1.0
 */
export interface Unhandled {
  readonly _: unique symbol
}

/**
 * The call that middleware runs around, or the reader that it lets in: the name of its subscription, and its options.
 *
 * @category models
 * @since 0.1.0
 */
export interface Call {
  /** The id of the actor. */
  readonly actor: string
  /** The key of the instance, if the actor is keyed. */
  readonly key: unknown
  readonly method: string
  readonly args: ReadonlyArray<unknown>
}

/**
 * What a middleware does: `next` is the call, from its place in line to its result. Fail to refuse it. It may run `next`
 * more than once: the call then runs again. For a reader of a subscription `next` succeeds at once, and the reader joins
 * when its middleware has ended.
 *
 * @category models
 * @since 0.1.0
 */
export interface Middleware<Provides, E> {
  (next: Effect.Effect<SuccessValue, E | Unhandled, Provides>, call: Call): Effect.Effect<SuccessValue, E | Unhandled>
}

/**
 * A middleware: a service whose implementation is a {@link Middleware}. A Layer provides it, as any service.
 *
 * @category models
 * @since 0.1.0
 */
export interface ServiceClass<
  Self,
  Id extends string,
  Provides,
  E extends Schema.Top,
  At extends "actor" | "caller" = "actor" | "caller"
> extends Context.ServiceClass<Self, Id, Middleware<Provides, E["Type"]>> {
  /** How its errors are written. */
  readonly error: E
  /** On which side of a call it runs. */
  readonly at: At
  readonly "~provides": () => Provides
  readonly "~self": Self
}

/**
 * Any {@link ServiceClass}.
 *
 * @category models
 * @since 0.1.0
 */
export interface Any {
  readonly key: string
  readonly error: Schema.Top
  readonly at: "actor" | "caller"
  readonly "~provides": () => any
  readonly "~self": any
}

/**
 * The errors of middleware, which are those of the calls that it runs around.
 *
 * @category utility types
 * @since 0.1.0
 */
export type Errors<All extends ReadonlyArray<Any>> = All[number]["error"]["Type"]

/**
 * What middleware provides to methods.
 *
 * @category utility types
 * @since 0.1.0
 */
export type Provides<All extends ReadonlyArray<Any>> = ReturnType<All[number]["~provides"]>

/**
 * The middleware itself, as an actor requires it.
 *
 * @category utility types
 * @since 0.1.0
 */
export type Services<All extends ReadonlyArray<Any>> = All[number]["~self"]

/**
 * Defines a middleware.
 *
 * `provides` is the service that it gives to the methods, if any, and `error` the schema of what it refuses calls with. It
 * runs where the actor is, or with `at: "caller"` where the calls are made; within one process that is the same. Give it
 * to an actor with `middleware: [Auth]`, and in that order it runs, or to all actors of a program with
 * `ActorSystem.layerMiddleware`.
 *
 * **Details**
 *
 * Calls take their places in line in the order in which they were submitted, however long their middleware takes: one that
 * waits holds up the calls behind it, and no permit. Time spent in middleware counts for `timeout`. Readers of
 * subscriptions pass it each time before they join. Tasks have none.
 *
 * **Gotchas**
 *
 * A middleware must not stop or kill the instance that it guards and wait for that: the call that it runs around is one of
 * that instance's.
 *
 * **Example** (Only those with a name may come in)
 *
 * ```ts
 * import { Actor, ActorMiddleware, Carried } from "@troupe/core"
 * import { Context, Effect, Layer, Schema } from "effect"
 *
 * const Token = Carried.Reference("app/Token", { schema: Schema.String, defaultValue: () => "" })
 *
 * class CurrentUser extends Context.Service<CurrentUser, { readonly name: string }>()("app/CurrentUser") {}
 * class Auth extends ActorMiddleware.Service<Auth, { provides: CurrentUser }>()("app/Auth", { error: Schema.String }) {}
 *
 * class Notes extends Actor.Service<Notes>()("app/Notes", {
 *   middleware: [Auth],
 *   make: Effect.succeed({ author: () => Effect.map(CurrentUser, ({ name }) => name) })
 * }) {}
 *
 * const AuthLive = Layer.succeed(Auth)((next) => Effect.gen(function*() {
 *   const name = yield* Token
 *   if (name === "") return yield* Effect.fail("who are you?")
 *   return yield* Effect.provideService(next, CurrentUser, { name })
 * }))
 *
 * const program = Effect.gen(function*() {
 *   const notes = yield* Notes
 *   console.log(yield* Effect.provideService(notes.author(), Token, "Ada")) // => Ada
 *   console.log(yield* Effect.flip(notes.author())) // => who are you?
 * })
 *
 * await Effect.runPromise(Effect.provide(program, Layer.provide(Notes.layer, AuthLive)))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const Service: <Self, Config extends { readonly provides?: any } = {}>() => <
  const Id extends string,
  E extends Schema.Top = typeof Schema.Never,
  const At extends "actor" | "caller" = "actor"
>(
  id: Id,
  options?: {
    /** The schema of the errors with which it refuses calls. Default: it refuses none. */
    readonly error?: E | undefined
    /** Default `"actor"`. */
    readonly at?: At | undefined
  }
) => ServiceClass<Self, Id, Config extends { readonly provides: infer P } ? P : never, E, At> = (
  ...first: ReadonlyArray<unknown>
) => secondCall("ActorMiddleware.Service", first, middleware.service) as any
