/**
 * Whether a thread still answers, and how long it keeps the process alive.
 */

export const HEARTBEAT_MILLIS = 1000

export class Heartbeat {
  private readonly sendPing: () => void
  /** Deals with the messages that have arrived. */
  private readonly drain: () => void
  private timer: NodeJS.Timeout | undefined = undefined
  /** When the oldest ping without an answer was sent, if there is one. */
  private unanswered: number | undefined = undefined
  /** How many reasons there are to keep the process alive. */
  private holds = 0

  constructor(sendPing: () => void, drain: () => void) {
    this.sendPing = sendPing
    this.drain = drain
  }

  /** Pings from now on, and calls `onSilent` once a ping has not been answered for so long. */
  start(unresponsiveAfter: number, onSilent: () => void): void {
    const beat = () => {
      if (this.isSilentFor(unresponsiveAfter)) onSilent()
      else this.ping()
    }
    this.timer = setInterval(beat, Math.min(HEARTBEAT_MILLIS, unresponsiveAfter / 3))
    this.timer.unref()
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

  /**
   * Keeps the process alive until `release`. By this timer and not by the port: the port closes with its thread, and the
   * event loop could run dry before "exit" says what has happened.
   */
  hold(): void {
    if (this.holds++ === 0) this.timer!.ref()
  }

  release(): void {
    if (--this.holds === 0) this.timer!.unref()
  }
}
