/**
 * Whether an instance waits for the work that a fiber does: then that fiber must not wait for the end of the instance
 * (semantics 6.3).
 *
 * It does if the fiber works for an unsettled call of the instance, or for a call that such a call waits for, directly or
 * through others; and if it runs the constructor of the instance, or its finalizers. A fiber that only descends from
 * a call that has settled is not waited for.
 */
import type * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import { ActorContext } from "../../ActorContext.ts"
import { descends } from "../base/effectInternals.ts"
import { Call, type Instance, Stage } from "./call.ts"
import { CurrentCallKey, current } from "./currentCall.ts"
import { isRef, type Ref } from "./ref.ts"
import { Transition } from "./transition.ts"
import type { Wait, Waiter } from "./waits.ts"

/** A search that comes by so many calls gives up. */
const MAX_CALLS = 10_000

export const waitsForFiber = (cell: Instance, fiber: Fiber.Fiber<unknown, unknown>): boolean => {
  if (worksFor(cell.life.start, fiber, cell) || worksFor(cell.life.end, fiber, cell)) return true
  const call = current(fiber.context)
  if (call === undefined) return false
  const asked = askersOf(call)
  return reaches(cell, asked)
}

/** Whether the work of a constructor or of finalizers is done by a fiber, or by what that has forked. */
const worksFor = (transition: Waiter | undefined, fiber: Fiber.Fiber<unknown, unknown>, cell: Instance): boolean =>
  transition?.fiber !== undefined &&
  descends(fiber, transition.fiber as Fiber.Fiber<unknown, unknown>, ({ context }) => isOfInstance(cell, context))

/** Whether what runs in a context is of an instance, and of no call. */
const isOfInstance = (cell: Instance, context: Context.Context<never>): boolean =>
  context.mapUnsafe.get(ActorContext.key) === cell && context.mapUnsafe.get(CurrentCallKey) === undefined

/** A call, the call that asked for it, the one that asked for that, and so on. A submitter that only has the ref does not wait. */
const askersOf = (call: Call): ReadonlySet<Call> => {
  const found = new Set([call])
  for (let asked = call, asker = current(call.context); asker !== undefined && !found.has(asker); ) {
    if (!asked.isBeingAsked && !waitsOf(asker).some((ref) => ref === asked)) break
    found.add(asker)
    asked = asker
    asker = current(asked.context)
  }
  return found
}

/** Whether the end of an instance waits for one of these calls, if not in line for a permit. */
const reaches = (cell: Instance, calls: ReadonlySet<Call>): boolean => {
  // Among them may be calls that are on the JavaScript stack, and in no list yet.
  const cells = new Set([...calls].map(({ line }) => line.cell))
  if (cells.has(cell)) return true
  const seen = new Set<Ref>(keepsFromEnd(cell))
  for (const ref of seen) {
    if (calls.has(ref as Call)) return true
    if (seen.size >= MAX_CALLS) return false
    const isEnd = ref instanceof Transition && ref.part === "end"
    if (isEnd && cells.has(ref.cell)) return true
    if (ref instanceof Call || ref instanceof Transition) for (const next of waitsOf(ref)) seen.add(next)
    if (isEnd) for (const next of keepsFromEnd(ref.cell)) seen.add(next)
  }
  return false
}

const keepsFromEnd = (cell: Instance): Array<Ref> => {
  const transitions = [cell.life.start, cell.life.end].filter((transition) => transition !== undefined)
  return [...cell.running.toArray(), ...cell.preparingCalls(), ...transitions]
}

/** What a call or a transition waits for, on any fiber. */
const waitsOf = (waiter: Call | Transition): Array<Ref> => {
  if (waiter instanceof Call && waiter.stage === Stage.Preparing && waiter.passage === undefined)
    return waiter.args.filter(isRef)
  const refs: Array<Ref> = []
  for (let wait: Wait | undefined = waiter.waits; wait !== undefined; wait = wait.next) refs.push(...wait.open())
  return refs
}
