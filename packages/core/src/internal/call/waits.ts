/**
 * Which refs a call waits for.
 *
 * A record is made only where a fiber that works for a call has to wait, and is gone when the wait is over. It serves
 * those who ask what a call is doing, and the search for deadlocks.
 */
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { shared } from "../base/copies.ts"
import type { Interruptible } from "../base/effectInternals.ts"
import { isRef, type Observer, type Ref } from "./ref.ts"

/** What may wait: a call, the start or the end of an instance, or the reader of a stream. */
export interface Waiter {
  readonly id: number
  /** How people call it. */
  readonly origin: string
  /** On what it works, if that is known. */
  readonly fiber: Interruptible | undefined
  /** What its fibers wait for. */
  waits: Wait | undefined
}

/** What is waited for, and ends when any of these goes on: readers that have no room, for one who publishes. */
export interface Blocked extends Waiter {
  blockers(): Iterable<Waiter | undefined>
}

export const isBlocked = (u: Ref | Waiter): u is (Ref | Waiter) & Blocked => "blockers" in u

interface Search {
  /** Call when `waiter` has begun to wait for something, or waits for less than before. */
  check(waiter: Waiter): void
  /** Call when room has gone to others: calls were found to wait for it, and not to be stuck, that may be so now. */
  checkRoom(cell: { readonly actor: string }): void
}

/**
 * What looks for a deadlock. It comes with what defines actors, tasks, pools and middleware that run here: where there are
 * only refs, and what stands for instances elsewhere, no call waits for another, and a bundle has no search.
 */
export const search: Search = /* @__PURE__ */ shared<Search>("search", { check() {}, checkRoom() {} })

/** One fiber that works for `waiter` and waits for one ref or for several. */
export class Wait {
  /** Neighbours in the list of the waits of a call, most of which have one. */
  previous: Wait | undefined = undefined
  next: Wait | undefined = undefined
  /** Stops waiting. The code that waits sets it. */
  leave: (() => void) | undefined = undefined
  /** How many refs it has not been told of yet. Told is later than settled, where the stack is deep. */
  declare untold: number
  /** All refs before this one have settled. */
  private first = 0

  declare readonly waiter: Waiter
  declare readonly fiber: Fiber.Fiber<unknown, unknown>
  declare private readonly refs: Ref | ReadonlyArray<Ref>
  /** Whether the ref is that of a call which was submitted for this very wait. */
  declare readonly asked: boolean
  /** Ends the wait. Some cannot be ended: what makes the next instance of a key has to wait for the end of the last. */
  declare readonly resume: Observer | undefined

  constructor(
    waiter: Waiter,
    fiber: Fiber.Fiber<unknown, unknown>,
    refs: Ref | ReadonlyArray<Ref>,
    asked: boolean,
    resume: Observer | undefined
  ) {
    this.waiter = waiter
    this.fiber = fiber
    this.refs = refs
    this.asked = asked
    this.resume = resume
    this.untold = isRef(refs) ? 1 : refs.filter(({ exit }) => exit === undefined).length
    this.next = waiter.waits
    if (waiter.waits !== undefined) waiter.waits.previous = this
    waiter.waits = this
    if (isRef(refs)) refs.dependents++
    else depend(refs, 1)
  }

  /** The first ref that has not settled. Finding it time and again is linear over the life of the wait. */
  firstOpen(): Ref | undefined {
    const { refs } = this
    if (isRef(refs)) return refs.exit === undefined ? refs : undefined
    while (this.first < refs.length && refs[this.first]!.exit !== undefined) this.first++
    return refs[this.first]
  }

  /** The refs that have not settled. */
  open(): ReadonlyArray<Ref> {
    const first = this.firstOpen()
    if (first === undefined) return []
    return isRef(this.refs) ? [first] : this.refs.slice(this.first).filter(({ exit }) => exit === undefined)
  }

  /** Ends the wait with a failure of ours. */
  fail(exit: Exit.Exit<never, unknown>): void {
    this.leave?.()
    this.resume?.(exit)
  }

  /** Forgets the wait, which is over. */
  end(): void {
    const { next, previous, refs, waiter } = this
    if (previous !== undefined) previous.next = next
    else if (waiter.waits === this) waiter.waits = next
    else return
    if (next !== undefined) next.previous = previous
    this.previous = this.next = undefined
    if (isRef(refs)) refs.dependents--
    else depend(refs, -1)
  }
}

/** Counts whose calls wait for a ref. */
export const depend = (refs: ReadonlyArray<Ref>, change: 1 | -1): void => {
  for (const ref of refs) ref.dependents += change
}
