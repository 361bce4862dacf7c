/**
 * One end of the line between a thread and its owner. Messages of one microtask travel together, unless they are many.
 */
import { type MessagePort, receiveMessageOnPort, type Transferable } from "node:worker_threads"
import type { Message } from "./protocol.ts"

/** A batch that is so large goes at once, so that the other side begins while this one goes on. */
const LARGE_BATCH = 64

export class Wire {
  private batch: Array<Message> = []
  private scheduled = false
  /** Batches that were looked at before their turn. */
  private ahead: Array<ReadonlyArray<Message>> = []
  private readonly port: MessagePort
  private readonly on: {
    readonly message: (message: Message) => void
    /** A message cannot be sent. */
    readonly refused: (message: Message, error: unknown) => void
    /** A batch goes out. */
    readonly posted?: (batch: ReadonlyArray<Message>) => void
    /** A batch has arrived, before it is looked at. */
    readonly arrived?: () => void
    /** A batch has arrived that cannot be read. */
    readonly garbled: (error: unknown) => void
    /** Dealing with a message threw. That is the business of no other message. */
    readonly failed: (error: unknown) => void
  }

  constructor(port: MessagePort, on: Wire["on"]) {
    this.port = port
    this.on = on
    port.on("message", (batch: ReadonlyArray<Message>) => this.take(batch))
    port.on("messageerror", (error) => on.garbled(error))
  }

  /** Sends a message with the next batch. One that moves something goes alone: it cannot be sent twice. */
  post(message: Message, moved?: ReadonlyArray<Transferable>): void {
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

  /** Sends now what waits to be sent. */
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
    this.on.posted?.(batch)
  }

  /** Sends a message in a batch of its own. */
  postAlone(message: Message, moved: ReadonlyArray<Transferable> = []): void {
    const batch = [message]
    try {
      this.port.postMessage(batch, moved)
    } catch (error) {
      return this.guarded(() => this.on.refused(message, error))
    }
    this.on.posted?.(batch)
  }

  /** Takes in all that has arrived, without the event loop. Returns whether there was anything. */
  drain(): boolean {
    let any = false
    for (let next = this.receive(); next !== undefined; next = this.receive()) {
      any = true
      if (next.message !== undefined) this.take(next.message)
    }
    return any
  }

  private receive(): { readonly message: ReadonlyArray<Message> | undefined } | undefined {
    try {
      return receiveMessageOnPort(this.port)
    } catch (error) {
      this.on.garbled(error)
      return { message: undefined }
    }
  }

  /** What has arrived and is dealt with only after the batch under way. */
  lookAhead(): ReadonlyArray<ReadonlyArray<Message>> {
    const more: Array<ReadonlyArray<Message>> = []
    for (let next = this.receive(); next !== undefined; next = this.receive())
      if (next.message !== undefined) more.push(next.message)
    this.ahead.push(...more)
    return more
  }

  private take(batch: ReadonlyArray<Message>): void {
    this.dealWith(batch)
    while (this.ahead.length > 0) this.dealWith(this.ahead.shift()!)
  }

  private dealWith(batch: ReadonlyArray<Message>): void {
    this.on.arrived?.()
    for (let i = 0; i < batch.length; i++) {
      try {
        this.on.message(batch[i]!)
      } catch (error) {
        this.on.failed(error)
      }
    }
  }

  /** The other messages of a batch are dealt with all the same. */
  private guarded(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.on.failed(error)
    }
  }

  /** From here on it does not keep the process alive. */
  unref(): void {
    this.port.unref()
  }

  close(): void {
    this.port.close()
  }
}
