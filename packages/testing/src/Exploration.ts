/**
 * For authors of simulations: the part of the world outside that a program talks to, such as a network, a database or a
 * payment service, played by the explorer.
 *
 * A simulation asks the schedule what happens: a request takes long, or gets lost. What is chosen belongs to the schedule
 * like a preemption does: it is replayed with it, and left out where the program fails without it.
 *
 * Programs that are explored do not need this module.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as internal from "./internal/exploration.ts"

/**
 * The schedule that a program runs under, as simulations see it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Exploration {
  /** The milliseconds of virtual time that have passed. */
  readonly now: () => number
  /** Runs a task when those have run that are waiting. */
  readonly soon: (task: () => void) => void
  /**
   * Runs a task at a moment of virtual time, in milliseconds: as soon as nothing else can run before. Returns what takes it
   * back, until that moment.
   */
  readonly at: (millis: number, task: () => void) => () => void
  /**
   * Which of `options` outcomes happens: a number from 0, what usually happens, up to `options - 1`. `likelihood` is that of
   * all outcomes but 0 together, where outcomes are drawn; the first schedule has 0 everywhere. `name` says what is chosen.
   * Make it say where, too, so that a choice keeps its meaning when others are left out: choices are told apart by their
   * names, and by how many choices of that name came before.
   */
  readonly choose: (name: string, options: number, likelihood: number) => number
  /** A number of at least 0 and below 1, which follows from the seed. It is no choice: it is never left out. */
  readonly random: () => number
  /** Says in the report of a failure what happens, and to whom. */
  readonly note: (who: string, what: string) => void
  /** Whether notes are printed: most schedules run without. */
  readonly traced: boolean
}

/**
 * The schedule that a program runs under, or `undefined` outside of `Explore`.
 *
 * @category references
 * @since 0.1.0
 */
export const Exploration: Context.Reference<Exploration | undefined> = internal.Exploration
