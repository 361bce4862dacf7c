/**
 * The calls that a thread carries, by the numbers under which it knows them.
 */

import { isShared, Word } from "../wire/memory.ts"
import type { Answer, CallId } from "../wire/protocol.ts"
import type { Heartbeat } from "./heartbeat.ts"
import type { Loss } from "./loss.ts"

/** A call of a thread, or a stream. */
export interface CarriedCall {
  /** Names it in messages. */
  readonly label: string
  take(answer: Answer): void
  /** The thread is lost. */
  lose(loss: Loss): void
  /** The call cannot be sent. */
  refuse(error: unknown): void
}

export class CarriedCalls {
  private readonly calls = new Map<CallId, CarriedCall>()
  private readonly shared: Int32Array
  private readonly heartbeat: Heartbeat
  private last: CallId = 0

  constructor(shared: Int32Array, heartbeat: Heartbeat) {
    this.shared = shared
    this.heartbeat = heartbeat
  }

  /** Returns the number of the call. It has to be sent before the next one is added: the thread takes calls up in order. */
  add(call: CarriedCall): CallId {
    const id = ++this.last
    this.calls.set(id, call)
    this.heartbeat.hold()
    return id
  }

  delete(id: CallId): void {
    if (this.calls.delete(id)) this.heartbeat.release()
  }

  get(id: CallId): CarriedCall | undefined {
    return this.calls.get(id)
  }

  all(): Iterable<CarriedCall> {
    return this.calls.values()
  }

  /**
   * Whether the thread may have taken up a call. If it received a batch that it cannot read, it may have been any. So may it
   * where no memory is shared.
   */
  mayHaveTaken(id: CallId): boolean {
    if (!isShared(this.shared)) return true
    const ahead = (id - Atomics.load(this.shared, Word.Taken)) | 0
    return ahead <= 0 || Atomics.load(this.shared, Word.Garbled) !== 0
  }

  /** Names the call that was the last to go on if it is still running, else all that are. */
  whileRunning(): string {
    const labels = new Map<number, string>()
    for (const [id, { label }] of this.calls) labels.set(id | 0, label)
    const last = labels.get(Atomics.load(this.shared, Word.Started))
    if (last !== undefined) return ` while it ran ${last}${orOthers(labels.size - 1)}`
    return labels.size === 0 ? "" : ` while it ran ${[...new Set(labels.values())].slice(0, 3).join(" or ")}`
  }
}

const orOthers = (others: number): string => {
  if (others === 0) return ""
  return others === 1 ? " or another call" : ` or one of ${others} other calls`
}
