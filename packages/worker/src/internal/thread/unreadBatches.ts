/**
 * Keeps each batch until the owner has read it, to send it again if the owner cannot.
 */
import { Word } from "../wire/memory.ts"
import type { BatchNumber, FromThread } from "../wire/protocol.ts"

export class UnreadBatches {
  private readonly shared: Int32Array
  private readonly batches: Array<ReadonlyArray<FromThread>> = []
  /** The number of the first of them. */
  private first: BatchNumber = 0

  constructor(shared: Int32Array) {
    this.shared = shared
  }

  keep(batch: ReadonlyArray<FromThread>): void {
    const read = Atomics.load(this.shared, Word.Read) - this.first
    // The owner may have read this one, too, by now. It is dropped when the next one goes out.
    if (read > 0) this.first += this.batches.splice(0, read).length
    this.batches.push(batch)
  }

  get(number: BatchNumber): ReadonlyArray<FromThread> {
    return this.batches[number - this.first]!
  }
}
