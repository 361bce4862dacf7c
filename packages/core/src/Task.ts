/**
 * A task is a remote function: an Effect function whose calls are queued, limited, retried and cancelled like those of
 * an actor, and have refs. It has no state and no Layer: it is ready once it is defined.
 *
 * Use a task to limit how many calls of a function run at once in the whole process, or to get a ref of its result that
 * others can wait for. Do not use one to make a function asynchronous: an Effect already is.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { BlockingGet, CallOptions, NamedArgs, RefErrors } from "./Actor.ts"
import type { ActorError } from "./ActorError.ts"
import type { Driver } from "./Driver.ts"
import * as internal from "./internal/kinds/task.ts"
import type { ObjectRef } from "./ObjectRef.ts"

/**
 * A function that callers ask, or call with `remote` for a ref.
 *
 * @category models
 * @since 0.1.0
 */
export interface Task<in out Args extends ReadonlyArray<any>, out A, out E = never, out R = never> {
  /** Submits a call and waits for its result. Interrupting the wait cancels the call. */
  <T>(...args: NamedArgs<Args, T>): Effect.Effect<A, E | ActorError | RefErrors<T>, R>
  /** Submits a call and succeeds at once with its ref. */
  remote<T>(...args: NamedArgs<Args, T>): Effect.Effect<ObjectRef<A, E | ActorError | RefErrors<T>>, ActorError, R>
  /** The same task with other options for its calls. All share the permits of the task. */
  options(options: CallOptions<never, E>): Task<Args, A, E, R>
}

/**
 * Options of a task, with the same meaning as for actors.
 *
 * @category options
 * @since 0.1.0
 */
export interface TaskOptions {
  /** How many calls may run at a time in this process. Default 1000. */
  readonly maxConcurrency?: number | undefined
  /** How many calls may be accepted and not yet settled. Default `Infinity`. */
  readonly maxPendingCalls?: number | undefined
  /** What happens to a submission beyond `maxPendingCalls`. Default `"fail"`. */
  readonly overflow?: "fail" | "suspend" | undefined
  /**
   * How often a call may run again: after a failure that `retry` accepts, and after the thread that ran it was lost, if the
   * task runs on threads. Default 0.
   */
  readonly maxTaskRetries?: number | undefined
  /** After which typed failures the call runs again. Default `false`: after none. */
  readonly retry?: boolean | ((error: any) => boolean) | undefined
}

/**
 * Schemas for the values that cross to a thread, if the task is served there (`TaskPool` of `@troupe/worker`). They are
 * used only where a copy would lose something, such as the class of a value; in one process they are not used at all.
 *
 * @category options
 * @since 0.1.0
 */
export interface TaskSchemas<Args extends ReadonlyArray<any>, A, E> {
  /** Of the arguments, in their order. */
  readonly args?: NoInfer<{ readonly [K in keyof Args]: Schema.ConstraintCodec<Args[K], any> }> | undefined
  /** Of the result. */
  readonly success?: Schema.ConstraintCodec<NoInfer<A>, any> | undefined
  /** Of the failures: those that it covers arrive as instances of their class. */
  readonly error?: Schema.ConstraintCodec<NoInfer<E>, any> | undefined
}

/**
 * Makes a task. Its callers provide what the function requires, except a Scope, which each call gets.
 *
 * In one process a caller gets the same error object that the function failed with. From a thread it gets a copy: of
 * the same class if `error` has a schema for it, otherwise with the same fields, so that `Effect.catchTag` works and
 * `instanceof` does not.
 *
 * **Example** (A limited function)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { ObjectRef, Task } from "@troupe/core"
 *
 * const square = Task.make("square", (n: number) => Effect.succeed(n * n), { maxConcurrency: 2 })
 *
 * const program = Effect.gen(function*() {
 *   const four = yield* square.remote(2)
 *   const refs = [yield* square.remote(four), yield* square.remote(3)]
 *   return yield* ObjectRef.all(refs)
 * })
 *
 * console.log(await Effect.runPromise(program)) // => [ 16, 9 ]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: <Args extends ReadonlyArray<any>, A, E, R>(
  name: string,
  run: ((...args: Args) => Effect.Effect<A, E, R>) &
    NoInfer<[Extract<R, Driver>] extends [never] ? unknown : BlockingGet<"task">>,
  options?: TaskOptions & TaskSchemas<Args, A, E>
) => Task<Args, A, E, Exclude<R, Scope.Scope>> = internal.make as any

/**
 * Changes how many calls of a task may run at a time in this process. A higher limit starts waiting calls; a lower one
 * lets running calls finish. Throws a `RangeError` unless the number is an integer of at least 1, or `Infinity`.
 *
 * @category concurrency
 * @since 0.1.0
 */
export const resize: (task: Task<any, any, any, any>, maxConcurrency: number) => Effect.Effect<void> = internal.resize
