/**
 * One worker thread, seen from the thread that owns it: its life, its calls, and how it is lost.
 */
import { MessageChannel, type Worker } from "node:worker_threads"
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as causes from "./causes.ts"
import type { Carrying } from "./outgoing.ts"
import { From, type Greeting, type Message, type Start, To, WORDS, Word } from "./protocol.ts"
import type * as spans from "./spans.ts"
import { Wire } from "./wire.ts"

/** What the owner of threads wants of each of them. */
export interface ThreadOptions {
  readonly actor: string
  readonly spawn: () => Worker
  /** How long a thread may take until it is ready, in milliseconds. */
  readonly startTimeout: number
  /** How long a thread may not answer before it counts as lost, in milliseconds. `Infinity`: for ever. */
  readonly unresponsiveAfter: number
  /** How long a thread may take to end, in milliseconds. */
  readonly shutdownTimeout: number
  readonly onSpans: (reports: ReadonlyArray<spans.Report>) => void
  readonly onLag: (milliseconds: number, thread: Thread) => void
  readonly onGone: (thread: Thread) => void
}

/** Why a thread is lost. */
interface Loss {
  readonly why: string
  readonly cause: Cause.Cause<unknown>
}

/** How long a thread has to show that it listens, when somebody waits for it to end. */
const HURRY_MILLIS = 1000

const HEARTBEAT_MILLIS = 1000

type Instance = Parameters<typeof Home.crash>[0]

export class Thread {
  readonly wire: Wire
  /** Set once the thread is lost, or has ended. */
  lost: Loss | undefined = undefined
  /** How late timers of the thread were at its last answer, in milliseconds. */
  lag = 0
  readonly id: number
  private readonly worker: Worker
  private readonly options: ThreadOptions
  private readonly shared = new Int32Array(new SharedArrayBuffer(4 * WORDS))
  private readonly carrying = new Map<number, Carrying>()
  /** The instances that live here, by the number under which the thread knows them. */
  private readonly instances = new Map<number, Instance>()
  private readonly closing = new Map<number, () => void>()
  private onReady: ((result: Greeting | Cause.Cause<unknown>) => void) | undefined = undefined
  private readonly ended: Promise<void>
  private heartbeat: NodeJS.Timeout | undefined = undefined
  /** When the oldest ping without an answer was sent, if there is one. */
  private unanswered: number | undefined = undefined
  private error: unknown
  private stopping = false

  constructor(options: ThreadOptions) {
    this.options = options
    this.worker = options.spawn()
    this.id = this.worker.threadId
    const { port1, port2 } = new MessageChannel()
    this.wire = new Wire(port1, {
      message: (message) => this.take(message),
      refused: (message, error) => this.carrying.get(message[1])?.refuse(error)
    })
    this.worker.on("error", (error) => {
      this.error = error
    })
    this.ended = new Promise((resolve) => {
      this.worker.once("exit", (code) => {
        this.lose(this.whyExited(code))
        this.wire.close()
        resolve()
        options.onGone(this)
      })
    })
    const start: Start = { troupe: true, port: port2, shared: this.shared }
    this.worker.postMessage(start, [port2])
  }

  // --- life ----------------------------------------------------------------------------------------------------------

  /** Succeeds when the thread is ready, with what it says about itself. */
  readonly ready: Effect.Effect<Greeting, Loss> = Effect.callback((resume) => {
    const { startTimeout } = this.options
    const timer = setTimeout(() => {
      this.lose(
        `it was not ready within ${startTimeout / 1000} s (startTimeout): does its file end with WorkerHome.serve(...)?`
      )
      void this.worker.terminate()
    }, startTimeout)
    this.onReady = (result) => {
      this.onReady = undefined
      clearTimeout(timer)
      if (Cause.isCause(result))
        return resume(Effect.fail(this.lost ?? { why: "its implementation failed", cause: result }))
      this.startHeartbeat()
      resume(Effect.succeed(result))
    }
    if (this.lost !== undefined) this.onReady(this.lost.cause)
    return Effect.promise(() => this.terminate())
  })

  private startHeartbeat(): void {
    const { unresponsiveAfter } = this.options
    const beat = () => {
      if (this.hangs()) this.abandon(unresponsiveAfter)
      else this.ping()
    }
    this.heartbeat = setInterval(beat, Math.min(HEARTBEAT_MILLIS, unresponsiveAfter / 3))
    this.heartbeat.unref()
  }

  private ping(): void {
    this.unanswered ??= performance.now()
    this.wire.post([To.Ping, 0])
  }

  private hangs(): boolean {
    // The answer may be here already, if it was this thread that did not listen.
    if (this.unanswered !== undefined) this.wire.drain()
    return this.unanswered !== undefined && performance.now() - this.unanswered > this.options.unresponsiveAfter
  }

  /** Gives the thread little time to show that it listens. */
  hurry(): void {
    this.ping()
    setTimeout(() => {
      this.wire.drain()
      if (this.unanswered !== undefined) this.abandon(HURRY_MILLIS)
    }, HURRY_MILLIS).unref()
  }

  private abandon(milliseconds: number): void {
    if (this.lost !== undefined) return
    this.lose(`its thread did not answer for ${milliseconds / 1000} s${this.whileRunning()}`)
    void this.worker.terminate()
  }

  private whyExited(code: number): string {
    if (this.error !== undefined) return `its thread failed with ${describe(this.error)}${this.whileRunning()}`
    return `its thread exited with code ${code}${this.whileRunning()}`
  }

  /** Names the call that started last if it is still running, else all that are. */
  private whileRunning(): string {
    const labels = new Map<number, string>()
    for (const [id, { label }] of this.carrying) labels.set(id | 0, label)
    const last = labels.get(Atomics.load(this.shared, Word.Started))
    if (last !== undefined) return ` while it ran ${last}`
    return labels.size === 0 ? "" : ` while it ran ${[...new Set(labels.values())].slice(0, 3).join(" or ")}`
  }

  /** The thread is not there any more: all that it carried is told so. */
  private lose(why: string): void {
    if (this.lost !== undefined) return
    // What it said before its end still counts.
    this.wire.drain()
    clearInterval(this.heartbeat)
    const cause = Cause.die(this.error ?? new Error(why))
    this.lost = { why, cause }
    this.onReady?.(cause)
    for (const instance of [...this.instances.values()]) Home.crash(instance, why, cause)
    for (const call of [...this.carrying.values()]) call.lose(why, cause)
    for (const closed of this.closing.values()) closed()
    this.instances.clear()
  }

  /** Ends the thread in good order, and by force when that takes too long. */
  async stop(): Promise<void> {
    if (this.lost === undefined && !this.stopping) {
      this.stopping = true
      this.wire.post([To.Stop, 0])
      const timer = setTimeout(() => void this.worker.terminate(), this.options.shutdownTimeout)
      await this.ended
      clearTimeout(timer)
    }
    await this.terminate()
  }

  async terminate(): Promise<void> {
    this.lose("its thread was ended")
    await this.worker.terminate()
    await this.ended
  }

  // --- instances -----------------------------------------------------------------------------------------------------

  open(number: number, instance: Instance, key: { readonly packed: unknown } | undefined): void {
    this.instances.set(number, instance)
    if (key !== undefined) this.wire.post([To.Open, number, key.packed])
  }

  /** Succeeds when the instance has ended over there. */
  close(number: number): Effect.Effect<void> {
    return Effect.callback((resume) => {
      this.instances.delete(number)
      if (this.lost !== undefined) return resume(Effect.void)
      this.closing.set(number, () => {
        this.closing.delete(number)
        resume(Effect.void)
      })
      this.wire.post([To.Close, number])
    })
  }

  // --- calls ---------------------------------------------------------------------------------------------------------

  carry(id: number, call: Carrying): void {
    this.carrying.set(id, call)
    if (this.carrying.size === 1) this.worker.ref()
  }

  drop(id: number): void {
    this.carrying.delete(id)
    // An idle thread keeps no process alive.
    if (this.carrying.size === 0) this.worker.unref()
  }

  private take(message: Message): void {
    switch (message[0]) {
      case From.Success:
      case From.Failure:
      case From.Items:
        return this.carrying.get(message[1])?.take(message)
      case From.Ready:
        return this.onReady?.(message[1])
      case From.Failed:
        return this.onReady?.(causes.unpack(message[1], causes.anyError))
      case From.Closed:
        return this.closing.get(message[1])?.()
      case From.Died:
        for (const instance of this.instances.values())
          Home.died(instance, message[1], causes.unpack(message[2], causes.anyError))
        return
      case From.Pong:
        this.unanswered = undefined
        this.lag = message[2]
        return this.options.onLag(this.lag, this)
      case From.Spans:
        return this.options.onSpans(message[1])
    }
  }

  /** For a thread that blocks on calls that are carried here: its event loop, and so the heartbeat, stands still. */
  readonly pump: Home.Pump = {
    flush: () => this.wire.flush(),
    receive: (milliseconds) => {
      const posted = Atomics.load(this.shared, Word.Posted)
      if (this.wire.drain()) return true
      if (this.lost !== undefined || Atomics.load(this.shared, Word.Dead) !== 0 || this.hangs()) return false
      const late =
        Atomics.wait(this.shared, Word.Posted, posted, Math.min(milliseconds, HEARTBEAT_MILLIS)) === "timed-out"
      this.wire.drain()
      if (late) this.ping()
      return true
    }
  }
}

const describe = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error)
