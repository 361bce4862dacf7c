/**
 * The threads of one home. A thread that is lost is replaced when an instance needs it next.
 */
import type { Terms } from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type { WorkerFailed } from "../../WorkerFailed.ts"
import type { WorkerOptions } from "../../WorkerHome.ts"
import { after, unref } from "../platform/time.ts"
import type { Contract } from "../values/contract.ts"
import { mismatch } from "../values/signature.ts"
import type { Greeting } from "../wire/protocol.ts"
import { type Loss, workerFailed } from "./loss.ts"
import { type Settings, settingsOf } from "./settings.ts"
import { Thread } from "./thread.ts"

/** How late the timers of threads were when they last answered a ping. */
const lag = Metric.gauge("troupe_worker_event_loop_lag_seconds", {
  description: "How late timers of a worker thread are",
  attributes: { unit: "s" }
})

/** How long finalizers of a thread may take once its calls had their `shutdownTimeout`. */
const FINALIZERS_MILLIS = 1000

export class Threads {
  readonly size: number
  readonly actor: string
  /** The terms on which the implementation takes calls: those of the first thread. */
  terms!: Terms
  private readonly contract: Contract
  /** Each from the moment it is started until it is lost. */
  private readonly slots: Array<Promise<Thread> | undefined>
  /** Every thread that has not ended. */
  private readonly living = new Set<Thread>()
  private readonly context: Context.Context<never>
  private readonly settings: Settings
  private readonly agree: Agree
  private closed = false

  constructor(contract: Contract, options: WorkerOptions, agree: Agree, context: Context.Context<never>) {
    this.contract = contract
    this.agree = agree
    this.actor = contract.key
    this.settings = settingsOf(this.actor, options)
    this.context = context
    this.size = this.settings.size
    this.slots = Array.from({ length: this.size }, () => undefined)
  }

  /** The thread in a slot, once it is ready: the present one, or one that is started for it. */
  obtain(slot: number): Effect.Effect<Thread, WorkerFailed> {
    return Effect.tryPromise({
      try: () => this.slots[slot] ?? this.start(slot),
      catch: (error) => error as WorkerFailed
    })
  }

  private start(slot: number): Promise<Thread> {
    const forget = () => {
      if (this.slots[slot] === ready) this.slots[slot] = undefined
    }
    const ready = this.bringUp(forget)
    this.slots[slot] = ready
    // The callers of obtain see the failure.
    ready.catch(forget)
    return ready
  }

  private async bringUp(forget: () => void): Promise<Thread> {
    const { actor } = this
    if (this.closed) throw workerFailed(actor, { why: "its Scope is closed", cause: Cause.empty })
    const thread = this.spawn(forget)
    this.living.add(thread)
    const result = await Effect.runPromiseExit(thread.ready)
    const loss = Exit.isSuccess(result) ? this.accept(result.value) : (Cause.squash(result.cause) as Loss)
    if (loss === undefined) return thread
    await thread.terminate()
    throw workerFailed(actor, loss)
  }

  /** Checks the greeting of a thread. Returns why it cannot be used, if it cannot. */
  private accept(greeting: Greeting): Loss | undefined {
    const why = mismatch(this.contract, greeting.serves) ?? this.agree(greeting)
    if (why !== undefined) return { why, cause: Cause.empty }
    this.terms ??= greeting.terms
  }

  private spawn(forget: () => void): Thread {
    const { actor, context, settings } = this
    try {
      return new Thread({
        ...settings,
        shutdownTimeout: FINALIZERS_MILLIS,
        tracer: Context.get(context, Tracer.Tracer),
        onLag: (milliseconds, { id }) => {
          const labelled = Metric.withAttributes(lag, { actor, thread: String(id) })
          Effect.runForkWith(context)(Metric.update(labelled, milliseconds / 1000))
        },
        onTrouble: (error) => {
          const what = `${actor}: something went wrong with what its thread said, which concerns one call at most`
          Effect.runForkWith(context)(Effect.logError(what, Cause.die(error)))
        },
        onLost: forget,
        onGone: (thread) => this.living.delete(thread)
      })
    } catch (error) {
      throw workerFailed(actor, { why: "it could not be started", cause: Cause.die(error) })
    }
  }

  /** Starts all threads. Fails when one of them does not come up. */
  warm(): Effect.Effect<void, WorkerFailed> {
    return Effect.forEach(this.slots.keys(), (slot) => this.obtain(slot), { concurrency: "unbounded", discard: true })
  }

  /** The Scope begins to close: threads that do not end in time are ended by force. */
  enforceShutdownTimeout(): void {
    const patience = this.settings.shutdownTimeout ?? this.terms.shutdownTimeout
    const late = `its thread did not end within ${patience / 1000} s (shutdownTimeout)`
    const timer = after(patience + FINALIZERS_MILLIS, () => {
      for (const thread of this.living) thread.abandon(late)
    })
    unref(timer)
  }

  close(): Effect.Effect<void> {
    return Effect.promise(() => {
      this.closed = true
      return Promise.all([...this.living].map((thread) => thread.stop()))
    })
  }
}

/** Says why a thread cannot be used, going by its greeting, or nothing if it can. */
export type Agree = (greeting: Greeting) => string | undefined

/** Starts the threads of a home in the current Scope. */
export const make = (
  contract: Contract,
  options: WorkerOptions,
  agree: Agree = () => undefined
): Effect.Effect<Threads, WorkerFailed, Scope.Scope> =>
  Effect.gen(function* () {
    const threads = new Threads(contract, options, agree, yield* Effect.context<never>())
    yield* Effect.addFinalizer(() => threads.close())
    yield* threads.warm()
    return threads
  })
