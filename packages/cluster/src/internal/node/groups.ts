/**
 * Work that is done in groups: one group at a time, with everything that has come in the same turn of the event loop, or
 * while the group before was at work.
 *
 * An item that comes alone waits for no other, so it takes as long as its work does.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/** Enough to share what a group costs, few enough not to hold others up. */
const MAX_GROUP = 500
/** How long an interruption waits for a group at work: after it nothing is known of the item. */
const LEAVE_TIMEOUT = "1 second"

/** An item, and whether its fiber still waits for it. */
export class Entry<A, B, E> {
  left = false
  readonly item: A
  private readonly resume: (exit: Exit.Exit<B, E>) => void
  private over: (() => void) | undefined

  constructor(item: A, resume: (exit: Exit.Exit<B, E>) => void) {
    this.item = item
    this.resume = resume
  }

  end(exit: Exit.Exit<B, E>): void {
    this.resume(exit)
    this.over?.()
  }

  readonly ended: Effect.Effect<void> = Effect.callback((resume) => {
    this.over = () => resume(Effect.void)
  })
}

/** Does the work of a group, and gives the results in the order of its items. */
export type Work<A, B, E> = (group: ReadonlyArray<Entry<A, B, E>>) => Effect.Effect<ReadonlyArray<Exit.Exit<B, E>>>

export class Groups<A, B, E> {
  private waiting: Array<Entry<A, B, E>> = []
  /** Whether a group is at work, or gets its turn in a moment. */
  private busy = false
  private readonly work: Work<A, B, E>
  private readonly context: Context.Context<never>

  constructor(work: Work<A, B, E>, context: Context.Context<never>) {
    this.work = work
    this.context = context
  }

  do(item: A): Effect.Effect<B, E> {
    return Effect.callback((resume) => {
      const entry = new Entry<A, B, E>(item, resume)
      this.waiting.push(entry)
      this.gather()
      return Effect.suspend(() => this.leave(entry))
    })
  }

  private gather(): void {
    if (this.busy) return
    this.busy = true
    queueMicrotask(() => this.next())
  }

  private next(): void {
    this.busy = this.waiting.length > 0
    if (!this.busy) return
    const group = this.waiting.splice(0, MAX_GROUP)
    const fiber = Effect.runForkWith(this.context)(this.work(group))
    fiber.addObserver((exits) => {
      this.next()
      for (const [index, entry] of group.entries()) {
        entry.end(Exit.isSuccess(exits) ? exits.value[index]! : Exit.failCause(exits.cause))
      }
    })
  }

  /** Takes an item back that waits. Of one that is at work it is known only later whether it was done. */
  private leave(entry: Entry<A, B, E>): Effect.Effect<void> {
    entry.left = true
    const index = this.waiting.indexOf(entry)
    if (index < 0) return Effect.asVoid(Effect.timeoutOption(Effect.interruptible(entry.ended), LEAVE_TIMEOUT))
    this.waiting.splice(index, 1)
    return Effect.void
  }
}
