/**
 * One end of the wire between an owner and its thread. Messages of one microtask travel together, unless they are many.
 */
import { type MessagePort, receiveMessageOnPort, type Transferable } from "node:worker_threads"

/** A batch of this size goes out at once, so that the other side begins while this one goes on. */
const LARGE_BATCH = 64

/** What one end does with messages, and about those that fail to cross. */
export interface WireEvents<Received, Sent> {
  readonly message: (message: Received) => void
  /** A message cannot be sent. */
  readonly refused: (message: Sent, error: unknown) => void
  /** A batch goes out. */
  readonly posted: (batch: ReadonlyArray<Sent>) => void
  /** A batch has arrived, and none of its messages has been dealt with. */
  readonly arrived?: (() => void) | undefined
  /** A batch has arrived that cannot be read. */
  readonly garbled: (error: unknown) => void
  /** Dealing with a message threw. The other messages of its batch are dealt with all the same. */
  readonly failed: (error: unknown) => void
}

export class Wire<Received, Sent> {
  private batch: Array<Sent> = []
  private scheduled = false
  /** Batches that were looked at before their turn. */
  private ahead: Array<ReadonlyArray<Received>> = []
  private readonly port: MessagePort
  private readonly on: WireEvents<Received, Sent>

  constructor(port: MessagePort, on: WireEvents<Received, Sent>) {
    this.port = port
    this.on = on
    port.on("message", (batch: ReadonlyArray<Received>) => this.take(batch))
    port.on("messageerror", (error) => on.garbled(error))
  }

  /** Sends a message with the next batch. One that moves something goes alone, since it cannot be sent twice. */
  post(message: Sent, moved?: ReadonlyArray<Transferable>): void {
    if (moved !== undefined && moved.length > 0) {
      this.flush()
      return this.postAlone(message, moved)
    }
    this.batch.push(message)
    if (this.batch.length >= LARGE_BATCH) return this.flush()
    if (this.scheduled) return
    this.scheduled = true
    queueMicrotask(() => this.flush())
  }

  /** Sends the messages that wait for the end of the microtask. */
  flush(): void {
    this.scheduled = false
    const { batch } = this
    if (batch.length === 0) return
    this.batch = []
    try {
      this.port.postMessage(batch)
    } catch {
      // One message that cannot be cloned must not take the others with it.
      for (const message of batch) this.postAlone(message)
      return
    }
    this.on.posted(batch)
  }

  /** Sends a message in a batch of its own. */
  postAlone(message: Sent, moved: ReadonlyArray<Transferable> = []): void {
    const batch = [message]
    try {
      this.port.postMessage(batch, moved)
    } catch (error) {
      return this.guarded(() => this.on.refused(message, error))
    }
    this.on.posted(batch)
  }

  /** Deals with all batches that have arrived, without the event loop. Returns whether there were any. */
  drain(): boolean {
    let any = false
    for (let next = this.receive(); next !== undefined; next = this.receive()) {
      any = true
      if (next.message !== undefined) this.take(next.message)
    }
    return any
  }

  private receive(): { readonly message: ReadonlyArray<Received> | undefined } | undefined {
    try {
      return receiveMessageOnPort(this.port)
    } catch (error) {
      this.on.garbled(error)
      return { message: undefined }
    }
  }

  /** Reads the batches that have arrived. They are dealt with after the batch under way. */
  lookAhead(): ReadonlyArray<ReadonlyArray<Received>> {
    const more: Array<ReadonlyArray<Received>> = []
    for (let next = this.receive(); next !== undefined; next = this.receive())
      if (next.message !== undefined) more.push(next.message)
    this.ahead.push(...more)
    return more
  }

  private take(batch: ReadonlyArray<Received>): void {
    this.dealWith(batch)
    while (this.ahead.length > 0) this.dealWith(this.ahead.shift()!)
  }

  private dealWith(batch: ReadonlyArray<Received>): void {
    this.on.arrived?.()
    for (let i = 0; i < batch.length; i++) {
      try {
        this.on.message(batch[i]!)
      } catch (error) {
        this.on.failed(error)
      }
    }
  }

  private guarded(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.on.failed(error)
    }
  }

  /** From here on the wire does not keep the process alive. */
  unref(): void {
    this.port.unref()
  }

  close(): void {
    this.port.close()
  }
}
