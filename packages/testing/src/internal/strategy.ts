/**
 * How schedules are chosen. A strategy makes one chooser after the other, and may learn from how they went.
 */
import { type Choice, type Pick, type Plan, type Preemption, placeOf } from "./plan.ts"
import { combine, Random } from "./random.ts"
import type { Chooser, Task } from "./thread.ts"

export interface Strategy {
  /** The chooser of the next schedule, or `undefined` when there is no other schedule left. */
  next(): Chooser | undefined
  /** The schedule has run, in so many steps. */
  ran(steps: number): void
  /** Whether every schedule within the bound has been run. */
  readonly complete: boolean
}

/** First come, first served, and nobody is preempted. */
export const plain: Chooser = { preempt: () => false, pick: () => 0, choose: () => 0 }

/** An outcome at random. */
const outcome =
  (random: Random): Chooser["choose"] =>
  (_, __, options, likelihood) =>
    random.fraction() < likelihood ? 1 + random.below(options - 1) : 0

// --- random walk -----------------------------------------------------------------------------------------------------

/**
 * How likely a preemption is before each operation, one schedule after the other. Races need few preemptions in the
 * right places, or many; and which of the two nobody knows.
 */
const RATES = [0.05, 0.3, 0.01, 0.1, 0, 0.5, 0.02, 0.2]

/** Any task may run next; any operation may be preceded by a preemption. */
const randomWalk = (random: Random, rate: number): Chooser => {
  const log = Math.log(1 - rate)
  // One draw for a whole run of operations without preemption: its length is distributed geometrically.
  const stretch = () => (rate === 0 ? Infinity : Math.floor(Math.log(1 - random.fraction()) / log))
  let left = stretch()
  return {
    preempt: () => {
      if (left-- > 0) return false
      left = stretch()
      return true
    },
    pick: (tasks) => random.below(tasks.length),
    choose: outcome(random)
  }
}

/** Few preemptions, and few changes of the order in which tasks came: what is found so is simple. */
export const sparse = (random: Random): Chooser => {
  const walk = randomWalk(random, 1 / (20 + random.below(200)))
  return {
    preempt: walk.preempt,
    pick: (tasks) => (random.below(8) === 0 ? random.below(tasks.length) : 0),
    choose: (name, count, options, likelihood) => walk.choose(name, count, options, likelihood / 4)
  }
}

// --- PCT -------------------------------------------------------------------------------------------------------------

/**
 * Probabilistic concurrency testing: every thread has a random priority, the highest one runs, and at `depth - 1` random
 * steps whoever runs falls below all others. It finds a bug that needs `depth` orderings with probability of at least
 * 1 / (n * k^(depth-1)), for n threads and k steps: see Burckhardt, Kothari, Musuvathi and Nagarakatte, "A Randomized
 * Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010.
 */
const pct = (random: Random, depth: number, steps: number): Chooser => {
  // Priorities are fractions of 1. Whoever runs at a change point falls below all of them, and below or above those that
  // fell at other points: the points are in no order, and the first of the list is the highest.
  const changes = Array.from({ length: depth - 1 }, () => random.below(Math.max(1, steps)))
  const low = new Map(changes.map((step, index) => [step, -1 - index]))
  let step = 0
  const highest = (tasks: ReadonlyArray<Task>): number => {
    let best = 0
    for (let i = 1; i < tasks.length; i++) {
      if (tasks[i]!.thread.priority > tasks[best]!.thread.priority) best = i
    }
    return best
  }
  return {
    made: (thread) => {
      thread.priority = random.fraction()
    },
    preempt: (thread, tasks) => {
      const change = low.get(step++)
      if (change !== undefined) thread.priority = change
      if (tasks.length === 0) return change !== undefined
      return tasks[highest(tasks)]!.thread.priority > thread.priority
    },
    pick: highest,
    choose: outcome(random)
  }
}

// --- both, by turns --------------------------------------------------------------------------------------------------

/** What a guess at the number of steps is before any schedule has run. */
const FIRST_GUESS = 100

/** The first schedule is the plain one: who fails there has no race, but a bug. */
export const sampling = (kind: "mixed" | "random" | "pct", seed: number, depth: number): Strategy => {
  let index = 0
  let longest = FIRST_GUESS
  const walk = (n: number) => randomWalk(new Random(combine(seed, index)), RATES[n % RATES.length]!)
  const priorities = (n: number) => pct(new Random(combine(seed, index)), kind === "pct" ? depth : 2 + (n % 3), longest)
  const choose = (n: number): Chooser => {
    if (kind === "random") return walk(n)
    if (kind === "pct") return priorities(n)
    return n % 2 === 0 ? walk(n >> 1) : priorities(n >> 1)
  }
  return {
    next: () => {
      const chooser = index === 0 ? plain : choose(index - 1)
      index++
      return chooser
    },
    ran: (steps) => {
      if (steps > longest || index === 1) longest = steps
    },
    complete: false
  }
}

// --- all of them -----------------------------------------------------------------------------------------------------

/**
 * Every schedule with at most `bound` preemptions, those with fewer first: iterative context bounding, see Musuvathi and
 * Qadeer, "Iterative Context Bounding for Systematic Testing of Multithreaded Programs", PLDI 2007. Changes of turn where
 * a thread has to wait cost nothing.
 */
export const exhaustive = (bound: number): Strategy => new Exhaustive(bound)

class Exhaustive implements Strategy {
  complete = false
  private isFirst = true
  private preemptions = 0
  /** The choices of the present schedule: which was made, of how many. */
  private path: Array<{ chosen: number; readonly options: number }> = []
  /** Whether a preemption was ruled out only by the bound. */
  private bounded = false
  private readonly bound: number

  constructor(bound: number) {
    this.bound = bound
  }

  next(): Chooser | undefined {
    if (this.isFirst) this.isFirst = false
    else this.complete = !this.advance() && !this.raise()
    return this.complete ? undefined : this.chooser()
  }

  ran(): void {}

  /** The next schedule with as many preemptions, if there is one. */
  private advance(): boolean {
    for (let last = this.path.at(-1); last !== undefined; last = this.path.at(-1)) {
      if (++last.chosen < last.options) return true
      this.path.pop()
    }
    return false
  }

  /** Begins again with one preemption more, where that makes a difference. */
  private raise(): boolean {
    if (!this.bounded || this.preemptions === this.bound) return false
    this.preemptions++
    this.bounded = false
    return true
  }

  private chooser(): Chooser {
    let depth = 0
    let used = 0
    const choose = (options: number): number => {
      if (depth === this.path.length) this.path.push({ chosen: 0, options })
      // There may be fewer options than before, if the program does not do the same each time.
      return Math.min(this.path[depth++]!.chosen, options - 1)
    }
    /** What counts like a preemption, unless it is the first of the options. */
    const counted = (options: number): number => {
      if (used === this.preemptions) {
        this.bounded = true
        return 0
      }
      const chosen = choose(options)
      if (chosen > 0) used++
      return chosen
    }
    return {
      preempt: () => counted(2) > 0,
      pick: (tasks, previous) => {
        // Whoever was preempted waits for at least one other: to go on at once is the schedule without the preemption.
        const last = tasks.length - 1
        const own = tasks[last]!.resumes && tasks[last]!.thread === previous
        return choose(own ? last : tasks.length)
      },
      // What seldom happens counts like a preemption.
      choose: (_, __, options) => counted(options)
    }
  }
}

// --- a plan ----------------------------------------------------------------------------------------------------------

/** Follows a plan. Steps of it that cannot be taken are left out. */
export const follow = (plan: Plan): Chooser => {
  const preemptions = places(plan.filter((step) => step._tag === "Preempt"))
  const picks = places(plan.filter((step) => step._tag === "Pick"))
  /** Who goes on after the preemption that has just been. */
  let instead: number | undefined
  return {
    preempt: ({ id, operations }) => {
      const step = preemptions.get(id)?.get(operations)
      instead = step?.next
      return step !== undefined
    },
    pick: (tasks, previous, preempted) => {
      const next = preempted ? instead : picks.get(previous.id)?.get(previous.operations)?.next
      const index = next === undefined ? 0 : tasks.findIndex((task) => task.thread.id === next)
      return Math.max(0, index)
    },
    choose: chosen(plan)
  }
}

/** The steps of one kind, by thread and operation. */
const places = <S extends Preemption | Pick>(steps: ReadonlyArray<S>): Map<number, Map<number, S>> => {
  const places = new Map<number, Map<number, S>>()
  for (const step of steps) {
    places.set(step.thread, (places.get(step.thread) ?? new Map<number, S>()).set(step.operation, step))
  }
  return places
}

/** The outcomes that a plan names, as far as the program has so many. */
export const chosen = (plan: Plan): Chooser["choose"] => {
  const choices = plan.filter((step): step is Choice => step._tag === "Choose")
  const outcomes = new Map(choices.map(({ outcome, place }) => [place, outcome]))
  return (name, count, options) => Math.min(outcomes.get(placeOf(name, count)) ?? 0, options - 1)
}
