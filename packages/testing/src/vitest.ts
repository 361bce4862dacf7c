/**
 * `it.explore` for tests with Vitest: the `it` of `@effect/vitest`, and a test that runs its program under many
 * schedules.
 *
 * This module is not in the barrel, since it needs `vitest` and `@effect/vitest`: import it from `@troupe/testing/vitest`.
 *
 * ```ts no-run
 * import { it } from "@troupe/testing/vitest"
 * import { Effect, Ref } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const count = yield* Ref.make(0)
 *   const increment = Ref.update(count, (n) => n + 1)
 *   yield* Effect.all([increment, increment], { concurrency: 2 })
 *   if ((yield* Ref.get(count)) !== 2) return yield* Effect.die("an update was lost")
 * })
 *
 * it.explore("no update is lost", program, { schedules: 500 })
 * ```
 *
 * @since 0.1.0
 */
import { it as base, type TestContext, type TestOptions } from "@effect/vitest"
import * as Home from "@troupe/core/Home"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Explore from "./Explore.ts"

/**
 * Options of a test: those of {@link Explore.check}, and those of vitest.
 *
 * `timeout` is that of the exploration, which ends with the schedules that it has run. The test itself may take 15 seconds
 * longer, to shorten a schedule that failed.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options extends Explore.Options, Omit<TestOptions, "timeout"> {}

/**
 * Registers a test that runs a program under many schedules. Like `it.effect` it takes a function, which is called for
 * each schedule, and options or a timeout in milliseconds. It takes the program itself, too.
 *
 * @category models
 * @since 0.1.0
 */
export interface ExploreTest {
  <A, E>(
    name: string,
    program: Effect.Effect<A, E, Scope.Scope> | ((context: TestContext) => Effect.Effect<A, E, Scope.Scope>),
    options?: number | Options
  ): void
}

/**
 * An {@link ExploreTest}, with what `it.effect` has: tests that are left out, run alone, or only under a condition; tests
 * that have to fail; and one test for each of many values.
 *
 * @category models
 * @since 0.1.0
 */
export interface ExploreTester extends ExploreTest {
  readonly skip: ExploreTest
  readonly only: ExploreTest
  readonly fails: ExploreTest
  readonly skipIf: (condition: unknown) => ExploreTest
  readonly runIf: (condition: unknown) => ExploreTest
  readonly each: <T>(
    cases: ReadonlyArray<T>
  ) => <A, E>(
    name: string,
    program: (value: T, context: TestContext) => Effect.Effect<A, E, Scope.Scope>,
    options?: number | Options
  ) => void
}

/** Making a failing schedule shorter takes its time, too. */
const PATIENCE = Duration.toMillis("15 seconds")

const environment: Readonly<Record<string, string | undefined>> = (globalThis as any).process?.env ?? {}

/** A long run asks for more schedules, and for others, than the tests do by themselves. */
const fromEnvironment = (options: Explore.Options): Explore.Options => {
  const { TROUPE_EXPLORE_SCHEDULES: schedules, TROUPE_SEED: seed } = environment
  return {
    ...options,
    ...(schedules === undefined || options.strategy === "exhaustive" ? undefined : { schedules: Number(schedules) }),
    ...(schedules === undefined ? undefined : { timeout: "10 minutes" }),
    ...(seed === undefined ? undefined : { seed: Number(seed) })
  }
}

type Program = Effect.Effect<unknown, unknown, Scope.Scope>
type Register = (name: string, options: TestOptions, run: (...args: ReadonlyArray<any>) => Promise<void>) => void

const known: { readonly [K in keyof Options]-?: true } = {
  depth: true,
  ignore: true,
  maxSteps: true,
  preemptions: true,
  schedules: true,
  seed: true,
  strategy: true,
  timeout: true,
  retry: true,
  repeats: true,
  concurrent: true,
  skip: true,
  only: true,
  todo: true,
  fails: true,
  tags: true,
  meta: true
}

/** What vitest is told, and what the exploration is. */
const split = (name: string, given: number | Options): readonly [TestOptions, Explore.Options] => {
  if (typeof given !== "number") Home.checkOptions(`it.explore(${Home.show(name)})`, given, known)
  const { depth, ignore, maxSteps, preemptions, schedules, seed, strategy, timeout, ...own } =
    typeof given === "number" ? { timeout: given } : given
  const options = fromEnvironment({ depth, ignore, maxSteps, preemptions, schedules, seed, strategy, timeout })
  const limit = Home.durationOf(options.timeout ?? "30 seconds")
  // The exploration refuses what is no duration, and says so in the test.
  return [{ ...own, timeout: (limit === undefined ? 0 : Duration.toMillis(limit)) + PATIENCE }, options]
}

/** In untyped code the program may be anything. */
const checkProgram = (name: string, program: unknown): void => {
  if (Effect.isEffect(program) || typeof program === "function") return
  throw new TypeError(
    `it.explore(${Home.show(name)}) takes an Effect, or a function that returns one, before its options, but got ${Home.noEffect(program)}`
  )
}

/** The program of one schedule. */
const made = (name: string, program: unknown): Program =>
  Effect.isEffect(program)
    ? (program as Program)
    : Effect.die(
        new TypeError(
          `it.explore(${Home.show(name)}): its function must return an Effect, but returned ${Home.noEffect(program)}`
        )
      )

const makeTest =
  (register: Register) =>
  (name: string, program: Program | ((...args: ReadonlyArray<any>) => Program), given: number | Options = {}): void => {
    checkProgram(name, program)
    const [own, options] = split(name, given)
    // Where the test is written says more than where we found that it fails.
    const frames = new Error().stack?.split("\n").slice(2) ?? []
    register(name, own, async (...args) => {
      const body = Effect.isEffect(program) ? program : Effect.suspend(() => made(name, program(...args)))
      const result = await Effect.runPromise(Effect.result(Explore.check(body, options)))
      if (result._tag === "Success") return
      const { failure } = result
      failure.stack = [`${failure.name}: ${failure.message}`, ...frames].join("\n")
      throw failure
    })
  }

const explore: ExploreTester = Object.assign(makeTest(base as Register), {
  skip: makeTest(base.skip as Register),
  only: makeTest(base.only as Register),
  fails: makeTest(base.fails as Register),
  skipIf: (condition: unknown) => makeTest(base.skipIf(condition) as Register),
  runIf: (condition: unknown) => makeTest(base.runIf(condition) as Register),
  each: (cases: ReadonlyArray<unknown>) => makeTest(base.for(cases) as Register)
})

/**
 * The `it` of `@effect/vitest`, with `it.explore`.
 *
 * @category tests
 * @since 0.1.0
 */
export const it: typeof base & { readonly explore: ExploreTester } = new Proxy(base, {
  get: (target, key) => (key === "explore" ? explore : Reflect.get(target, key))
}) as any
