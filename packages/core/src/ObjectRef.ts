/**
 * A ref is the ticket for a call that was submitted and not waited for.
 *
 * It is an Effect: `yield* ref` waits for the value, any number of times. It is a thenable: `await ref` and
 * `Promise.all(refs)` work in plain async code. And it is a Deferred underneath, which only the runtime completes.
 * The call goes on when you drop the ref, or interrupt a fiber that waits for it. To end the call, {@link cancel} it.
 *
 * Inside actors, wait with `yield*`, {@link all} and the other combinators. {@link get} and {@link wait} are for the
 * edge of a program, which may block; they require `Driver`.
 *
 * **Gotchas**
 *
 * JavaScript flattens thenables: an async function that returns a ref returns a promise of its value, and
 * `await Effect.runPromise(handle.method.remote(x))` is the value, not the ref.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import type * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Inspectable from "effect/Inspectable"
import type * as Stream from "effect/Stream"
import type { ActorError } from "./ActorError.ts"
import type { Driver } from "./Driver.ts"
import { kindOf } from "./internal/base/evaluable.ts"
import { checkRefs, isRef, Ref, TypeId as TypeId_ } from "./internal/call/ref.ts"
import * as blocking from "./internal/refs/blocking.ts"
import * as blockingSync from "./internal/refs/blockingSync.ts"
import * as cancelling from "./internal/refs/cancelling.ts"
import * as combinators from "./internal/refs/combinators.ts"
import * as explaining from "./internal/system/explain.ts"

/**
 * The mark of refs.
 *
 * @category symbols
 * @since 0.1.0
 */
export const TypeId: "~troupe/ObjectRef" = TypeId_
/**
 * The type of {@link TypeId}.
 *
 * @category symbols
 * @since 0.1.0
 */
export type TypeId = typeof TypeId

/**
 * The future result of a call: an Effect, a thenable and a Deferred in one.
 *
 * It has every member of a Promise, so an API that takes a Promise takes a ref. It is not an `instanceof Promise`;
 * {@link toPromise} makes one that is.
 *
 * @category models
 * @since 0.1.0
 */
export interface ObjectRef<out A, out E = never> extends Effect.Effect<A, E>, Promise<A>, Inspectable.Inspectable {
  readonly [TypeId]: TypeId
  /** Unique in the process. */
  readonly id: number
}

/**
 * Any `ObjectRef`.
 *
 * @category models
 * @since 0.1.0
 */
export type Any = ObjectRef<any, any>

/**
 * Tells whether a value is a ref.
 *
 * @category guards
 * @since 0.1.0
 */
export const isObjectRef: (u: unknown) => u is ObjectRef<unknown, unknown> = isRef as any

// --- constructors ----------------------------------------------------------------------------------------------------

// Ref implements ObjectRef; the class does not say so since the type parameters exist at compile time only.
const settled = (exit: Exit.Exit<any, any>): any => {
  const ref = new Ref()
  ref.exit = exit
  return ref
}

/**
 * A ref that has succeeded with a value. Ray calls it `ray.put`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const succeed = <A>(value: A): ObjectRef<A> => settled(Exit.succeed(value))

/**
 * A ref that has failed.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fail = <E>(error: E): ObjectRef<never, E> => settled(Exit.fail(error))

/**
 * A ref for the result of a promise. A rejection is a defect, as with `Effect.promise`, unless `catch` turns it into a
 * typed error.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromPromise: {
  <A>(promise: PromiseLike<A>): ObjectRef<A>
  <A, E>(promise: PromiseLike<A>, options: { readonly catch: (error: unknown) => E }): ObjectRef<A, E>
} = (promise: PromiseLike<any>, options?: { readonly catch: (error: unknown) => any }): any => {
  checkPromise(promise)
  const ref = new Ref()
  const settle = (exit: () => Exit.Exit<any, any>) => {
    try {
      ref.settle(exit())
    } catch (defect) {
      ref.settle(Exit.die(defect))
    }
  }
  promise.then(
    (value) => settle(() => Exit.succeed(value)),
    (error) => settle(() => (options === undefined ? Exit.die(error) : Exit.fail(options.catch(error))))
  )
  return ref
}

const checkPromise = (promise: any): void => {
  if (typeof promise?.then === "function") return
  const remedy = Effect.isEffect(promise)
    ? "For an Effect there is ObjectRef.fromEffect"
    : typeof promise === "function"
      ? "Call the function: ObjectRef.fromPromise(load())"
      : "For a value that is there already, there is ObjectRef.succeed"
  throw new TypeError(`ObjectRef.fromPromise takes a Promise, but got ${kindOf(promise)}. ${remedy}`)
}

/**
 * Runs an effect in the background and succeeds at once with a ref for its result. The effect outlives the fiber that
 * started it; {@link cancel} interrupts it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromEffect = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<ObjectRef<A, E>, never, R> =>
  cancelling.fromEffect(effect) as any

/**
 * A real Promise for the value. It rejects with the typed error itself, or with the defect itself.
 *
 * @category conversions
 * @since 0.1.0
 */
export const toPromise = <A, E>(ref: ObjectRef<A, E>): Promise<A> => checked("toPromise", ref).promise()

const checked = (operation: string, ref: Any): Ref => {
  checkRefs(operation, [ref])
  return ref as unknown as Ref
}

/**
 * The same ref with the type of a Deferred, for functions that take one. A Deferred is invariant in its types, which is
 * why the type of a ref does not extend it. Completing it dies: only the runtime completes a ref.
 *
 * @category conversions
 * @since 0.1.0
 */
export const asDeferred = <A, E>(ref: ObjectRef<A, E>): Deferred.Deferred<A, E> =>
  checked("asDeferred", ref) as unknown as Deferred.Deferred<A, E>

// --- blocking --------------------------------------------------------------------------------------------------------

type Values<T> = { -readonly [K in keyof T]: T[K] extends ObjectRef<infer A, any> ? A : never }
type Errors<T> = { [K in keyof T]: T[K] extends ObjectRef<any, infer E> ? E : never }[T extends ReadonlyArray<any>
  ? number & keyof T
  : keyof T]

/**
 * Blocks until one ref, or all refs of an array or a record, are ready, and gives their values in the same shape. It
 * fails with the first failure, without waiting for slower refs. The calls go on, whatever happens to the wait.
 *
 * With a `timeout` it fails with a `TimeoutError` that says how many refs were not ready; `timeout: 0` takes only
 * values that are ready now. Requires `Driver`, which actors do not have: inside an actor, `yield*` the ref.
 *
 * @category blocking
 * @since 0.1.0
 */
export const get: {
  <A, E>(ref: ObjectRef<A, E>): Effect.Effect<A, E, Driver>
  <A, E>(ref: ObjectRef<A, E>, options: GetOptions): Effect.Effect<A, E | Cause.TimeoutError, Driver>
  <const T extends ReadonlyArray<Any> | Readonly<Record<string, Any>>>(
    refs: T
  ): Effect.Effect<Values<T>, Errors<T>, Driver>
  <const T extends ReadonlyArray<Any> | Readonly<Record<string, Any>>>(
    refs: T,
    options: GetOptions
  ): Effect.Effect<Values<T>, Errors<T> | Cause.TimeoutError, Driver>
} = blocking.get as any

/**
 * Options of {@link get}.
 *
 * @category blocking
 * @since 0.1.0
 */
export interface GetOptions {
  /** How long to wait at most. Default: as long as it takes. */
  readonly timeout?: Duration.Input | undefined
}

/**
 * Blocks until `numReturns` refs are ready and gives `[ready, pending]`: at most `numReturns` ready ones, both lists in
 * the order of `refs`. A failed ref counts as ready. When the `timeout` is over it gives the refs that are ready by
 * then.
 *
 * Dies with a `RangeError` when `numReturns` is below 1 or above the number of refs, when refs repeat, and when the
 * timeout is negative. Requires `Driver`.
 *
 * @category blocking
 * @since 0.1.0
 */
export const wait: <const T extends ReadonlyArray<Any>>(
  refs: T,
  options?: {
    /** How many ready refs to wait for. Default 1. */
    readonly numReturns?: number | undefined
    /** How long to wait at most. Default: as long as it takes. */
    readonly timeout?: Duration.Input | undefined
  }
) => Effect.Effect<[ready: Array<T[number]>, pending: Array<T[number]>], never, Driver> = blocking.wait as any

/**
 * Options of {@link getSync}.
 *
 * @category blocking
 * @since 0.1.0
 */
export interface GetSyncOptions {
  /** The permission to block: the value of the `Driver` service. */
  readonly driver: Driver["Service"]
  /** How long to block at most. Default: as long as it takes. */
  readonly timeout?: Duration.Input | undefined
}

/**
 * Blocks the whole thread until a ref is ready, for synchronous code: a callback of a bundler, a REPL, a plain script.
 * Gives the value, or throws the typed error itself, the defect itself or an `ActorError`; a `TimeoutError` when the
 * `timeout` is over, and the call goes on.
 *
 * The call has to run in another thread (`WorkerHome` of `@troupe/worker`), and so do the calls that it depends on. For
 * a call that only the blocked thread could settle, it throws a `TypeError` at once. Inside actors it throws
 * `BlockingGetError`.
 *
 * @category blocking
 * @since 0.1.0
 */
export const getSync: <A, E>(ref: ObjectRef<A, E>, options: GetSyncOptions) => A = blockingSync.getSync as any

// --- combinators -----------------------------------------------------------------------------------------------------

/**
 * Waits for all refs of an array or a record, and gives their values in the same shape. It fails with the first
 * failure.
 *
 * @category combinators
 * @since 0.1.0
 */
export const all: <const T extends ReadonlyArray<Any> | Readonly<Record<string, Any>>>(
  refs: T
) => Effect.Effect<Values<T>, Errors<T>> = ((refs: any) => combinators.all(refs)) as any

/**
 * Settles with the first ref that settles, whether with a value or a failure. The others go on.
 *
 * @category combinators
 * @since 0.1.0
 */
export const race: <const T extends ReadonlyArray<Any>>(
  refs: T
) => Effect.Effect<Effect.Success<T[number]>, Effect.Error<T[number]>> = combinators.race as any

/**
 * Succeeds with the first value. It fails when all refs have failed, with all their causes.
 *
 * @category combinators
 * @since 0.1.0
 */
export const any: <const T extends ReadonlyArray<Any>>(
  refs: T
) => Effect.Effect<Effect.Success<T[number]>, Effect.Error<T[number]>> = combinators.any as any

/**
 * Waits until all refs have settled and gives their exits in the same shape. It never fails.
 *
 * @category combinators
 * @since 0.1.0
 */
export const allSettled: <const T extends ReadonlyArray<Any> | Readonly<Record<string, Any>>>(
  refs: T
) => Effect.Effect<{
  -readonly [K in keyof T]: T[K] extends ObjectRef<infer A, infer E> ? Exit.Exit<A, E> : never
}> = combinators.allSettled as any

/**
 * Each ref with its exit, in the order they settle. The stream does not fail. `Stream.take(n)` gives the first ones, as
 * Ray's `ray.wait` does; ending the stream early disturbs no call.
 *
 * @category combinators
 * @since 0.1.0
 */
export const asSettled: <T extends Any>(
  refs: ReadonlyArray<T>
) => Stream.Stream<readonly [ref: T, exit: Exit.Exit<Effect.Success<T>, Effect.Error<T>>]> =
  combinators.asSettled as any

/**
 * The values, in the order the refs settle. The stream fails at the first failure; {@link asSettled} does not.
 *
 * @category combinators
 * @since 0.1.0
 */
export const asCompleted: <T extends Any>(refs: ReadonlyArray<T>) => Stream.Stream<Effect.Success<T>, Effect.Error<T>> =
  combinators.asCompleted as any

// --- watching --------------------------------------------------------------------------------------------------------

/**
 * Says in one sentence where a call is, and why it has not settled: "Store.save #12: waiting 4.2 s: third in line
 * behind `Store.import` #9 (running 9.0 s, waiting on `Db.query` #41 (running 8.9 s))".
 *
 * The wording is for people and may change; `ActorSystem.snapshot` has the same facts as data.
 *
 * @category watching
 * @since 0.1.0
 */
export const explain: (ref: Any) => Effect.Effect<string> = explaining.explain as any

// --- cancellation ----------------------------------------------------------------------------------------------------

/**
 * What {@link cancel} found: `"NotStarted"`, the body never ran; `"Interrupted"`, it was running, and its finalizers
 * have finished; `"AlreadyDone"`, the result stands.
 *
 * @category cancellation
 * @since 0.1.0
 */
export type CancelOutcome = "NotStarted" | "Interrupted" | "AlreadyDone"

/**
 * Cancels a call, and succeeds once it has settled. Its ref then fails with an `ActorError` of reason `TaskCancelled`,
 * unless the method still finished: then its true result stands.
 *
 * The unsettled calls that it submitted are cancelled, too, unless `recursive` is `false`.
 *
 * @category cancellation
 * @since 0.1.0
 */
export const cancel: (
  ref: Any,
  options?: { readonly recursive?: boolean | undefined }
) => Effect.Effect<CancelOutcome> = cancelling.cancel as any

/**
 * Cancels many calls at once, and succeeds with an outcome for each, in order, once all of them have settled. All are
 * told to end before the first one does, and the time grows linearly with their number. Use it on an abort.
 *
 * The unsettled calls that they submitted are cancelled, too, unless `recursive` is `false`.
 *
 * @category cancellation
 * @since 0.1.0
 */
export const cancelAll: (
  refs: Iterable<Any>,
  options?: { readonly recursive?: boolean | undefined }
) => Effect.Effect<Array<CancelOutcome>> = cancelling.cancelAll as any

/**
 * The error type of the ref of a call: the errors of its method, and `ActorError`.
 *
 * @category models
 * @since 0.1.0
 */
export type CallError<E> = E | ActorError
