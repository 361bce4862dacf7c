/**
 * One end of the line between a thread and its owner. Messages of one microtask travel together, unless they are many.
 */
import { type MessagePort, receiveMessageOnPort, type Transferable } from "node:worker_threads"
import type { Message } from "./protocol.ts"

/** A batch that is so large goes at once, so that the other side begins while this one goes on. */
const LARGE_BATCH = 64

export class Wire {
  private batch: Array<Message> = []
  /** What the messages of this batch move rather than copy. */
  private moved: Array<Transferable> = []
  private owners: Map<Message, ReadonlyArray<Transferable>> | undefined = undefined
  private scheduled = false
  private readonly port: MessagePort
  private readonly receive: (message: Message) => void
  /** Told about a message that cannot be sent. */
  private readonly refuse: (message: Message, error: unknown) => void
  private readonly posted: () => void

  constructor(
    port: MessagePort,
    on: {
      readonly message: (message: Message) => void
      readonly refused: (message: Message, error: unknown) => void
      readonly posted?: () => void
      /** A batch has arrived that cannot be read. */
      readonly garbled: (error: Error) => void
    }
  ) {
    this.port = port
    this.receive = on.message
    this.refuse = on.refused
    this.posted = on.posted ?? (() => {})
    port.on("message", (batch: ReadonlyArray<Message>) => this.take(batch))
    port.on("messageerror", on.garbled)
  }

  /** Sends a message with the next batch. */
  post(message: Message, moved?: ReadonlyArray<Transferable>): void {
    this.batch.push(message)
    if (moved !== undefined && moved.length > 0) {
      this.moved.push(...moved)
      this.owners ??= new Map()
      this.owners.set(message, moved)
    }
    if (this.batch.length >= LARGE_BATCH) return this.flush()
    if (this.scheduled) return
    this.scheduled = true
    queueMicrotask(() => this.flush())
  }

  /** Sends now what waits to be sent. */
  flush(): void {
    this.scheduled = false
    const { batch, moved, owners } = this
    if (batch.length === 0) return
    this.batch = []
    this.moved = []
    this.owners = undefined
    try {
      this.port.postMessage(batch, moved)
    } catch {
      this.postSingly(batch, owners)
    }
    this.posted()
  }

  /** One message that cannot be cloned must not take the others with it. */
  private postSingly(
    batch: ReadonlyArray<Message>,
    owners: ReadonlyMap<Message, ReadonlyArray<Transferable>> | undefined
  ): void {
    for (const message of batch) {
      try {
        this.port.postMessage([message], owners?.get(message) ?? [])
      } catch (error) {
        this.refuse(message, error)
      }
    }
  }

  /** Takes in all that has arrived, without the event loop. Returns whether there was anything. */
  drain(): boolean {
    let any = false
    for (let next = receiveMessageOnPort(this.port); next !== undefined; next = receiveMessageOnPort(this.port)) {
      any = true
      this.take(next.message)
    }
    return any
  }

  private take(batch: ReadonlyArray<Message>): void {
    for (let i = 0; i < batch.length; i++) this.receive(batch[i]!)
  }

  /** From here on it does not keep the process alive. */
  unref(): void {
    this.port.unref()
  }

  close(): void {
    this.port.close()
  }
}
