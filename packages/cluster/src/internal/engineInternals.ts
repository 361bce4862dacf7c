/**
 * The one door of this package to the insides of the engine: texts that it writes and tables that it keeps, of which
 * nothing is promised. Where one of them has changed, what we do with it is left undone, and nothing else.
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

/** A class of errors of Effect. */
interface ErrorClass {
  new (...args: never): Error
  readonly identifier: string
}

/**
 * Whether an error is of a class of Effect. As a defect from another process it has lost its class and its tag, and kept
 * its name, which is the identifier of its class. Otherwise it stays the defect that it is.
 */
export const isOf = (Class: ErrorClass, error: unknown): boolean =>
  error instanceof Class || (error instanceof Error && error.name === Class.identifier)

/**
 * The entity that a node was asked for and does not host, if that is what a defect says. Otherwise it stays the defect that
 * it is.
 */
export const notHosted = (defect: unknown): string | undefined =>
  defect instanceof Error ? /^Entity type '(.*)' not registered$/.exec(defect.message)?.[1] : undefined

/** The widths of columns of its storage, in characters. Where they are narrower, the database refuses what is longer. */
export const Width = { entityType: 150, entityId: 255, tag: 50 } as const

/**
 * The ids of requests to entities whose replies are older than the snowflake `before`. Where the tables have changed, this
 * fails, and requests stay for ever: the engine has no way to delete them.
 */
export const answeredBefore = (
  sql: SqlClient.SqlClient,
  entityTypes: ReadonlyArray<string>,
  before: string,
  limit: number
): Effect.Effect<ReadonlyArray<string>, SqlError> =>
  Effect.map(
    // The id of a reply tells when it was made.
    sql<{ readonly id: string }>`
      SELECT CAST(m.id AS CHAR(20)) AS id FROM cluster_messages m
      JOIN cluster_replies r ON r.request_id = m.id AND r.kind = 0
      WHERE m.kind = 0 AND ${sql.in("m.entity_type", entityTypes)} AND r.id < ${sql.literal(before)}
      LIMIT ${sql.literal(String(limit))}`,
    (rows) => rows.map(({ id }) => id.trim())
  )

/** Deletes requests. Their replies go last, so that nothing is left behind when one of the statements fails. */
export const remove = (sql: SqlClient.SqlClient, ids: ReadonlyArray<string>): Effect.Effect<void, SqlError> => {
  const list = sql.literal(ids.join(","))
  return Effect.asVoid(
    Effect.andThen(
      sql`DELETE FROM cluster_messages WHERE request_id IN (${list})`,
      sql`DELETE FROM cluster_replies WHERE request_id IN (${list})`
    )
  )
}
