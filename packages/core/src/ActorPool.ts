/**
 * A pool spreads work over several instances of an actor, the least busy first.
 *
 * Use one when a single instance is a bottleneck and instances are interchangeable. If each piece of work belongs to a
 * certain instance, use a keyed actor instead.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { ActorError } from "./ActorError.ts"
import * as internal from "./internal/kinds/pool.ts"
import type { ObjectRef } from "./ObjectRef.ts"

/**
 * Instances that share work.
 *
 * @category models
 * @since 0.1.0
 */
export interface ActorPool<H> {
  /**
   * Runs one piece of work on the least busy member, and waits for the result. Work waits in line while all members
   * are busy. When a member dies, the work that it had not started goes to another member; work that may have run fails
   * with `ActorDied`.
   */
  run<A, E, R>(work: (member: H) => Effect.Effect<A, E, R>): Effect.Effect<A, E | ActorError, R>
  /** Submits one piece of work and succeeds at once with its ref. */
  remote<A, E, R>(
    work: (member: H) => Effect.Effect<A, E, R>
  ): Effect.Effect<ObjectRef<A, E | ActorError>, ActorError, R>
  /** The results of all items, in the order of the items. An item is taken when a member has room for it. */
  map<I, A, E, R, E2 = never, R2 = never>(
    items: Iterable<I> | Stream.Stream<I, E2, R2>,
    work: (member: H, item: I) => Effect.Effect<A, E, R>
  ): Stream.Stream<A, E | E2 | ActorError, R | R2>
  /** The results of all items, each as soon as it is ready. */
  mapUnordered<I, A, E, R, E2 = never, R2 = never>(
    items: Iterable<I> | Stream.Stream<I, E2, R2>,
    work: (member: H, item: I) => Effect.Effect<A, E, R>
  ): Stream.Stream<A, E | E2 | ActorError, R | R2>
  /** The living members, the least busy first. */
  readonly members: Effect.Effect<ReadonlyArray<H>>
}

/**
 * Options of a pool.
 *
 * @category options
 * @since 0.1.0
 */
export interface PoolOptions<H, E, R> {
  /** Starts one member, like `Counter.spawn()`. */
  readonly spawn: Effect.Effect<H, E, R>
  /** How many members to start. */
  readonly size: number
  /** How many pieces of work a member takes at a time. Default 1, as in Ray's `ActorPool`. */
  readonly callsPerMember?: number | undefined
  /** What happens when a member dies: `"replace"`, the default, starts another; `"drop"` goes on with the rest. */
  readonly onDeath?: "replace" | "drop" | undefined
  /**
   * Paces and bounds the replacements of each member. It is stepped with the cause before each attempt; when it ends,
   * the pool goes on without that member. Default: the first at once, the next after 100 ms, doubling up to 10 s,
   * without end; after a minute without a death it starts over.
   */
  readonly restart?: Schedule.Schedule<any, Cause.Cause<unknown>> | undefined
}

/**
 * Starts a pool in the current Scope. Work waits while members are being replaced; when no member is left and none will
 * be started, work fails with `ActorDied`. When the Scope closes, accepted work may finish within the `shutdownTimeout`
 * of the members; then they end together.
 *
 * **Example** (Spreading work)
 *
 * ```ts
 * import { Effect, Stream } from "effect"
 * import { Actor, ActorPool } from "@troupe/core"
 *
 * class Squarer extends Actor.Service<Squarer>()("app/Squarer", {
 *   make: Effect.succeed({ square: (n: number) => Effect.succeed(n * n) })
 * }) {}
 *
 * const program = Effect.gen(function*() {
 *   const pool = yield* ActorPool.make({ spawn: Squarer.spawn(), size: 2 })
 *   return yield* Stream.runCollect(pool.map([1, 2, 3], (member, n) => member.square(n)))
 * })
 *
 * console.log(await Effect.runPromise(Effect.scoped(program))) // => [ 1, 4, 9 ]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: <H extends object, E, R>(
  options: PoolOptions<H, E, R>
) => Effect.Effect<ActorPool<H>, E, R | Scope.Scope> = internal.make as any
