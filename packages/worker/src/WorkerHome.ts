/**
 * Actors on worker threads: the same actor and the same calls, with work that uses the other cores, and can neither stall
 * the process nor end it by an uncaught error.
 *
 * The actor needs a contract (`methods` in its definition). The thread's file serves the implementation:
 *
 * ```ts no-run
 * import { WorkerHome } from "@troupe/worker"
 * import { Effect, Schema } from "effect"
 * import { Actor } from "@troupe/core"
 *
 * class Hasher extends Actor.Service<Hasher>()("app/Hasher", {
 *   methods: { hash: Actor.method({ args: [Schema.String], success: Schema.String }) }
 * }) {}
 * const HasherLive = Hasher.toLayer(Effect.succeed({ hash: (text: string) => Effect.succeed(text) }))
 *
 * WorkerHome.serve(Hasher, HasherLive)
 * ```
 *
 * The caller's program provides `WorkerHome.layer(Hasher, { url: new URL("./hasher.worker.ts", import.meta.url) })` in
 * place of `HasherLive`. The options of the actor that `HasherLive` was given apply there, too.
 *
 * @since 0.1.0
 */
// biome-ignore lint/suspicious/noTsIgnore: an error that is expected is one where the types are there
/** @ts-ignore: a project for browsers may have no types of Node, and needs none. */
import type { WorkerOptions as NodeWorkerOptions } from "node:worker_threads"
import type * as Actor from "@troupe/core/Actor"
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as homes from "./internal/owner/homes.ts"
import * as server from "./internal/thread/serve.ts"
import * as transfers from "./internal/values/transfer.ts"
import type { WorkerFailed } from "./WorkerFailed.ts"

/**
 * A `Worker`, of `node:worker_threads` or of a browser.
 *
 * @category options
 * @since 0.1.0
 */
export interface AnyWorker {
  postMessage(message: unknown, moved?: unknown): void
  terminate(): unknown
}

/**
 * The options of a browser's `Worker`. Its script is a module if nothing else is said.
 *
 * @category options
 * @since 0.1.0
 */
export interface BrowserWorkerOptions {
  readonly type?: "classic" | "module" | undefined
  readonly name?: string | undefined
  readonly credentials?: "include" | "omit" | "same-origin" | undefined
}

/**
 * Where the threads come from, and how they are monitored.
 *
 * @category options
 * @since 0.1.0
 */
export interface WorkerOptions {
  /** The file of the thread, which ends with `WorkerHome.serve(...)`. Node runs TypeScript directly. */
  readonly url?: URL | string | undefined
  /**
   * The platform's options for threads that come from `url`: on Node `execArgv`, `resourceLimits`, `env` and the like, in a
   * browser `name` and `credentials`.
   */
  readonly workerOptions?: NodeWorkerOptions | BrowserWorkerOptions | undefined
  /**
   * Makes a thread, in place of `url`: a new `Worker` each time, of `node:worker_threads` or of the browser. It is called for each thread, and
   * again for each replacement. Bundlers find the file of the thread in
   * `() => new Worker(new URL("./hasher.worker.ts", import.meta.url))`, where `url` alone does not tell them that it is one.
   */
  readonly spawn?: (() => AnyWorker) | undefined
  /**
   * How many threads there are: `"max"` is as many as the machine runs at once. A key of a keyed actor stays on one of
   * them. Actors that are not keyed have one instance, and so one thread. Default 1.
   */
  readonly size?: number | "max" | undefined
  /** How long a thread may take to become ready. Default 30 seconds. */
  readonly startTimeout?: Duration.Input | undefined
  /**
   * How long a thread may go without answering before it counts as hung, and is ended and replaced. It must be longer
   * than the longest synchronous piece of work in a method. `Infinity` waits for ever. Default 30 seconds.
   */
  readonly unresponsiveAfter?: Duration.Input | undefined
  /**
   * How long running calls may go on once the Scope closes. Then they are interrupted, and threads that have not ended
   * a second later are terminated. Default: that of the implementation, which is 5 seconds by default.
   */
  readonly shutdownTimeout?: Duration.Input | undefined
}

/**
 * Options of a home: those of its threads, and options of the actor that override the implementation's own. `restart`
 * paces how lost threads are replaced: by default five times in a row, 100 ms before the first replacement and twice as
 * long before each next one. A thread that lasts a minute resets the count.
 *
 * @category options
 * @since 0.1.0
 */
export interface HomeOptions extends WorkerOptions, Omit<Actor.InstanceOptions, "onDefect" | "shutdownTimeout"> {}

/** A class of actors with a contract: its service, and its handles. */
interface ContractClass<Self, Handle, C extends Actor.AnyContract = Actor.AnyContract>
  extends Context.Key<Self, Handle> {
  readonly methods: C
}

/**
 * Provides an actor whose instances live on worker threads. Building it fails with `WorkerFailed` if a thread does not
 * come up. Closing its Scope ends the threads within `shutdownTimeout`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: <Self, C extends Actor.AnyContract>(
  actor: ContractClass<Self, any, C>,
  options: HomeOptions
) => Layer.Layer<Self, WorkerFailed, Actor.CallerServices<C>> = homes.layer as any

/**
 * Starts an instance on its own thread, which ends with the current Scope. For actors that are not keyed.
 *
 * @category constructors
 * @since 0.1.0
 */
export const spawn: <Handle, C extends Actor.AnyContract>(
  actor: ContractClass<any, Handle, C>,
  options: HomeOptions
) => Effect.Effect<Handle, WorkerFailed, Scope.Scope | Actor.CallerServices<C>> = homes.spawn as any

/**
 * Serves an actor from this thread: the last line of the thread's file. The Layer is the one that would provide the
 * actor in its own process.
 *
 * @category serving
 * @since 0.1.0
 */
export const serve: <Self, E>(actor: ContractClass<Self, any>, layer: Layer.Layer<Self, E>) => void =
  server.serve as any

/**
 * Marks a value, an argument or a result, to be moved to the other side instead of copied. Its sender cannot use it
 * afterwards. By default the value itself moves (`ArrayBuffer`, `MessagePort`, `ReadableStream` and the like), or the
 * buffer behind a typed array. For a value that contains such things, list them.
 *
 * @category transfer
 * @since 0.1.0
 */
export const transfer: <A extends object>(value: A, transferables?: ReadonlyArray<object>) => A = transfers.mark
