/**
 * Tables of our own, made where they are missing.
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

/** Postgres lets two sessions that create the same table at once collide, in spite of IF NOT EXISTS. */
export const createTable = (
  sql: SqlClient.SqlClient,
  statement: Effect.Effect<unknown, SqlError>
): Effect.Effect<void, SqlError> =>
  sql.onDialectOrElse({
    pg: () => Effect.asVoid(Effect.retry(statement, { times: 3 })),
    orElse: () => Effect.asVoid(statement)
  })
