/**
 * Decides which of the calls that arrive run in this thread.
 */
import { clock } from "../platform/time.ts"
import { Word } from "../wire/memory.ts"
import { type CallId, From, type FromThread, To, type ToThread } from "../wire/protocol.ts"
import type { Wire } from "../wire/wire.ts"

/** Longer than calls take that do not compute, and short enough for those that wait. */
export const TURN_MILLIS = 2

/** Whether this thread was at work when the batch came. */
export const isLate = ([first]: ReadonlyArray<ToThread>): boolean =>
  first?.[0] === To.Sent && clock() - first[1] > TURN_MILLIS

export class Intake {
  private readonly wire: Wire<ToThread, FromThread>
  private readonly shared: Int32Array
  /** Calls whose interruption has arrived, and is dealt with after calls that came before it. */
  private readonly revoked = new Set<CallId>()
  private interrupts = 0

  constructor(wire: Wire<ToThread, FromThread>, shared: Int32Array) {
    this.wire = wire
    this.shared = shared
  }

  /** Whether a call runs here: its owner may have given it to another thread, or have interrupted it. */
  takeUp(id: CallId): boolean {
    Atomics.store(this.shared, Word.Taken, id | 0)
    if (Atomics.load(this.shared, Word.Lost) !== 0) return false
    const interrupts = Atomics.load(this.shared, Word.Interrupts)
    if (interrupts !== this.interrupts) this.lookAhead(interrupts)
    if (!this.revoked.has(id)) return true
    this.wire.post([From.NotBegun, id])
    return false
  }

  /** While this thread computed, the owner may have interrupted calls that arrived meanwhile. They must not compute as well. */
  private lookAhead(interrupts: number): void {
    this.interrupts = interrupts
    for (const batch of this.wire.lookAhead()) this.foresee(batch)
  }

  /** A batch has arrived whose turn has not come. */
  foresee(batch: ReadonlyArray<ToThread>): void {
    for (const message of batch) if (message[0] === To.Interrupt) this.revoked.add(message[1])
  }

  /** The interruption of a call is dealt with now. */
  interrupted(id: CallId): void {
    this.revoked.delete(id)
  }
}
