/**
 * Tasks on worker threads: `Task.make` functions that use the other cores, with the same calls as before.
 *
 * The thread's file serves the tasks, which both sides import:
 *
 * ```ts no-run
 * import { Task } from "@troupe/core"
 * import { TaskPool } from "@troupe/worker"
 * import { Effect } from "effect"
 *
 * const square = Task.make("square", (n: number) => Effect.succeed(n * n))
 *
 * TaskPool.serve([square])
 * ```
 *
 * A program that provides `TaskPool.layer({ url: new URL("./tasks.worker.ts", import.meta.url), size: "max" })` runs
 * them there. A task that the threads do not serve runs on its caller's thread, as without the Layer.
 *
 * Arguments and results cross by structured clone. Failures cross as their name, message, stack and fields, so that
 * `Effect.catchTag` works, and `instanceof` does not. To keep the classes of values, give the task schemas:
 * `Task.make(name, run, { args, success, error })`.
 *
 * @since 0.1.0
 */
import type { Task } from "@troupe/core/Task"
import type * as Layer from "effect/Layer"
import * as taskPool from "./internal/owner/taskPool.ts"
import { serveTasks } from "./internal/thread/serveTasks.ts"
import type { WorkerFailed } from "./WorkerFailed.ts"
import type { HomeOptions, WorkerOptions } from "./WorkerHome.ts"

/**
 * Options of a pool of threads.
 *
 * @category options
 * @since 0.1.0
 */
export interface TaskPoolOptions extends WorkerOptions {
  /**
   * How often the calls of all tasks run again after their thread was lost, or more often if a task or a call has a
   * `maxTaskRetries` of its own. Only for tasks that may run twice. Default 0: the call fails with `ActorUnavailable`.
   */
  readonly maxTaskRetries?: number | undefined
  /** How lost threads are replaced, each by its own count. Default: five times in a row, as in `WorkerHome`. */
  readonly restart?: HomeOptions["restart"]
  /**
   * What happens when a task is called that the threads do not serve. In either case it runs on its caller's thread.
   * `"warn"`, the default, also logs a warning, once per task.
   */
  readonly onUnserved?: "warn" | "run" | undefined
}

/**
 * Runs the tasks that the threads serve on these threads, each call on the least busy one. `size` is the number of
 * threads. The default, `"max"`, is as many as the machine runs at once. Building the Layer fails if a thread does not
 * come up; a thread that is lost later is replaced.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: (options: TaskPoolOptions) => Layer.Layer<never, WorkerFailed> = taskPool.layer

/**
 * Serves tasks from this thread: the last line of the thread's file. `layer` provides the services that they require.
 *
 * @category serving
 * @since 0.1.0
 */
export const serve: {
  (tasks: ReadonlyArray<Task<any, any, any, never>>): void
  <R, E>(tasks: ReadonlyArray<Task<any, any, any, R>>, layer: Layer.Layer<R, E>): void
} = serveTasks as any
