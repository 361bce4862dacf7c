/**
 * Durable states in a table of a SQL database.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import type { Change, Identity, Row, StateStore } from "../../DurableState.ts"
import { formerTextOf, textOf } from "../base/keyText.ts"
import { createTable, withTable } from "../sql/table.ts"

/** The states of a database, whose table is created if there is none. */
export const sql = (prefix: string): Effect.Effect<StateStore, SqlError, SqlClient.SqlClient> =>
  withTable((sql) => new SqlStates(sql, prefix))

/** Its operations are properties, so that a wrapper can spread them. */
class SqlStates implements StateStore {
  private readonly sql: SqlClient.SqlClient
  private readonly table: Statement.Identifier

  constructor(sql: SqlClient.SqlClient, prefix: string) {
    this.sql = sql
    this.table = sql(`${prefix}_state`)
  }

  get create(): Effect.Effect<void, SqlError> {
    const { sql, table } = this
    return createTable(
      sql,
      sql`CREATE TABLE IF NOT EXISTS ${table} (
        actor TEXT NOT NULL,
        actor_key TEXT NOT NULL,
        epoch BIGINT NOT NULL,
        version BIGINT NOT NULL,
        value TEXT,
        done TEXT,
        updated_at BIGINT NOT NULL,
        PRIMARY KEY (actor, actor_key)
      )`
    )
  }

  readonly claim = (identity: Identity, after?: number): Effect.Effect<Row | undefined, SqlError> => {
    const { sql, table } = this
    const unclaimed = after === undefined ? sql`` : sql`WHERE ${table}.epoch = ${after}`
    return Effect.flatMap(Effect.andThen(this.move(identity), now), (now) =>
      Effect.map(
        sql<any>`INSERT INTO ${table} (actor, actor_key, epoch, version, value, updated_at)
          VALUES (${identity.actor}, ${textOf(identity.key)}, 1, 0, NULL, ${now})
          ON CONFLICT (actor, actor_key) DO UPDATE SET epoch = ${table}.epoch + 1 ${unclaimed}
          RETURNING epoch, version, value, done`,
        ([row]) => (row === undefined ? undefined : toRow(row))
      )
    )
  }

  readonly read = (identity: Identity): Effect.Effect<Row | undefined, SqlError> => {
    return Effect.map(
      this.sql<any>`SELECT epoch, version, value, done FROM ${this.table} WHERE ${this.at(identity)}`,
      ([row]) => (row === undefined ? undefined : toRow(row))
    )
  }

  readonly save = (identity: Identity, { done, epoch, value, version }: Change): Effect.Effect<boolean, SqlError> => {
    const { sql, table } = this
    return Effect.flatMap(now, (now) =>
      Effect.map(
        sql`UPDATE ${table} SET value = ${value}, done = ${done ?? null}, version = version + 1, updated_at = ${now}
          WHERE ${this.at(identity)} AND epoch = ${epoch} AND version = ${version}
          RETURNING version`,
        (rows) => rows.length === 1
      )
    )
  }

  readonly clear = (identity: Identity): Effect.Effect<void, SqlError> => {
    const { sql, table } = this
    return Effect.andThen(
      this.move(identity),
      Effect.asVoid(sql`UPDATE ${table} SET value = NULL, done = NULL, epoch = epoch + 1 WHERE ${this.at(identity)}`)
    )
  }

  /** A row that is filed under a former text is moved, so that the instance that wrote it there can write no more. */
  private move(identity: Identity): Effect.Effect<unknown, SqlError> {
    const { sql, table } = this
    const { actor, key } = identity
    const former = formerTextOf(key)
    if (former === undefined) return Effect.void
    return sql`UPDATE ${table} SET actor_key = ${textOf(key)} WHERE actor = ${actor} AND actor_key = ${former}
      AND NOT EXISTS (SELECT 1 FROM ${table} WHERE ${this.at(identity)})`
  }

  private at({ actor, key }: Identity): Statement.Fragment {
    return this.sql`actor = ${actor} AND actor_key = ${textOf(key)}`
  }
}

const now = Clock.currentTimeMillis

/** Databases differ in what they make of a BIGINT. Ours count writes, and stay far below 2^53. */
const toRow = (row: any): Row => ({
  epoch: Number(row.epoch),
  version: Number(row.version),
  value: row.value ?? undefined,
  done: row.done ?? undefined
})
