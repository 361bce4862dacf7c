/**
 * Durable calls that have failed: what they failed with, and how to run them again or forget them.
 *
 * The result of a durable call is stored, a failure too, so a call with the same id fails the same way until the
 * `retention` of the cluster is over. When what made it fail is mended, a program of the operator lists such calls and has
 * them run again. It needs the storage of the cluster only, and need not be a node.
 *
 * Errors that are part of the contract are failures like any other: whether "insufficient funds" is worth another try,
 * only you know. A call that was cancelled has not failed.
 *
 * **Example** (Running again what died of a bug)
 *
 * ```ts no-run
 * import { Effect } from "effect"
 * import { DurableCalls, Sqlite } from "@troupe/cluster"
 *
 * const program = Effect.gen(function*() {
 *   for (const call of yield* DurableCalls.failed({ actor: "bank/Account" })) {
 *     console.log(call.method, call.key, call.attempts, call.cause)
 *     if (call.isDefect) yield* DurableCalls.retry(call.id)
 *     else yield* DurableCalls.drop(call.id)
 *   }
 * })
 *
 * await Effect.runPromise(Effect.provide(program, Sqlite.layer("bank.db")))
 * ```
 *
 * @since 0.1.0
 */
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as internal from "./internal/calls/failed.ts"

/**
 * A durable call whose stored result is a failure.
 *
 * @category models
 * @since 0.1.0
 */
export interface FailedCall {
  /** Names it in the storage. */
  readonly id: string
  readonly actor: string
  /** The key, as it is written in the storage. For an actor without keys, its id. */
  readonly key: string
  readonly method: string
  /** The id that it was called with, or got: what `ClusterHome.attach` takes. */
  readonly callId: string
  /** The arguments, as they are stored. */
  readonly args: ReadonlyArray<unknown>
  /** When it failed last. */
  readonly at: DateTime.Utc
  /** What it failed with, in words of at most 1000 characters. */
  readonly cause: string
  /** Whether its method died, rather than failed with an error of its contract or an `ActorError`. */
  readonly isDefect: boolean
  /**
   * How often it was given to an instance: also those times that ended with their node, or that {@link retry} was for. The
   * `maxTaskRetries` of a method run within one of them.
   */
  readonly attempts: number
}

/**
 * The durable calls that have failed, the last one first.
 *
 * @category operations
 * @since 0.1.0
 */
export const failed: (options?: {
  /** Only those of this actor. */
  readonly actor?: string | undefined
  /** How many at most. Default 100. */
  readonly limit?: number | undefined
}) => Effect.Effect<ReadonlyArray<FailedCall>, SqlError, SqlClient.SqlClient> = internal.failed

/**
 * Has a failed call run again, on the node that has its key, within the two seconds after which nodes look for calls that
 * no message announced. Callers that come back for it, with its id or by `ClusterHome.attach`, wait for the new result.
 * Succeeds with whether there was such a call: of two who retry it, one gets `false`.
 *
 * The method starts from the beginning. What it did before it failed is done again, unless it goes by the id of the call,
 * as `DurableState.modifyOnce` does.
 *
 * @category operations
 * @since 0.1.0
 */
export const retry: (id: string) => Effect.Effect<boolean, SqlError, SqlClient.SqlClient> = internal.retry

/**
 * Deletes a failed call and its result. A call with the same id is a new call then. Succeeds with whether there was one.
 *
 * @category operations
 * @since 0.1.0
 */
export const drop: (id: string) => Effect.Effect<boolean, SqlError, SqlClient.SqlClient> = internal.drop

/**
 * The durable calls of an actor that have no result yet.
 *
 * @category models
 * @since 0.1.0
 */
export interface Unfinished {
  readonly actor: string
  /** How many there are, waiting or running. */
  readonly calls: number
  /** How many of them no node has read: their key is on its way, or no node is there that can run them. */
  readonly waiting: number
  /** When the first of them was made. */
  readonly oldest: DateTime.Utc
}

/**
 * The durable calls that are stored and have no result yet, by actor, those with the most calls first.
 *
 * @category operations
 * @since 0.1.0
 */
export const unfinished: Effect.Effect<ReadonlyArray<Unfinished>, SqlError, SqlClient.SqlClient> = internal.unfinished
