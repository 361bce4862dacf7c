/**
 * Finds races: runs a program under many schedules, each chosen by a seed, and shows the shortest one that fails.
 *
 * A program is an Effect that makes actors, does things at the same time and asserts what has to hold. Usually it runs
 * under one schedule, the same each time. Here the explorer's scheduler decides which fiber goes next, and may preempt
 * a fiber before any of its operations; time is virtual and passes when nothing else can run; `Random` is seeded. So a
 * schedule that fails once fails each time it is replayed.
 *
 * Not every failure needs an assertion: a deadlock, a program that does not end, a ref that never settles, a leaked
 * fiber and an unobserved failure count by themselves.
 *
 * It does not see JavaScript between two operations, and does not control real I/O, other threads, `Date.now` and
 * `Math.random`.
 *
 * @since 0.1.0
 */
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Explorer, type Failed, type Settings } from "./internal/explore.ts"
import { parse } from "./internal/plan.ts"
import type { Kind } from "./internal/run.ts"

/**
 * How to choose schedules.
 *
 * - `"mixed"`: random walks and PCT by turns.
 * - `"random"`: any task may run next, and fibers are preempted at random, in some schedules often and in some rarely.
 * - `"pct"`: every thread has a random priority, the highest one runs, and at a few random steps priorities change. It
 *   finds a bug of a given depth with a known probability (Burckhardt et al., ASPLOS 2010).
 * - `"exhaustive"`: every schedule with at most `preemptions` preemptions, for small programs (Musuvathi and Qadeer,
 *   PLDI 2007). It ends early when it has run them all, and the report says so.
 *
 * @category options
 * @since 0.1.0
 */
export type Strategy = "mixed" | "random" | "pct" | "exhaustive"

/**
 * What can be wrong with a schedule: the program failed; nothing can run any more; there is no end in sight; a ref has
 * not settled; a fiber still lives; a call failed and its ref was not observed.
 *
 * @category models
 * @since 0.1.0
 */
export type FailureKind = "Failure" | "Deadlock" | "Livelock" | "UnsettledRefs" | "LeakedFibers" | "UnobservedFailures"

/**
 * Options of {@link check}.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** How many schedules to run at most. Default 1000. */
  readonly schedules?: number | undefined
  /** The seed of all choices: an integer. Default 1, so that each run of a test does the same. */
  readonly seed?: number | undefined
  /** Default `"mixed"`. */
  readonly strategy?: Strategy | undefined
  /** How many ordered events the bugs need that `"pct"` looks for: an integer of at least 1. Default 3. */
  readonly depth?: number | undefined
  /** How many preemptions `"exhaustive"` allows: an integer of at least 0. Default 2. */
  readonly preemptions?: number | undefined
  /** After how many operations a program counts as never ending. Default 100,000. */
  readonly maxSteps?: number | undefined
  /** The time limit, in real time. Then the check ends with the schedules that it has run. Default 30 seconds. */
  readonly timeout?: Duration.Input | undefined
  /** What not to count as a failure of a program that has succeeded. Default: nothing. */
  readonly ignore?: ReadonlyArray<"UnsettledRefs" | "LeakedFibers" | "UnobservedFailures"> | undefined
}

/**
 * The report of {@link check} when no schedule failed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Report {
  /** How many schedules were run. */
  readonly schedules: number
  /**
   * Whether these were all schedules with at most `preemptions` preemptions, which only `"exhaustive"` can tell. A
   * failure that takes more of them may remain.
   */
  readonly complete: boolean
  /** The same in words: `every schedule with at most 2 preemptions: 119 in all. There may be failures that take more`. */
  readonly covered: string
  /** How many operations and tasks were run in all schedules together. */
  readonly steps: number
  readonly seed: number
  readonly millis: number
  /** Schedules per second. */
  readonly perSecond: number
}

/**
 * A schedule failed. The message shows how, as an interleaving of the program's own lines.
 *
 * `schedule` is what {@link replay} takes, `cause` is the program's own error if it failed with one.
 *
 * @category errors
 * @since 0.1.0
 */
export class ExploreError extends Data.TaggedError("ExploreError")<{
  readonly kind: FailureKind
  /** The shortest schedule found that fails in this way. */
  readonly schedule: string
  /** How many schedules it took to find one that fails. */
  readonly schedules: number
  /** How often a fiber is preempted in the shortest schedule. */
  readonly preemptions: number
  /** The seed of the search. */
  readonly seed: number
  readonly message: string
  readonly cause?: unknown
}> {}

const integer = (option: string, value: number, min: number): number => {
  if (Number.isInteger(value) && value >= min) return value
  throw new RangeError(`Explore: ${option} must be an integer of at least ${min}, but is ${value}`)
}

const strategies: ReadonlyArray<Strategy> = ["mixed", "random", "pct", "exhaustive"]

const millis = (value: Duration.Input): number => {
  const duration = Home.durationOf(value)
  const millis = duration === undefined ? Number.NaN : Duration.toMillis(duration)
  if (millis > 0) return millis
  throw new RangeError(`Explore: timeout must be a duration above 0, like "30 seconds", but is ${Home.show(value)}`)
}

const known: { readonly [K in keyof Options]-?: true } = {
  schedules: true,
  seed: true,
  strategy: true,
  depth: true,
  preemptions: true,
  maxSteps: true,
  timeout: true,
  ignore: true
}

const ignorable: ReadonlyArray<Kind> = ["UnsettledRefs", "LeakedFibers", "UnobservedFailures"]

const ignored = (given: Options["ignore"] = []): ReadonlySet<Kind> => {
  const other = Array.isArray(given) ? given.find((kind) => !ignorable.includes(kind)) : given
  if (other === undefined) return new Set(given)
  throw new RangeError(`Explore: ignore is an array of ${ignorable.join(", ")}, but has ${Home.show(other)}`)
}

/** From untyped code it may be anything. */
const checkProgram = (operation: string, program: unknown): void => {
  if (!Effect.isEffect(program)) throw new TypeError(`${operation} takes an Effect, but got ${Home.noEffect(program)}`)
}

const settingsOf = (options: Options): Settings => {
  Home.checkOptions("Explore", options, known)
  const strategy = options.strategy ?? "mixed"
  if (!strategies.includes(strategy)) {
    throw new RangeError(`Explore: strategy must be one of ${strategies.join(", ")}, but is ${Home.show(strategy)}`)
  }
  return {
    schedules: integer("schedules", options.schedules ?? 1000, 1),
    seed: integer("seed", options.seed ?? 1, Number.MIN_SAFE_INTEGER),
    strategy,
    depth: integer("depth", options.depth ?? 3, 1),
    preemptions: integer("preemptions", options.preemptions ?? 2, 0),
    maxSteps: integer("maxSteps", options.maxSteps ?? 100_000, 1),
    timeout: millis(options.timeout ?? "30 seconds"),
    ignore: ignored(options.ignore)
  }
}

const outcome =
  (seed: number) =>
  (result: Report | Failed): Effect.Effect<Report, ExploreError> => {
    if (!("verdict" in result)) return Effect.succeed(result)
    const { message, preemptions, schedule, schedules, verdict } = result
    return Effect.fail(
      new ExploreError({
        kind: verdict.kind,
        schedule,
        schedules,
        preemptions,
        seed,
        message,
        ...(verdict.cause === undefined ? undefined : { cause: Cause.squash(verdict.cause) })
      })
    )
  }

/**
 * Runs `program` under many schedules. Succeeds with a {@link Report} when all of them end well, and fails at the first
 * one that does not, with the shortest schedule found that fails in the same way.
 *
 * Each schedule runs the program from its start, with its own `ActorSystem`, `Scope`, clock and `Random`. State that
 * the program keeps outside itself carries over from schedule to schedule, so make everything inside.
 *
 * **Example** (an update that gets lost)
 *
 * ```ts
 * import { Explore } from "@troupe/testing"
 * import { Effect, Ref } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const count = yield* Ref.make(0)
 *   const increment = Effect.gen(function* () {
 *     const before = yield* Ref.get(count)
 *     yield* Ref.set(count, before + 1)
 *   })
 *   yield* Effect.all([increment, increment], { concurrency: 2 })
 *   if ((yield* Ref.get(count)) !== 2) return yield* Effect.die("an update was lost")
 * })
 *
 * const error = await Effect.runPromise(Effect.flip(Explore.check(program)))
 * console.log(error.kind, error.preemptions) // => Failure 1
 * ```
 *
 * @category exploring
 * @since 0.1.0
 */
export const check = <A, E>(
  program: Effect.Effect<A, E, Scope.Scope>,
  options: Options = {}
): Effect.Effect<Report, ExploreError> =>
  Effect.suspend(() => {
    checkProgram("Explore.check", program)
    const settings = settingsOf(options)
    const explore = Effect.promise((signal) => new Explorer(program, settings, signal).check())
    return Effect.flatMap(explore, outcome(settings.seed))
  })

/**
 * Runs `program` once, under the schedule that an {@link ExploreError} names, exactly as it failed, with logs and, if
 * you like, in a debugger. Succeeds if the program no longer fails under it.
 *
 * Given the seed of a search instead, it searches again with the same options, and fails with what that finds.
 *
 * @category exploring
 * @since 0.1.0
 */
export const replay = <A, E>(
  program: Effect.Effect<A, E, Scope.Scope>,
  schedule: string | number,
  options: Options = {}
): Effect.Effect<Report, ExploreError> => {
  if (typeof schedule === "number") return check(program, { ...options, seed: schedule })
  return Effect.suspend(() => {
    checkProgram("Explore.replay", program)
    const settings = settingsOf(options)
    const { plan, seed } = parse(schedule)
    const explore = Effect.promise((signal) => new Explorer(program, settings, signal).replay(plan, seed))
    return Effect.flatMap(explore, outcome(settings.seed))
  })
}
