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
import { it as base } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Explore from "./Explore.ts"

/**
 * Registers a test that runs a program under many schedules.
 *
 * @category models
 * @since 0.1.0
 */
export interface ExploreTest {
  <A, E>(name: string, program: Effect.Effect<A, E, Scope.Scope>, options?: Explore.Options): void
}

/**
 * An {@link ExploreTest}, and the same for tests that are skipped, or run alone.
 *
 * @category models
 * @since 0.1.0
 */
export interface ExploreTester extends ExploreTest {
  readonly skip: ExploreTest
  readonly only: ExploreTest
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

type Register = (name: string, options: { readonly timeout: number }, run: () => Promise<void>) => void

const makeTest =
  (register: Register): ExploreTest =>
  (name, program, given = {}) => {
    const options = fromEnvironment(given)
    const timeout = Duration.toMillis(Duration.fromInputUnsafe(options.timeout ?? "30 seconds")) + PATIENCE
    // Where the test is written says more than where we found that it fails.
    const frames = new Error().stack?.split("\n").slice(2) ?? []
    register(name, { timeout }, async () => {
      const result = await Effect.runPromise(Effect.result(Explore.check(program, options)))
      if (result._tag === "Success") return
      const { failure } = result
      failure.stack = [`${failure.name}: ${failure.message}`, ...frames].join("\n")
      throw failure
    })
  }

const explore: ExploreTester = Object.assign(makeTest(base as unknown as Register), {
  skip: makeTest(base.skip as unknown as Register),
  only: makeTest(base.only as unknown as Register)
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
