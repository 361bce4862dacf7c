/**
 * One worker thread, seen from the thread that owns it: its life, its calls, and how it is lost.
 */
import { MessageChannel, type Worker } from "node:worker_threads"
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Tracer from "effect/Tracer"
import * as causes from "../values/causes.ts"
import { describe } from "../values/guard.ts"
import { From, type Greeting, type Message, type Start, To, WORDS, Word } from "../wire/protocol.ts"
import * as spans from "../wire/spans.ts"
import { Wire } from "../wire/wire.ts"
import type { Carrying } from "./outgoing.ts"

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

/** Why a thread is lost. */
export interface Loss {
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
  /** Whether its instances are being told that it is lost. Its calls are told afterwards. */
  losing = false
  /** How late timers of the thread were at its last answer, in milliseconds. */
  lag = 0
  readonly id: number
  private readonly worker: Worker
  private readonly options: ThreadOptions
  private readonly shared = new Int32Array(new SharedArrayBuffer(4 * WORDS))
  private readonly carrying = new Map<number, Carrying>()
  private lastCall = 0
  /** The instances that live here, by the number under which the thread knows them. */
  private readonly instances = new Map<number, Instance>()
  /** Those of them that were killed while calls of theirs ran. */
  private readonly dying = new Set<number>()
  private readonly closing = new Map<number, () => void>()
  private onReady: ((result: Greeting | Cause.Cause<unknown>) => void) | undefined = undefined
  private readonly ended: Promise<void>
  private heartbeat: NodeJS.Timeout | undefined = undefined
  /** When the oldest ping without an answer was sent, if there is one. */
  private unanswered: number | undefined = undefined
  /** How many batches have come. */
  private arrived = 0
  /** How many of them cannot be read, and have not come again. */
  private unreadable = 0
  /** Whether the batch that is being collected tells calls to end. */
  private interrupts = false
  private error: unknown
  private serving = false
  /** How many reasons there are to keep the process alive. */
  private holds = 0
  readonly spans: spans.Replay

  constructor(options: ThreadOptions) {
    this.options = options
    this.spans = new spans.Replay(options.tracer)
    this.worker = options.spawn()
    this.id = this.worker.threadId
    const { port1, port2 } = new MessageChannel()
    this.wire = new Wire(port1, {
      message: (message) => this.take(message),
      refused: (message, error) => this.refused(message, error),
      posted: () => {
        if (this.interrupts) Atomics.add(this.shared, Word.Interrupts, 1)
        this.interrupts = false
      },
      arrived: () => this.noteArrival(),
      garbled: () => this.askAgain(),
      failed: options.onTrouble
    })
    // The worker keeps the process alive until it is ready.
    this.wire.unref()
    this.worker.on("error", (error) => {
      this.error = error
    })
    this.ended = new Promise((resolve) => {
      this.worker.once("exit", (code) => {
        this.lose(this.whyExited(code))
        this.wire.close()
        options.onGone(this)
        resolve()
      })
    })
    const start: Start = { troupe: true, port: port2, shared: this.shared }
    this.worker.postMessage(start, [port2])
  }

  // --- life ----------------------------------------------------------------------------------------------------------

  /** Succeeds when the thread is ready, with what it says about itself. */
  readonly ready: Effect.Effect<Greeting, Loss> = Effect.callback((resume) => {
    const seconds = this.options.startTimeout / 1000
    const late = `it was not ready within ${seconds} s (startTimeout): does its file end with WorkerHome.serve(...)?`
    const timer = after(this.options.startTimeout, () => this.abandon(late))
    this.onReady = (result) => {
      this.onReady = undefined
      clearTimeout(timer)
      if (Cause.isCause(result)) {
        return resume(Effect.fail(this.lost ?? { why: "its implementation could not be built", cause: result }))
      }
      this.serving = true
      // From here on only calls keep the process alive.
      this.worker.unref()
      this.startHeartbeat()
      resume(Effect.succeed(result))
    }
    if (this.lost !== undefined) this.onReady(this.lost.cause)
    return Effect.promise(() => this.terminate())
  })

  private startHeartbeat(): void {
    const { unresponsiveAfter } = this.options
    const beat = () => {
      if (this.hangs()) this.abandon(this.whySilent(unresponsiveAfter))
      else this.ping()
    }
    this.heartbeat = setInterval(beat, Math.min(HEARTBEAT_MILLIS, unresponsiveAfter / 3))
    this.heartbeat.unref()
  }

  private ping(): void {
    if (this.unanswered !== undefined) return
    this.unanswered = performance.now()
    this.wire.post([To.Ping, 0])
  }

  private hangs(): boolean {
    return this.isSilentFor(this.options.unresponsiveAfter)
  }

  /** Whether a ping has not been answered for so long. */
  private isSilentFor(milliseconds: number): boolean {
    // The answer may be here already, if it was this thread that did not listen.
    if (this.unanswered !== undefined) this.wire.drain()
    return this.unanswered !== undefined && performance.now() - this.unanswered >= milliseconds
  }

  private whySilent(milliseconds: number): string {
    return `its thread did not answer for ${milliseconds / 1000} s${this.whileRunning()}`
  }

  /**
   * An instance is killed while it runs calls: the thread gets little time to show that it listens. Not so if others live
   * there by then, which may have reason to keep it busy, and which the end of the thread would cost their calls.
   */
  hurry(instance: number): void {
    if (this.dying.has(instance)) return
    this.dying.add(instance)
    this.ping()
    const timer = setTimeout(() => {
      const deserted = this.dying.size === this.instances.size
      if (deserted && this.isSilentFor(HURRY_MILLIS)) this.abandon(this.whySilent(HURRY_MILLIS))
    }, HURRY_MILLIS + 10)
    timer.unref()
  }

  /** Gives the thread up. */
  abandon(why: string, cause?: unknown): void {
    if (this.lost !== undefined) return
    this.error ??= cause
    this.lose(why)
    void this.worker.terminate()
  }

  private whyExited(code: number): string {
    if (this.error !== undefined) return `its thread failed with ${describe(this.error)}${this.whileRunning()}`
    if (code === 0 && !this.serving) return "its thread ended by itself: does its file end with WorkerHome.serve(...)?"
    return `its thread exited with code ${code}${this.whileRunning()}`
  }

  /** Names the call that was the last to go on, if it still runs, else all that do. */
  private whileRunning(): string {
    const labels = new Map<number, string>()
    for (const [id, { label }] of this.carrying) labels.set(id | 0, label)
    const last = labels.get(Atomics.load(this.shared, Word.Started))
    const others = labels.size - 1
    if (last !== undefined) return ` while it ran ${last}${others > 0 ? ` or one of ${others} other calls` : ""}`
    return labels.size === 0 ? "" : ` while it ran ${[...new Set(labels.values())].slice(0, 3).join(" or ")}`
  }

  /** The thread is not there any more: all that it carried is told so. */
  private lose(why: string): void {
    if (this.lost !== undefined) return
    Atomics.store(this.shared, Word.Lost, 1)
    // What it said before its end still counts.
    this.wire.drain()
    clearInterval(this.heartbeat)
    const cause = Cause.die(this.error ?? new Error(why))
    this.lost = { why, cause }
    // First of all, so that who makes an instance anew does not find this one.
    this.options.onLost(this)
    this.onReady?.(cause)
    // Nobody hears of a lost call before all instances know, lest the next call goes to one that does not.
    this.losing = true
    this.each(this.instances, (instance) => Home.crash(instance, why, cause))
    this.losing = false
    this.each(this.carrying, (call) => call.lose(why, cause))
    this.each(this.closing, (closed) => closed())
    this.instances.clear()
    this.spans.lose(cause)
  }

  /** What goes wrong with one must not keep the news from the others. */
  private each<A>(all: ReadonlyMap<number, A>, tell: (one: A) => void): void {
    for (const one of [...all.values()]) {
      try {
        tell(one)
      } catch (error) {
        this.options.onTrouble(error)
      }
    }
  }

  /** Ends the thread in good order, and by force when that takes too long. */
  async stop(): Promise<void> {
    this.worker.ref()
    if (this.lost === undefined && this.serving) {
      this.wire.post([To.Stop, 0])
      const timer = setTimeout(() => void this.worker.terminate(), this.options.shutdownTimeout)
      await this.ended
      clearTimeout(timer)
    }
    await this.terminate()
  }

  async terminate(): Promise<void> {
    this.worker.ref()
    this.lose("its thread was ended")
    await this.worker.terminate()
    await this.ended
  }

  /**
   * By the heartbeat and not by the port: that closes with its thread, and the event loop could run dry before "exit" tells
   * what has happened.
   */
  private hold(): void {
    if (this.holds++ === 0) this.heartbeat!.ref()
  }

  private release(): void {
    if (--this.holds === 0) this.heartbeat!.unref()
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
      this.dying.delete(number)
      if (this.lost !== undefined) return resume(Effect.void)
      this.hold()
      this.closing.set(number, () => {
        this.closing.delete(number)
        this.release()
        resume(Effect.void)
      })
      this.wire.post([To.Close, number])
    })
  }

  // --- calls ---------------------------------------------------------------------------------------------------------

  /** Returns the number under which the thread knows the call, which is to be sent at once. */
  carry(call: Carrying): number {
    const id = ++this.lastCall
    this.carrying.set(id, call)
    this.hold()
    return id
  }

  /** Whether the thread may have taken up a call. If it got what it cannot read, it may have been any. */
  mayHaveTaken(id: number): boolean {
    const ahead = (id - Atomics.load(this.shared, Word.Taken)) | 0
    return ahead <= 0 || Atomics.load(this.shared, Word.Garbled) !== 0
  }

  drop(id: number): void {
    if (this.carrying.delete(id)) this.release()
  }

  /** The thread looks for what this tells before it takes up another call, however much it has to do. */
  interrupt(id: number): void {
    this.interrupts = true
    this.wire.post([To.Interrupt, id])
  }

  /** A message cannot be cloned. */
  private refused([kind, subject]: Message, error: unknown): void {
    if (kind === To.Call || kind === To.Stream) return this.carrying.get(subject)?.refuse(error)
    const instance = kind === To.Open ? this.instances.get(subject) : undefined
    if (instance !== undefined) Home.died(instance, `its key cannot cross to its thread: ${describe(error)}`, undefined)
  }

  private noteArrival(): void {
    this.arrived++
    // What cannot be read is kept over there until it has come again, and what came after it, too.
    if (this.unreadable === 0) Atomics.store(this.shared, Word.Read, this.arrived)
  }

  /** A value that the thread could write may be too deep for this thread to read. It must not take others with it. */
  private askAgain(): void {
    this.unreadable++
    this.wire.post([To.Unreadable, this.arrived++])
  }

  private take(message: Message): void {
    switch (message[0]) {
      case From.Success:
      case From.Failure:
      case From.Items:
      case From.Refused:
      case From.NotBegun:
        return this.carrying.get(message[1])?.take(message)
      case From.Ready:
        return this.onReady?.(message[1])
      case From.Failed:
        return this.onReady?.(causes.unpack(message[1], causes.anyError))
      case From.Closed:
        return this.closing.get(message[1])?.()
      case From.Died:
        return this.died(message)
      case From.Pong:
        this.unanswered = undefined
        this.lag = message[2]
        return this.options.onLag(this.lag, this)
      case From.Spans:
        for (const report of message[1]) this.spans.take(report)
        return
      case From.Repeated:
        this.unreadable--
    }
  }

  private died([, number, why, reasons, hasLived]: Message): void {
    const instance = this.instances.get(number)
    if (instance === undefined) return
    const cause = reasons.length === 0 ? undefined : causes.unpack(reasons, causes.anyError)
    if (hasLived) Home.ends(instance, why, cause)
    else Home.died(instance, why, cause)
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

/** The longest that timers of Node can wait: 25 days. */
const LONGEST = 2 ** 31 - 1

/** A timer, unless it would never fire. */
export const after = (milliseconds: number, work: () => void): NodeJS.Timeout | undefined =>
  milliseconds > LONGEST ? undefined : setTimeout(work, milliseconds)
