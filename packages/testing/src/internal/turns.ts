/**
 * A schedule as turns: which thread ran up to which of its operations, one after the other.
 *
 * Choices hang on each other: of two that send a fiber away and back, neither can be left out alone. Turns can be joined:
 * one goes on where it was interrupted, or begins later, and what stood between them is done before or after. See Jalbert
 * and Sen, "A Trace Simplification Technique for Effective Debugging of Concurrent Programs", FSE 2010.
 */
import type { Plan } from "./plan.ts"
import { chosen } from "./strategy.ts"
import type { Chooser, Task, Thread } from "./thread.ts"

export interface Turn {
  readonly thread: number
  /** The number of its last operation in this turn. */
  readonly until: number
}

export type Turns = ReadonlyArray<Turn>

/** How a schedule went. */
export interface Went {
  readonly plan: Plan
  readonly turns: Turns
}

/** Runs threads in these turns, as far as they can run. What else is chosen is as in `plan`. */
export const inTurns = (turns: Turns, plan: Plan): Chooser => {
  let at = 0
  const threads = new Map<number, Thread>()
  /** Passes by turns that are over. */
  const pass = (): void => {
    while (at < turns.length && turns[at]!.until > 0 && turns[at]!.until <= done(turns[at]!.thread)) at++
  }
  const done = (id: number): number => threads.get(id)?.operations ?? 0
  /** The first turn before `end` of somebody who could run now, and the task with which to do it. */
  const next = (end: number, tasks: ReadonlyArray<Task>): readonly [turn: number, task: number] | undefined => {
    for (let turn = at; turn < end; turn++) {
      const { thread: id, until } = turns[turn]!
      const task = tasks.findIndex(({ thread }) => thread.id === id && (until > thread.operations || until === 0))
      if (task >= 0) return [turn, task]
    }
    return undefined
  }
  return {
    made: (thread) => threads.set(thread.id, thread),
    preempt: ({ id, operations }, tasks, onTop) => {
      // What it asks for is not done yet.
      if (turns[at]?.thread !== id || turns[at]!.until < operations) pass()
      const own = turns.findIndex(({ thread, until }, turn) => turn >= at && thread === id && until >= operations)
      // It does what it did not do then: nobody knows when.
      if (own < 0) return false
      if (own > at && (onTop || next(own, tasks) !== undefined)) return true
      at = own
      return false
    },
    pick: (tasks) => {
      const found = next(turns.length, tasks)
      if (found === undefined) return 0
      // A task without operations has had its turn when it is run.
      at = turns[found[0]]!.until === 0 ? found[0] + 1 : found[0]
      return found[1]
    },
    choose: chosen(plan)
  }
}

/** Joins two turns of a thread, the one at `index` and its next one: at the place of the first, or of the second. */
const joined = (turns: Turns, index: number, place: "first" | "second"): Turns | undefined => {
  const { thread } = turns[index]!
  const other = turns.findIndex((turn, i) => i > index && turn.thread === thread)
  if (other < 0) return undefined
  const left = turns.filter((_, i) => i !== (place === "first" ? other : index))
  return place === "first" ? left.with(index, turns[other]!) : left
}

/** Joins turns for as long as that makes the schedule shorter: first in choices, then in turns. */
export const joinTurns = async (
  went: Went,
  fails: (turns: Turns) => Promise<Went | undefined>,
  mayGoOn: () => boolean
): Promise<Went> => {
  let best = went
  for (let improved = true; improved; ) {
    improved = false
    for (let index = 0; index < best.turns.length && mayGoOn(); index++) {
      for (const place of ["first", "second"] as const) {
        const turns = index < best.turns.length ? joined(best.turns, index, place) : undefined
        const shorter = turns === undefined ? undefined : await fails(turns)
        if (shorter === undefined || !isShorter(shorter, best)) continue
        best = shorter
        improved = true
      }
    }
  }
  return best
}

const isShorter = (a: Went, b: Went): boolean =>
  a.plan.length < b.plan.length || (a.plan.length === b.plan.length && a.turns.length < b.turns.length)
