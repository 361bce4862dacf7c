/**
 * Counts the batches that come from a thread. The thread keeps each until it is read here: a value that the thread could
 * write may be nested too deeply for this side to read, and must not take other messages with it.
 */
import { Word } from "../wire/memory.ts"
import { type BatchNumber, To, type ToThread } from "../wire/protocol.ts"

export class Arrivals {
  private readonly shared: Int32Array
  private arrived = 0
  /** How many of them the thread has been told of, where no memory is shared. */
  private acknowledged = 0
  /** How many batches cannot be read, and have not come again. */
  private unreadable = 0

  constructor(shared: Int32Array) {
    this.shared = shared
  }

  read(): void {
    this.arrived++
    // The thread keeps an unreadable batch, and those after it, until its messages have come again.
    if (this.unreadable === 0) Atomics.store(this.shared, Word.Read, this.arrived)
  }

  /** Tells the thread, with a batch that goes there anyway, what it need not keep any more. */
  acknowledge(batch: Array<ToThread>): void {
    const read = Atomics.load(this.shared, Word.Read)
    if (read === this.acknowledged) return
    this.acknowledged = read
    batch.push([To.Read, read])
  }

  /** A batch cannot be read. Returns its number. */
  garbled(): BatchNumber {
    this.unreadable++
    return this.arrived++
  }

  repeated(): void {
    this.unreadable--
  }
}
