/**
 * One worker thread, as its owner knows it: how it starts, serves, is lost and ends.
 */

import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Tracer from "effect/Tracer"
import { platform } from "#platform"
import type { AnyWorker } from "../../WorkerHome.ts"
import type { OwnedWorker, Port } from "../platform/platform.ts"
import { after, clock } from "../platform/time.ts"
import { describe } from "../values/guard.ts"
import { isShared, makeMemory, Word } from "../wire/memory.ts"
import {
  type CallId,
  type FromThread,
  type Greeting,
  type InstanceId,
  type Start,
  To,
  type ToThread
} from "../wire/protocol.ts"
import { Wire } from "../wire/wire.ts"
import { Arrivals } from "./arrivals.ts"
import { CarriedCalls } from "./carriedCalls.ts"
import { Heartbeat } from "./heartbeat.ts"
import type { Loss } from "./loss.ts"
import { type Listener, refused, take } from "./messages.ts"
import { pumpOf } from "./pump.ts"
import { Replay } from "./replay.ts"
import { Residents, type Self } from "./residents.ts"

/** How the threads of a home are run, and what their owner wants to know of each. Durations are in milliseconds. */
export interface ThreadOptions {
  readonly spawn: () => AnyWorker
  /** How long a thread may take until it is ready. */
  readonly startTimeout: number
  /** How long a thread may not answer before it counts as lost. `Infinity`: for ever. */
  readonly unresponsiveAfter: number
  /** How long a thread may take to end. */
  readonly shutdownTimeout: number
  /** For spans of the thread that belong to no call. */
  readonly tracer: Tracer.Tracer
  readonly onLag: (milliseconds: number, thread: Thread) => void
  /** Something went wrong on this side. */
  readonly onTrouble: (error: unknown) => void
  /** It takes no more calls. */
  readonly onLost: (thread: Thread) => void
  /** It has ended. */
  readonly onGone: (thread: Thread) => void
}

type Phase =
  | { readonly _tag: "Starting"; readonly loss: undefined }
  | { readonly _tag: "Serving"; readonly loss: undefined }
  | { readonly _tag: "Losing"; readonly loss: Loss }
  | { readonly _tag: "Lost"; readonly loss: Loss }

/** How long a thread has to show that it listens, once all its instances were killed. */
const LISTEN_MILLIS = 1000

export class Thread implements Listener {
  readonly id: number
  readonly wire: Wire<FromThread, ToThread>
  readonly spans: Replay
  readonly calls: CarriedCalls
  readonly residents = new Residents()
  readonly heartbeat: Heartbeat
  readonly arrivals: Arrivals
  readonly shared = makeMemory()
  /** How late timers of the thread were at its last answer, in milliseconds. */
  lag = 0
  private phase: Phase = { _tag: "Starting", loss: undefined }
  private readonly options: ThreadOptions
  private readonly worker: OwnedWorker
  private readonly ended: Promise<void>
  private onStarted: ((result: Effect.Effect<Greeting, Loss>) => void) | undefined = undefined
  /** The error that ended the thread, if it was one. */
  private error: unknown
  /** Whether the batch that is being collected interrupts calls. */
  private interrupts = false

  constructor(options: ThreadOptions) {
    this.options = options
    this.spans = new Replay(options.tracer)
    let ended: () => void
    this.ended = new Promise((resolve) => {
      ended = resolve
    })
    this.worker = platform.own(options.spawn(), {
      error: (error) => {
        this.error = error
      },
      exit: (code) => {
        this.lose(this.whyExited(code))
        this.wire.close()
        options.onGone(this)
        ended()
      }
    })
    this.id = this.worker.id
    const { port1, port2 } = new MessageChannel()
    this.wire = this.wireOver(port1)
    this.heartbeat = new Heartbeat(
      () => this.wire.post([To.Ping]),
      () => this.wire.drain()
    )
    this.calls = new CarriedCalls(this.shared, this.heartbeat)
    this.arrivals = new Arrivals(this.shared)
    // The worker keeps the process alive until it is ready.
    this.wire.unref()
    const start: Start = { troupe: true, port: port2, shared: this.shared }
    this.worker.start(start, port2)
  }

  /** Set once the thread is lost, or has ended. */
  get lost(): Loss | undefined {
    return this.phase.loss
  }

  /** Whether its instances are being told that it is lost. Its calls are told afterwards. */
  get losing(): boolean {
    return this.phase._tag === "Losing"
  }

  /** In milliseconds. */
  get unresponsiveAfter(): number {
    return this.options.unresponsiveAfter
  }

  // --- life ----------------------------------------------------------------------------------------------------------

  /** Succeeds when the thread is ready, with what it says about itself. Interrupting it ends the thread. */
  readonly ready: Effect.Effect<Greeting, Loss> = Effect.callback((resume) => {
    const seconds = this.options.startTimeout / 1000
    const late = `it was not ready within ${seconds} s (startTimeout): does its file end with WorkerHome.serve(...)?`
    const timer = after(this.options.startTimeout, () => this.abandon(late))
    this.onStarted = (result) => {
      this.onStarted = undefined
      clearTimeout(timer)
      resume(result)
    }
    if (this.lost !== undefined) this.onStarted(Effect.fail(this.lost))
    return Effect.promise(() => this.terminate())
  })

  onReady(greeting: Greeting): void {
    if (this.phase._tag !== "Starting") return
    this.phase = { _tag: "Serving", loss: undefined }
    // From here on only calls keep the process alive.
    this.worker.keepAlive(false)
    const { unresponsiveAfter } = this
    this.heartbeat.start(unresponsiveAfter, () => this.abandon(this.whySilent(unresponsiveAfter)))
    this.onStarted?.(Effect.succeed(greeting))
  }

  onFailed(cause: Cause.Cause<unknown>): void {
    this.onStarted?.(Effect.fail({ why: "its implementation could not be built", cause }))
  }

  /** The thread ends, and the platform would not say so. */
  onEnded(cause: Cause.Cause<unknown> | undefined): void {
    if (cause !== undefined) this.error = Cause.squash(cause)
    this.worker.terminate()
  }

  onPong(lagMillis: number): void {
    this.lag = lagMillis
    this.options.onLag(lagMillis, this)
  }

  /**
   * For a kill of an instance that runs calls: if all instances of the thread were killed, and it does not show within
   * a second that it listens, it is abandoned. As long as other instances live there it is left alone: they may have reason
   * to keep it busy, and its end would cost them their calls.
   */
  abandonIfUnresponsive(killed: InstanceId): void {
    if (!this.residents.kill(killed)) return
    this.heartbeat.afterSilence(LISTEN_MILLIS, () => {
      if (this.residents.areAllDying()) this.abandon(this.whySilent(LISTEN_MILLIS))
    })
  }

  /** Gives the thread up. */
  abandon(why: string): void {
    if (this.lost !== undefined) return
    this.lose(why)
    this.worker.terminate()
  }

  private whySilent(milliseconds: number): string {
    return `its thread did not answer for ${milliseconds / 1000} s${this.calls.whileRunning()}`
  }

  private whyExited(code: number | undefined): string {
    if (this.error !== undefined) return `its thread failed with ${describe(this.error)}${this.calls.whileRunning()}`
    if (code === 0 && this.phase._tag === "Starting")
      return "its thread ended by itself: does its file end with WorkerHome.serve(...)?"
    if (code === undefined) return `its thread ended by itself${this.calls.whileRunning()}`
    return `its thread exited with code ${code}${this.calls.whileRunning()}`
  }

  /** The thread does not serve any more. Tells its instances so, and then its calls. */
  private lose(why: string): void {
    if (this.lost !== undefined) return
    Atomics.store(this.shared, Word.Lost, 1)
    // What the thread said before its end still counts.
    this.wire.drain()
    this.heartbeat.stop()
    const loss: Loss = { why, cause: Cause.die(this.error ?? Home.withoutStack(() => new Error(why))) }
    this.phase = { _tag: "Losing", loss }
    // The pool forgets this thread before anything else happens, so that an instance that is made anew does not get it.
    this.options.onLost(this)
    this.onStarted?.(Effect.fail(loss))
    // No caller hears of a lost call before all instances know, lest its next call goes to one that does not.
    this.each(this.residents.all(), (self) => Home.crash(self, why, loss.cause))
    this.phase = { _tag: "Lost", loss }
    this.each(this.calls.all(), (call) => call.lose(loss))
    this.each(this.residents.allClosing(), (instance) => this.residents.closed(instance))
    this.residents.clear()
    this.spans.lose(loss.cause)
  }

  /** An error from telling one must not keep the news from the others. */
  private each<A>(all: Iterable<A>, tell: (one: A) => void): void {
    for (const one of [...all]) {
      try {
        tell(one)
      } catch (error) {
        this.options.onTrouble(error)
      }
    }
  }

  /** Ends the thread in good order, and by force when that takes too long. */
  async stop(): Promise<void> {
    this.worker.keepAlive(true)
    if (this.phase._tag === "Serving") {
      this.wire.post([To.Stop])
      const timer = setTimeout(() => this.worker.terminate(), this.options.shutdownTimeout)
      await this.ended
      clearTimeout(timer)
    }
    await this.terminate()
  }

  async terminate(): Promise<void> {
    this.worker.keepAlive(true)
    this.lose("its thread was ended")
    this.worker.terminate()
    await this.ended
  }

  // --- instances and calls -------------------------------------------------------------------------------------------

  open(instance: InstanceId, self: Self, key: { readonly packed: unknown } | undefined): void {
    this.residents.add(instance, self)
    if (key !== undefined) this.wire.post([To.Open, instance, key.packed])
  }

  /** Succeeds when the thread has closed the instance, finalizers included. */
  close(instance: InstanceId): Effect.Effect<void> {
    return Effect.callback((resume) => {
      if (this.lost !== undefined) {
        this.residents.leave(instance)
        return resume(Effect.void)
      }
      this.heartbeat.hold()
      this.residents.close(instance, () => {
        this.heartbeat.release()
        resume(Effect.void)
      })
      this.wire.post([To.Close, instance])
    })
  }

  /** Interrupts a call. The thread looks for such messages before it takes up another call, however busy it is. */
  interrupt(call: CallId): void {
    this.interrupts = true
    this.wire.post([To.Interrupt, call])
  }

  // --- messages ------------------------------------------------------------------------------------------------------

  private wireOver(port: Port): Wire<FromThread, ToThread> {
    return new Wire(port, {
      message: (message) => take(this, message),
      refused: (message, error) => refused(this, message, error),
      posted: () => {
        if (this.interrupts) Atomics.add(this.shared, Word.Interrupts, 1)
        this.interrupts = false
      },
      arrived: () => this.arrivals.read(),
      posting: (batch) => {
        if (!isShared(this.shared)) this.arrivals.acknowledge(batch)
        if (platform.receive === undefined) batch.unshift([To.Sent, clock()])
      },
      garbled: () => this.wire.post([To.Unreadable, this.arrivals.garbled()]),
      failed: this.options.onTrouble
    })
  }

  /** For an owner that blocks on calls of this thread. */
  readonly pump: Home.Pump = pumpOf(this)
}
