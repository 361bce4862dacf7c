/**
 * A plan: in what a schedule differs from the plain one, in which tasks run first come, first served, and nobody is
 * preempted. It is what a schedule is recorded as, replayed from and made shorter.
 *
 * A step names threads and their own operations, not places in the whole run: so the rest of a plan keeps its meaning,
 * as far as it can, when a step of it is left out.
 */
export interface Preemption {
  readonly _tag: "Preempt"
  /** The thread that is preempted before its operation number `operation`. */
  readonly thread: number
  readonly operation: number
  /** Who goes on instead, if it is not the one whose turn it is. */
  readonly next?: number | undefined
}

export interface Pick {
  readonly _tag: "Pick"
  /** When `thread` has stopped after `operation` operations ... */
  readonly thread: number
  readonly operation: number
  /** ... this one goes on. */
  readonly next: number
}

/** What happens at a place that the program names, if it is not what usually happens. */
export interface Choice {
  readonly _tag: "Choose"
  /** The name, and how many choices of this name came before: `kill_1~2s`. */
  readonly place: string
  readonly outcome: number
}

export type Step = Preemption | Pick | Choice

export type Plan = ReadonlyArray<Step>

const VERSION = "1"

const word = (n: number): string => (n >>> 0).toString(36)

/** The place of the choice number `count` of a name. */
export const placeOf = (name: string, count: number): string => `${name}~${word(count)}`

const stepText = (step: Step): string => {
  if (step._tag === "Choose") return `${step.place}=${word(step.outcome)}`
  const { _tag, next, operation, thread } = step
  const place = `${word(thread)}@${word(operation)}`
  return next === undefined ? place : `${place}${_tag === "Pick" ? ">" : "!"}${word(next)}`
}

/** A plan and the seed of the program's own random numbers, as text that can be copied. */
export const print = (seed: number, plan: Plan): string => [VERSION, word(seed), ...plan.map(stepText)].join(".")

/** Says of how many of its steps a run did not come to the place. */
export const missed = (plan: Plan, followed: Plan): string => {
  const met = new Set(followed.map(stepText))
  const { length } = plan.filter((step) => !met.has(stepText(step)))
  if (length === 0) return ""
  return `, less ${length} of its ${plan.length} choices, to which this program does not come: if it has changed since, search again`
}

const number = (text: string): number => {
  const n = /^[0-9a-z]{1,7}$/.test(text) ? Number.parseInt(text, 36) : Number.NaN
  if (n < 2 ** 32) return n | 0
  throw new RangeError(`"${text}" is no part of a schedule`)
}

const parseStep = (text: string): Step => {
  const choice = /^(\w+~\w+)=(\w+)$/.exec(text)
  if (choice !== null) return { _tag: "Choose", place: choice[1]!, outcome: number(choice[2]!) }
  const match = /^(\w+)@(\w+)(?:([>!])(\w+))?$/.exec(text)
  if (match === null) throw new RangeError(`"${text}" is no step of a schedule`)
  const [, thread = "", operation = "", sign, next] = match
  const place = { thread: number(thread), operation: number(operation) }
  if (next === undefined) return { _tag: "Preempt", ...place }
  return { _tag: sign === ">" ? "Pick" : "Preempt", ...place, next: number(next) }
}

/** Reads what {@link print} wrote. Throws a `RangeError` for anything else. */
export const parse = (text: string): { readonly seed: number; readonly plan: Plan } => {
  const [version, seed = "", ...steps] = text.trim().split(".")
  if (version !== VERSION) {
    throw new RangeError(`Not a schedule: "${text}". It is the text after "schedule" in the report of a failure`)
  }
  return { seed: number(seed), plan: steps.map(parseStep) }
}
