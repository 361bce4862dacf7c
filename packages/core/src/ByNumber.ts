/**
 * Calls and instances by their numbers, for operators and consoles, which have no refs and no handles.
 *
 * The numbers are those that `ActorSystem.snapshot` and `ActorSystem.watch` show, unique in the process. They are
 * looked up among the unsettled calls and the living instances of the current `ActorSystem`, and among tasks, which
 * belong to every system. Programs that have a ref or a handle use `ObjectRef` and `Actor`.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import * as byNumber from "./internal/system/byNumber.ts"
import type { CancelOutcome } from "./ObjectRef.ts"

/**
 * Says in one sentence why the unsettled call with this number is where it is, as `ObjectRef.explain` does for a ref.
 * Succeeds with `undefined` if there is no such call in the current system, or no longer. With the number of its
 * `instance`, from a snapshot, only that instance is searched.
 *
 * @category operations
 * @since 0.1.0
 */
export const explain: (
  call: number,
  options?: { readonly instance?: number | undefined }
) => Effect.Effect<string | undefined> = byNumber.explain

/**
 * The arguments of the unsettled call with this number, as they are: values of users, which may be secrets. Succeeds with
 * `undefined` if there is no such call in the current system, or no longer. With the number of its `instance`, only that
 * instance is searched.
 *
 * @category operations
 * @since 0.1.0
 */
export const args: (
  call: number,
  options?: { readonly instance?: number | undefined }
) => Effect.Effect<ReadonlyArray<unknown> | undefined> = byNumber.args

/**
 * Cancels the unsettled call with this number, as `ObjectRef.cancel` does for a ref: with the calls that it submitted,
 * unless `recursive` is `false`. Succeeds when the call has settled, and with `undefined` when there is no such call.
 *
 * @category operations
 * @since 0.1.0
 */
export const cancel: (
  call: number,
  options?: { readonly recursive?: boolean | undefined }
) => Effect.Effect<CancelOutcome | undefined> = byNumber.cancel

/**
 * How {@link kill} and {@link stop} end an instance.
 *
 * @category options
 * @since 0.1.0
 */
export interface EndOptions {
  /** The reason in the `ActorDied` of its calls. Default: "it was killed" or "it was stopped". */
  readonly why?: string | undefined
}

/**
 * Kills the instance with this number, as `Actor.kill` does, but does not wait until it is gone. Succeeds with `false`
 * when there is no such instance, or when it is a task, which cannot end.
 *
 * @category operations
 * @since 0.1.0
 */
export const kill: (instance: number, options?: EndOptions) => Effect.Effect<boolean> = byNumber.kill

/**
 * Stops the instance with this number, as `Actor.stop` does, but does not wait until it is gone: the calls that it has
 * accepted finish first. Succeeds with `false` when there is no such instance, or when it is a task, which cannot end.
 *
 * @category operations
 * @since 0.1.0
 */
export const stop: (instance: number, options?: EndOptions) => Effect.Effect<boolean> = byNumber.stop

/**
 * Changes the number of permits of the instance or task with this number, or of one of its concurrency groups, as
 * `Actor.resize` does. Succeeds with `false` when there is no such instance. Dies with a `RangeError` if the number is
 * neither an integer of at least 1 nor `Infinity`, and with an error that lists the groups if there is no such group.
 *
 * @category operations
 * @since 0.1.0
 */
export const resize: (
  instance: number,
  maxConcurrency: number,
  options?: { readonly concurrencyGroup?: string | undefined }
) => Effect.Effect<boolean> = byNumber.resize
