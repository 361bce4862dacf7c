/** An async method on a class, guarded by a promise semaphore written by hand: what one writes without any library. */
import { setImmediate, setTimeout } from "node:timers/promises"
import { Effect } from "effect"
import { type Contender, type Gate, type PromiseCounter, plainLifecycle, type Settings, SLEEP_MS } from "./contender.ts"

interface Waiter {
  readonly resume: () => void
  next: Waiter | undefined
}

/** First in, first out. A linked list, because shifting a long array is quadratic. */
export class PromiseSemaphore {
  free: number
  head: Waiter | undefined
  tail: Waiter | undefined

  constructor(permits: number) {
    this.free = permits
  }

  async acquire(): Promise<void> {
    if (this.free > 0) {
      this.free--
      return
    }
    await new Promise<void>((resume) => {
      const waiter: Waiter = { resume, next: undefined }
      if (this.tail) this.tail.next = waiter
      else this.head = waiter
      this.tail = waiter
    })
  }

  /** Hands the permit straight to the next waiter, so that nobody can overtake. */
  release(): void {
    const waiter = this.head
    if (waiter === undefined) {
      this.free++
      return
    }
    this.head = waiter.next
    if (this.head === undefined) this.tail = undefined
    waiter.resume()
  }
}

export class RawCounter {
  value = 0
  readonly semaphore: PromiseSemaphore
  readonly gate: Gate | undefined

  constructor(limit: number, gate?: Gate) {
    this.semaphore = new PromiseSemaphore(limit)
    this.gate = gate
  }

  async count(by: number): Promise<number> {
    await this.semaphore.acquire()
    try {
      return this.add(by)
    } finally {
      this.semaphore.release()
    }
  }

  async hop(by: number): Promise<number> {
    await this.semaphore.acquire()
    try {
      await setImmediate()
      return this.add(by)
    } finally {
      this.semaphore.release()
    }
  }

  async sleep(by: number): Promise<number> {
    await this.semaphore.acquire()
    try {
      await setTimeout(SLEEP_MS)
      return this.add(by)
    } finally {
      this.semaphore.release()
    }
  }

  async gated(by: number): Promise<number> {
    await this.semaphore.acquire()
    try {
      if (!this.gate!.isOpen) await this.gate!.opened
      return this.add(by)
    } finally {
      this.semaphore.release()
    }
  }

  add(by: number): number {
    this.value += by
    return this.value
  }
}

const open = ({ work, limit, gate }: Settings): PromiseCounter => {
  const counter = new RawCounter(limit, gate)
  switch (work) {
    case "count":
      return { dialect: "promise", call: (by) => counter.count(by) }
    case "hop":
      return { dialect: "promise", call: (by) => counter.hop(by) }
    case "sleep":
      return { dialect: "promise", call: (by) => counter.sleep(by) }
    case "gate":
      return { dialect: "promise", call: (by) => counter.gated(by) }
  }
}

export const raw: Contender = {
  name: "raw",
  open: (settings) => Effect.sync(() => open(settings)),
  lifecycle: plainLifecycle({
    start: () => new RawCounter(1000),
    stop: () => {},
    counter: (actor) => ({ dialect: "promise", call: (by) => actor.count(by) })
  }),
  notes: { actors: "a bare object: nothing to start, nothing to stop" }
}
