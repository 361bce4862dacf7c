/**
 * Keeps the storage bounded: results of durable calls are deleted some time after they were written.
 *
 * Effect's own messages stay: a workflow finds what it has done already among them, however old it is.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { Snowflake } from "../engine.ts"
import { answeredBefore, remove } from "../engineInternals.ts"

/** The actors whose calls are ours to delete. */
const Actors: Context.Reference<Set<string>> = Context.Reference("troupe/cluster/Retention", {
  defaultValue: () => new Set<string>()
})

export const include = (actor: string): Effect.Effect<void> =>
  Effect.map(Actors, (actors) => {
    actors.add(actor)
  })

/** How many calls are deleted with one statement: enough to keep up, few enough not to hold others up. */
const BATCH = 1000

/** Deletes the calls of `actors` that were answered more than `retention` ago. Succeeds with their number. */
export const purge = (
  retention: Duration.Duration,
  actors: ReadonlyArray<string>
): Effect.Effect<number, SqlError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    if (actors.length === 0) return 0
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    const now = yield* Clock.currentTimeMillis
    const before = String(idAt(Math.trunc(now - Duration.toMillis(retention))))
    let purged = 0
    for (;;) {
      const ids = yield* answeredBefore(sql, actors, before, BATCH)
      if (ids.length > 0) yield* sql.withTransaction(remove(sql, ids))
      purged += ids.length
      if (ids.length < BATCH) return purged
    }
  })

/** The first id that the engine may give at a time. */
const idAt = (millis: number): bigint => Snowflake.make({ timestamp: millis, machineId: 0 as any, sequence: 0 })

/** Purges from time to time, for ever. What fails is logged, and tried again the next time. */
export const keep = (retention: Duration.Duration): Effect.Effect<never, never, SqlClient.SqlClient> => {
  const pause = Duration.millis(Math.min(Math.max(Duration.toMillis(retention) / 10, 1000), 600_000))
  const once = Effect.gen(function* () {
    const purged = yield* purge(retention, [...(yield* Actors)])
    if (purged > 0)
      yield* Effect.logDebug(
        `Deleted ${purged} durable ${purged === 1 ? "call" : "calls"} that finished longer ago than the retention`
      )
  })
  return Effect.forever(
    Effect.andThen(
      Effect.sleep(pause),
      Effect.catchCause(once, (cause) => Effect.logWarning("Could not delete old durable calls", cause))
    )
  )
}

/** The register of one node. */
export const layerActors = Effect.sync(() => Context.make(Actors, new Set<string>()))
