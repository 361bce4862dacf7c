/** The calls of the last minute, and the stretch of time that the timeline shows. No DOM in here. */
import type { Bar, Recent } from "../../src/internal/live/frame.ts"

/** How far back calls are kept, in milliseconds. */
const KEPT = 60_000

/** The times of both edges, and the present one. */
export interface Span {
  readonly from: number
  readonly to: number
  readonly now: number
}

export class RecentCalls {
  bars: ReadonlyArray<Bar> = []
  running: ReadonlyArray<Bar> = []
  /** Grows with each change of what is to be seen. */
  version = 0
  /** The number of the last settled call, for the next request. */
  seq = 0
  dropped = 0
  /** Milliseconds from the left edge to the right one. */
  private length = 10_000
  /** How far before now the right edge is. */
  private back = 0
  /** The time at which the picture stands still. */
  private heldAt: number | undefined
  /** The server's clock when it last answered, and ours at the same moment. */
  private serverAt = 0
  private heardAt = 0

  take(recent: Recent): void {
    this.version++
    this.seq = recent.seq
    this.dropped = recent.dropped
    this.running = recent.under
    this.serverAt = recent.at
    this.heardAt = performance.now()
    const oldest = recent.at - KEPT - 5000
    this.bars = [...this.bars, ...recent.settled].filter(({ ended }) => ended! > oldest)
  }

  /** Another server, or the same one after a while: it may number its calls anew. */
  clear(): void {
    this.version++
    this.bars = []
    this.seq = 0
  }

  zoom(length: number): void {
    this.length = length
    this.look(0)
  }

  /** Moves to the left, into the past, or back to the right. */
  look(by: 1 | 0 | -1): void {
    this.version++
    this.back = Math.max(0, Math.min(KEPT - this.length, this.back + (by * this.length) / 4))
  }

  /** Stands still while the server does not tell how it goes on. */
  hold(held: boolean): void {
    if (held) this.heldAt ??= this.span.now
    else this.heldAt = undefined
  }

  /** Whether the right edge is the present. */
  get isNow(): boolean {
    return this.back === 0
  }

  get isEmpty(): boolean {
    return this.bars.length === 0 && this.running.length === 0
  }

  get span(): Span {
    const now = this.heldAt ?? this.serverAt + performance.now() - this.heardAt
    const to = now - this.back
    return { from: to - this.length, to, now }
  }
}
