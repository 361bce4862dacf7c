/**
 * One end of the wire between an owner and its thread. Messages of one microtask travel together, unless they are many.
 */
import { platform } from "#platform"
import type { Port } from "../platform/platform.ts"

/** A batch of this size goes out at once, so that the other side begins while this one goes on. */
const LARGE_BATCH = 64

/**
 * For a side that computes while messages arrive, and that only the event loop tells of them: what comes later may say that
 * what came before is to be left.
 */
export interface Turns<Received> {
  /** How long messages are dealt with until the event loop has its turn. */
  readonly milliseconds: number
  /** Whether a batch has waited for its turn, so that others may wait behind it. */
  readonly isLate: (batch: ReadonlyArray<Received>) => boolean
  /** A batch has arrived whose turn has not come. */
  readonly foresee: (batch: ReadonlyArray<Received>) => void
}

/** What one end does with messages, and about those that fail to cross. */
export interface WireEvents<Received, Sent> {
  readonly message: (message: Received) => void
  /** A message cannot be sent. */
  readonly refused: (message: Sent, error: unknown) => void
  /** A batch is about to go out, and may be added to. */
  readonly posting?: ((batch: Array<Sent>) => void) | undefined
  /** A batch has gone out. */
  readonly posted: (batch: ReadonlyArray<Sent>) => void
  /** A batch has arrived, and none of its messages has been dealt with. */
  readonly arrived?: (() => void) | undefined
  readonly turns?: Turns<Received> | undefined
  /** A batch has arrived that cannot be read. */
  readonly garbled: (error: unknown) => void
  /** Dealing with a message threw. The other messages of its batch are dealt with all the same. */
  readonly failed: (error: unknown) => void
}

/** A browser hands out what has arrived piece by piece, and other messages may come in between. */
const RESTS = 3

export class Wire<Received, Sent> {
  private batch: Array<Sent> = []
  private scheduled = false
  /** Batches whose turn has not come. */
  private readonly ahead: Array<ReadonlyArray<Received>> = []
  /** Whether the event loop has its turn. */
  private resting = false
  private readonly port: Port
  private readonly on: WireEvents<Received, Sent>

  constructor(port: Port, on: WireEvents<Received, Sent>) {
    this.port = port
    this.on = on
    platform.listen(port, { message: (batch) => this.take(batch), garbled: on.garbled })
  }

  /** Sends a message with the next batch. One that moves something goes alone, since it cannot be sent twice. */
  post(message: Sent, moved?: ReadonlyArray<object>): void {
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
    this.on.posting?.(batch)
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
  postAlone(message: Sent, moved: ReadonlyArray<object> = []): void {
    const batch = [message]
    this.on.posting?.(batch)
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
      return platform.receive?.(this.port)
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
    this.on.arrived?.()
    this.ahead.push(batch)
    const { turns } = this.on
    if (turns === undefined || (!this.resting && !turns.isLate(batch))) return this.goOn()
    turns.foresee(batch)
    if (!this.resting) this.rest()
  }

  private goOn(): void {
    const { turns } = this.on
    const until = turns === undefined ? Infinity : performance.now() + turns.milliseconds
    for (let batch = this.ahead.shift(); batch !== undefined; batch = this.ahead.shift()) {
      const dealtWith = this.dealWith(batch, until)
      if (dealtWith < batch.length) {
        this.ahead.unshift(batch.slice(dealtWith))
        return this.rest()
      }
    }
  }

  /** Returns how many messages there was time for. */
  private dealWith(batch: ReadonlyArray<Received>, until: number): number {
    for (let i = 0; i < batch.length; i++) {
      if (until < Infinity && performance.now() > until) return i
      try {
        this.on.message(batch[i]!)
      } catch (error) {
        this.on.failed(error)
      }
    }
    return batch.length
  }

  private rest(turns = RESTS): void {
    this.resting = true
    turn(() => {
      if (turns > 1) return this.rest(turns - 1)
      this.resting = false
      this.goOn()
    })
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
    this.port.unref?.()
  }

  close(): void {
    this.port.close()
  }
}

/** Gives the event loop a turn. By a message, and not by a timer, which would wait for four milliseconds. */
const turn = (work: () => void): void => {
  const { port1, port2 } = new MessageChannel()
  const message = () => {
    port1.close()
    work()
  }
  platform.listen(port1, { message, garbled: message })
  port2.postMessage(undefined)
}
