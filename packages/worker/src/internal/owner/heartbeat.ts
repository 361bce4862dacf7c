/**
 * Whether a thread still answers, and how long it keeps the process alive.
 */

import { ref, unref } from "../platform/time.ts"

export const HEARTBEAT_MILLIS = 1000

export class Heartbeat {
  private readonly sendPing: () => void
  /** Deals with the messages that have arrived. */
  private readonly drain: () => void
  private timer: NodeJS.Timeout | undefined = undefined
  /** When the oldest ping without an answer was sent, if there is one. */
  private unanswered: number | undefined = undefined
  /** When the last beat was. */
  private beaten = 0
  /** How many reasons there are to keep the process alive. */
  private holds = 0

  constructor(sendPing: () => void, drain: () => void) {
    this.sendPing = sendPing
    this.drain = drain
  }

  /** Pings from now on, and calls `onSilent` once a ping has not been answered for so long. */
  start(unresponsiveAfter: number, onSilent: () => void): void {
    const interval = Math.min(HEARTBEAT_MILLIS, unresponsiveAfter / 3)
    this.beaten = performance.now()
    const beat = () => {
      this.forgive(2 * interval)
      if (this.isSilentFor(unresponsiveAfter)) onSilent()
      else this.ping()
    }
    this.timer = setInterval(beat, interval)
    unref(this.timer)
  }

  /**
   * A beat that comes far too late says that this side did not listen itself: its process was stopped, or its page lies in
   * the background. The thread may have been stopped with it, and gets its time anew.
   */
  private forgive(late: number): void {
    const now = performance.now()
    if (this.unanswered !== undefined && now - this.beaten > late) this.unanswered = now
    this.beaten = now
  }

  stop(): void {
    clearInterval(this.timer)
  }

  ping(): void {
    if (this.unanswered !== undefined) return
    this.unanswered = performance.now()
    this.sendPing()
  }

  answered(): void {
    this.unanswered = undefined
  }

  /** Whether a ping has not been answered for so long. */
  isSilentFor(milliseconds: number): boolean {
    // The answer may be here already, if it was this thread that did not listen.
    if (this.unanswered !== undefined) this.drain()
    return this.unanswered !== undefined && performance.now() - this.unanswered >= milliseconds
  }

  /** Pings, and calls `onSilent` if the ping is not answered for so long. */
  afterSilence(milliseconds: number, onSilent: () => void): void {
    this.ping()
    const look = () => {
      if (this.isSilentFor(milliseconds)) onSilent()
    }
    // Two timers: between them arrives what was there all along, if it was this thread that did not listen.
    unref(setTimeout(() => unref(setTimeout(look, 10)), milliseconds))
  }

  /**
   * Keeps the process alive until `release`. By this timer and not by the port: the port closes with its thread, and the
   * event loop could run dry before "exit" says what has happened.
   */
  hold(): void {
    if (this.holds++ === 0) ref(this.timer)
  }

  release(): void {
    if (--this.holds === 0) unref(this.timer)
  }
}
