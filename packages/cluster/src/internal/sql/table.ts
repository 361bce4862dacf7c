/**
 * Tables of our own, made where they are missing.
 */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

/** A store in the database in context, once its table is there. The names of the columns are those that it writes. */
export const withTable = <Store extends { readonly create: Effect.Effect<void, SqlError> }>(
  make: (sql: SqlClient.SqlClient) => Store
): Effect.Effect<Store, SqlError, SqlClient.SqlClient> =>
  Effect.flatMap(SqlClient.SqlClient, (client) => {
    const store = make(client.withoutTransforms())
    return Effect.as(store.create, store)
  })

/** Postgres lets two sessions that create the same table at once collide, in spite of IF NOT EXISTS. */
export const createTable = (
  sql: SqlClient.SqlClient,
  statement: Effect.Effect<unknown, SqlError>
): Effect.Effect<void, SqlError> =>
  sql.onDialectOrElse({
    pg: () => Effect.asVoid(Effect.retry(statement, { times: 3 })),
    orElse: () => Effect.asVoid(statement)
  })
