/**
 * The threads of one home. A thread that is lost is replaced when somebody needs it next.
 */
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { WorkerFailed } from "../WorkerFailed.ts"
import type { WorkerOptions } from "../WorkerHome.ts"
import type { Greeting } from "./protocol.ts"
import * as spans from "./spans.ts"
import { Thread } from "./thread.ts"

export type { Thread }

/** How late the timers of threads were when they last said so. */
const lag = Metric.gauge("troupe_worker_event_loop_lag_milliseconds", {
  description: "How late timers of a worker thread are"
})

export class Threads {
  readonly size: number
  readonly actor: string
  private readonly slots: Array<Promise<Thread> | undefined>
  /** Every thread that has not ended. */
  private readonly living = new Set<Thread>()
  private readonly context: Context.Context<never>
  private readonly options: WorkerOptions
  private readonly replay: spans.Replay
  /** What the first thread said about itself. */
  greeting: Greeting | undefined = undefined

  constructor(actor: string, options: WorkerOptions, context: Context.Context<never>) {
    this.actor = actor
    this.options = options
    this.context = context
    this.size = sizeOf(actor, options.size ?? 1)
    this.slots = Array.from({ length: this.size }, () => undefined)
    this.replay = new spans.Replay(Context.get(context, Tracer.Tracer))
  }

  /** The thread in a slot, once it is ready: the present one, or one that is started for it. */
  obtain(slot: number): Effect.Effect<Thread, WorkerFailed> {
    return Effect.tryPromise({
      try: () => (this.slots[slot] ??= this.start(slot)),
      catch: (error) => error as WorkerFailed
    })
  }

  private async start(slot: number): Promise<Thread> {
    const { actor, options } = this
    const forget = () => {
      this.slots[slot] = undefined
    }
    const thread = new Thread({
      actor,
      spawn: spawner(actor, options),
      startTimeout: millis(actor, "startTimeout", options.startTimeout ?? "30 seconds"),
      unresponsiveAfter: millis(actor, "unresponsiveAfter", options.unresponsiveAfter ?? "30 seconds"),
      shutdownTimeout: millis(actor, "shutdownTimeout", options.shutdownTimeout ?? "5 seconds"),
      onSpans: (reports) => {
        for (const report of reports) this.replay.take(report)
      },
      onLag: (milliseconds, { id }) => {
        const labelled = Metric.withAttributes(lag, { actor, thread: String(id) })
        Effect.runForkWith(this.context)(Metric.update(labelled, milliseconds))
      },
      onGone: (thread) => {
        this.living.delete(thread)
        forget()
      }
    })
    this.living.add(thread)
    const result = await Effect.runPromiseExit(thread.ready)
    if (result._tag === "Success") {
      this.greeting ??= result.value
      return thread
    }
    forget()
    await thread.terminate()
    const loss = Cause.squash(result.cause) as { readonly why: string; readonly cause: Cause.Cause<unknown> }
    throw new WorkerFailed({ actor, why: loss.why, cause: Cause.squash(loss.cause) })
  }

  /** Starts all threads. Fails when one of them does not come up. */
  warm(): Effect.Effect<void, WorkerFailed> {
    return Effect.forEach(this.slots.keys(), (slot) => this.obtain(slot), { concurrency: "unbounded", discard: true })
  }

  close(): Effect.Effect<void> {
    return Effect.promise(() => Promise.all([...this.living].map((thread) => thread.stop())))
  }
}

/** Starts the threads of a home in the current Scope. */
export const make = (actor: string, options: WorkerOptions): Effect.Effect<Threads, WorkerFailed, Scope.Scope> =>
  Effect.gen(function* () {
    const threads = new Threads(actor, options, yield* Effect.context<never>())
    yield* Effect.addFinalizer(() => threads.close())
    yield* threads.warm()
    return threads
  })

const spawner = (actor: string, { spawn, url, ...options }: WorkerOptions): (() => Worker) => {
  if (spawn !== undefined) return spawn
  if (url === undefined) {
    throw new TypeError(`${actor}: WorkerHome needs "url", the file of the thread, or "spawn", which makes its Worker`)
  }
  return () => new Worker(url, options.workerOptions)
}

export const sizeOf = (actor: string, value: number | "max"): number => {
  if (value === "max") return availableParallelism()
  if (Number.isInteger(value) && value >= 1) return value
  throw new RangeError(`${actor}: size must be an integer of at least 1, or "max", but is ${value}`)
}

const millis = (actor: string, option: string, value: Duration.Input): number => {
  const duration = Duration.fromInput(value)
  if (duration._tag === "Some" && Duration.toMillis(duration.value) > 0) return Duration.toMillis(duration.value)
  throw new RangeError(`${actor}: ${option} must be a duration above 0, like "5 seconds", but is ${String(value)}`)
}
