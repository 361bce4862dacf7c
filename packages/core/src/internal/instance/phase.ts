/**
 * How far an instance is on its way, and waiting for it to get there.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { Instance } from "../call/call.ts"
import { Transition } from "../call/transition.ts"
import * as waiting from "../call/waiting.ts"
import { search } from "../call/waits.ts"

/**
 * How far an instance is on its way to its end. It never goes back.
 *
 * Numbers and not objects: each call that comes and each that leaves asks for it, and one comparison answers. What goes
 * with a phase, its {@link Death}, is the same from the first one after `Open` on.
 */
export const Phase = {
  /** It accepts calls. */
  Open: 0,
  /** It accepts none, and ends when those that it has are done. */
  Stopping: 1,
  /** Its calls are being ended. */
  Dying: 2,
  /** It has no calls any more. Its constructor is ended, then its Scope closes. */
  Closing: 3,
  /** Its finalizers have run. */
  Gone: 4
} as const
export type Phase = (typeof Phase)[keyof typeof Phase]

/** What goes through the phases. It is a part of the life of an instance, and no object of its own. */
export class Phased<Cell extends Instance> {
  phase: Phase = Phase.Open
  /** The constructor under way: that of the first life, or of the next one. */
  start: Transition | undefined = undefined
  /** The end, once something waits for it, or it takes time. */
  end: Transition | undefined = undefined

  declare readonly cell: Cell

  constructor(cell: Cell) {
    this.cell = cell
  }

  get isClosing(): boolean {
    return this.phase >= Phase.Closing
  }

  get isGone(): boolean {
    return this.phase === Phase.Gone
  }

  /** The constructor is about to run. */
  starts(): Transition {
    this.start = new Transition(this.cell, "start")
    return this.start
  }

  /** What keeps the instance from its end may wait for just that. */
  recheckEnd(): void {
    if (this.end !== undefined && this.end.dependents > 0) search.check(this.end)
  }

  transitionOn(fiber: Fiber.Fiber<unknown, unknown>): Transition | undefined {
    if (this.start?.fiber === fiber) return this.start
    return this.end?.fiber === fiber ? this.end : undefined
  }

  /** Succeeds when the constructor under way has ended, or all of an instance that is ending. Dies of a deadlock. */
  get over(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const transition = this.phase === Phase.Open ? this.start : this.ending
      if (transition === undefined || this.isGone) return resume(Effect.void)
      const told = (exit: Exit.Exit<any, any>) =>
        resume(exit._tag === "Success" ? Effect.void : Exit.die(Cause.squash(exit.cause)))
      return Effect.sync(waiting.observe(transition, false, told))
    })
  }

  protected get ending(): Transition {
    this.end ??= new Transition(this.cell, "end")
    return this.end
  }

  /** Succeeds when the instance is gone, or when that would be waiting for oneself. If `firm`, it waits all the same. */
  ended(firm = false): Effect.Effect<void> {
    return Effect.callback((resume) => {
      if (this.isGone) return resume(Effect.void)
      return Effect.sync(waiting.observe(this.ending, false, () => resume(Effect.void), firm))
    })
  }
}
