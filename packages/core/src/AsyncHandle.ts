/**
 * Handles for plain async code: every method submits its call at once and returns the ref, which can be awaited.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type {
  AbortSignalLike,
  AnyHandle,
  AnyMethod,
  GroupedMethod,
  KeyedHandle,
  Method,
  NamedArgs,
  RefErrors,
  StreamMethod
} from "./Actor.ts"
import type { ActorError } from "./ActorError.ts"
import type { ReaderOptions, Resync, Subscription } from "./Broadcast.ts"
import * as internal from "./internal/handle/asyncHandle.ts"
import type { ObjectRef } from "./ObjectRef.ts"

/**
 * A handle whose methods submit when they are called. A method gives an `ObjectRef`, which is awaited; a streaming method
 * and a subscription give an `AsyncIterable`, for `for await`. A subscription submits nothing: each loop is a reader.
 *
 * With `await using ref = handle.method()` the call is cancelled when its block is left before it has settled, and the
 * block waits for its finalizers.
 *
 * @category models
 * @since 0.1.0
 */
export type AsyncHandle<H> = {
  readonly [K in keyof H as H[K] extends AnyMethod | StreamMethod<any, any, any> | Subscription<any, any>
    ? K
    : never]: H[K] extends Method<infer Args, infer A, infer E> | GroupedMethod<infer Args, infer A, infer E, infer _>
    ? <T>(...args: NamedArgs<Args, T>) => ObjectRef<A, E | ActorError | RefErrors<T>> & Disposed
    : H[K] extends Subscription<infer A, infer E>
      ? // Many a streaming method could stand for one, but not the other way round.
        [Subscription<A, E>] extends [H[K]]
        ? (options?: ReaderOptions) => AsyncIterable<A | Resync>
        : Streaming<H[K]>
      : Streaming<H[K]>
}

/** An `AsyncDisposable`, which not every `lib` of TypeScript has. */
interface Disposed {
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

type Streaming<M> =
  M extends StreamMethod<infer Args, infer A, infer _> ? <T>(...args: NamedArgs<Args, T>) => AsyncIterable<A> : never

/**
 * Options of {@link make}.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /**
   * Cancels the unsettled calls of this handle when it fires; calls that are made later never start. The `signal` of a
   * request, for instance. Nothing stays with the signal once the calls have settled.
   */
  readonly signal?: AbortSignalLike | undefined
}

/**
 * Makes an {@link AsyncHandle} from a handle.
 *
 * It also takes an object of methods of handles, such as `{ load: handle.load.options({ timeout: "1 second" }) }`.
 *
 * If `maxPendingCalls` is reached, the ref fails; with `overflow: "suspend"` its call is submitted when there is room.
 *
 * **Example** (Awaiting calls)
 *
 * ```ts
 * import { Effect, ManagedRuntime, Ref } from "effect"
 * import { Actor, AsyncHandle } from "@troupe/core"
 *
 * class Counter extends Actor.Service<Counter>()("app/Counter", {
 *   make: Effect.map(Ref.make(0), (count) => ({
 *     increment: (by: number) => Ref.updateAndGet(count, (n) => n + by)
 *   }))
 * }) {}
 *
 * const runtime = ManagedRuntime.make(Counter.layer)
 * const counter = AsyncHandle.make(await runtime.runPromise(Counter))
 *
 * console.log(await Promise.all([counter.increment(1), counter.increment(1)])) // => [ 1, 2 ]
 * await runtime.dispose()
 * ```
 *
 * **Gotchas**
 *
 * Loop over a streaming method where you call it, `for await (const item of handle.items())`: a call whose iterator was not
 * taken by the time it starts fails. Leaving the loop ends the stream.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: {
  <H extends AnyHandle>(handle: H, options?: Options): AsyncHandle<H>
  // Last, since the compiler reports the last of them: it says what a value lacks that is no handle.
  <H>(handle: H & NoInfer<ValidateHandle<H>>, options?: Options): AsyncHandle<H>
} = internal.make as any

/**
 * What the compiler reports for a value that is not the handle of an actor: what gives the handle.
 *
 * @category models
 * @since 0.1.0
 */
export interface NotAHandle<Remedy> {
  readonly "this is not the handle of an actor": Remedy
}

/**
 * `unknown` for a handle, or an object of methods. Otherwise a type that tells how to come by the handle.
 *
 * @category models
 * @since 0.1.0
 */
export type ValidateHandle<H> = [H] extends [AnyHandle]
  ? unknown
  : [H] extends [Context.Key<any, KeyedHandle<any, any, any>>]
    ? NotAHandle<"a class is none - use the result of `yield* Account.get(key)`, or of `await runtime.runPromise(Account.get(key))`">
    : [H] extends [Context.Key<any, any>]
      ? NotAHandle<"a class is none - use the result of `yield* Counter`, or of `await runtime.runPromise(Counter)`">
      : [H] extends [KeyedHandle<any, any, any>]
        ? NotAHandle<"a keyed actor has one for each key - use `accounts.get(key)`">
        : [H] extends [PromiseLike<any>]
          ? NotAHandle<"await the Promise, and use its result">
          : [H] extends [Effect.Effect<any, any, any>]
            ? NotAHandle<"run the Effect, and use its result">
            : NotAHandle<"use the result of `yield* Counter`, or an object of methods">
