/**
 * Makes a failing schedule shorter: delta debugging, see Zeller and Hildebrandt, "Simplifying and Isolating
 * Failure-Inducing Input", IEEE Transactions on Software Engineering 28(2), 2002.
 */
import type { Plan } from "./plan.ts"

/** Runs a plan. Gives what was followed of it if it fails like the one that was found, else nothing. */
export type Fails = (plan: Plan) => Promise<Plan | undefined>

/** Leaves out ever smaller parts of a plan, while it still fails, until no single step and no two can be left out. */
export const minimise = async (plan: Plan, fails: Fails, mayGoOn: () => boolean): Promise<Plan> => {
  let best = await inParts(plan, fails, mayGoOn)
  for (;;) {
    const shorter = await withoutTwo(best, fails, mayGoOn)
    if (shorter === undefined) return best
    best = await inParts(shorter, fails, mayGoOn)
  }
}

const inParts = async (plan: Plan, fails: Fails, mayGoOn: () => boolean): Promise<Plan> => {
  let best = plan
  for (let parts = 1; best.length > 0 && mayGoOn(); ) {
    const size = Math.ceil(best.length / parts)
    const shorter = await withoutOnePart(best, size, fails, mayGoOn)
    if (shorter !== undefined) {
      best = shorter
      parts = Math.max(1, Math.min(parts - 1, best.length))
    } else if (size === 1) break
    else parts = Math.min(best.length, parts * 2)
  }
  return best
}

/** From the end, since what comes late in a schedule changes nothing of what comes before it. */
const withoutOnePart = async (plan: Plan, size: number, fails: Fails, mayGoOn: () => boolean) => {
  for (let end = plan.length; end > 0 && mayGoOn(); end -= size) {
    const followed = await fails([...plan.slice(0, Math.max(0, end - size)), ...plan.slice(end)])
    if (followed !== undefined && followed.length < plan.length) return followed
  }
  return undefined
}

/** Longer plans have too many pairs. */
const MOST_IN_PAIRS = 16

/** Of two steps that send a fiber away and back, neither can be left out alone. */
const withoutTwo = async (plan: Plan, fails: Fails, mayGoOn: () => boolean) => {
  if (plan.length > MOST_IN_PAIRS) return undefined
  for (let second = plan.length - 1; second > 0; second--) {
    for (let first = second - 1; first >= 0 && mayGoOn(); first--) {
      const followed = await fails(plan.filter((_, i) => i !== first && i !== second))
      if (followed !== undefined && followed.length < plan.length) return followed
    }
  }
  return undefined
}
