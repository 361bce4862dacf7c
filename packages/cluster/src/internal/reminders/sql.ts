/**
 * Reminders in a table of a SQL database.
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import type { Counts, Lease, Order, Outcome, ReminderAddress, ReminderStore, StoredReminder } from "../../Reminders.ts"
import { createTable, withTable } from "../sql/table.ts"

/** The reminders of a database, whose table is created if there is none. */
export const sql = (prefix: string): Effect.Effect<ReminderStore, SqlError, SqlClient.SqlClient> =>
  withTable((sql) => new SqlReminders(sql, prefix))

/** Its operations are properties, so that a wrapper can spread them. */
class SqlReminders implements ReminderStore {
  private readonly sql: SqlClient.SqlClient
  private readonly table: Statement.Identifier
  private readonly index: Statement.Identifier
  /** Rows that another node is leasing right now are not waited for. */
  private readonly locking: Statement.Fragment

  constructor(sql: SqlClient.SqlClient, prefix: string) {
    this.sql = sql
    this.table = sql(`${prefix}_reminders`)
    this.index = sql(`${prefix}_reminders_due`)
    this.locking = sql.literal(sql.onDialectOrElse({ pg: () => "FOR UPDATE SKIP LOCKED", orElse: () => "" }))
  }

  get create(): Effect.Effect<void, SqlError> {
    const { index, sql, table } = this
    return Effect.andThen(
      createTable(
        sql,
        sql`CREATE TABLE IF NOT EXISTS ${table} (
          actor TEXT NOT NULL,
          actor_key TEXT NOT NULL,
          id TEXT NOT NULL,
          key_json TEXT NOT NULL,
          method TEXT NOT NULL,
          args TEXT NOT NULL,
          due BIGINT NOT NULL,
          every BIGINT,
          generation BIGINT NOT NULL,
          attempts BIGINT NOT NULL,
          leased_until BIGINT NOT NULL,
          leased_by TEXT,
          failed TEXT,
          last_failure TEXT,
          PRIMARY KEY (actor, actor_key, id)
        )`
      ),
      Effect.andThen(this.widen, createTable(sql, sql`CREATE INDEX IF NOT EXISTS ${index} ON ${table} (actor, due)`))
    )
  }

  /** Adds what tables of earlier versions do not have. Of two nodes that do, one finds it there. */
  private get widen(): Effect.Effect<void, SqlError> {
    const { sql, table } = this
    const look = sql`SELECT last_failure FROM ${table} WHERE 1 = 0`
    return Effect.asVoid(
      Effect.catch(look, () => Effect.catch(sql`ALTER TABLE ${table} ADD COLUMN last_failure TEXT`, () => look))
    )
  }

  readonly put = ({ actor, args, due, every, id, key, keyJson, method }: Order): Effect.Effect<void, SqlError> => {
    const { sql, table } = this
    return Effect.asVoid(
      sql`INSERT INTO ${table}
        (actor, actor_key, id, key_json, method, args, due, every, generation, attempts, leased_until, leased_by, failed)
        VALUES (${actor}, ${key}, ${id}, ${keyJson}, ${method}, ${args}, ${due}, ${every ?? null}, 1, 0, 0, NULL, NULL)
        ON CONFLICT (actor, actor_key, id) DO UPDATE SET
          key_json = excluded.key_json,
          args = excluded.args,
          method = excluded.method,
          due = CASE WHEN ${table}.every = excluded.every THEN ${table}.due ELSE excluded.due END,
          generation = CASE WHEN ${table}.every = excluded.every
            THEN ${table}.generation ELSE ${table}.generation + 1 END,
          attempts = CASE WHEN ${table}.every = excluded.every THEN ${table}.attempts ELSE 0 END,
          leased_until = CASE WHEN ${table}.every = excluded.every THEN ${table}.leased_until ELSE 0 END,
          leased_by = CASE WHEN ${table}.every = excluded.every THEN ${table}.leased_by ELSE NULL END,
          every = excluded.every,
          failed = NULL,
          last_failure = NULL`
    )
  }

  readonly remove = (address: ReminderAddress): Effect.Effect<boolean, SqlError> => {
    return Effect.map(
      this.sql`DELETE FROM ${this.table} WHERE ${this.at(address)} RETURNING id`,
      (rows) => rows.length > 0
    )
  }

  readonly move = (
    { actor, key, keyJson }: Pick<Order, "actor" | "key" | "keyJson">,
    to: string
  ): Effect.Effect<void, SqlError> => {
    const { sql, table } = this
    return Effect.asVoid(
      sql`UPDATE ${table} SET actor_key = ${to}
        WHERE actor = ${actor} AND actor_key = ${key} AND key_json = ${keyJson} AND NOT EXISTS (
          SELECT 1 FROM ${table} AS other
          WHERE other.actor = ${actor} AND other.actor_key = ${to} AND other.id = ${table}.id
        )`
    )
  }

  readonly list = ({
    actor,
    key
  }: Omit<ReminderAddress, "id">): Effect.Effect<ReadonlyArray<StoredReminder>, SqlError> => {
    return Effect.map(
      this.sql`SELECT * FROM ${this.table} WHERE actor = ${actor} AND actor_key = ${key} ORDER BY due, id`,
      (rows) => rows.map(toReminder)
    )
  }

  readonly failing = (
    actor: string | undefined,
    limit: number
  ): Effect.Effect<ReadonlyArray<StoredReminder>, SqlError> => {
    const { sql, table } = this
    const of = actor === undefined ? sql`` : sql`AND actor = ${actor}`
    return Effect.map(
      sql`SELECT * FROM ${table} WHERE (last_failure IS NOT NULL OR failed IS NOT NULL) ${of} ORDER BY due, actor, actor_key, id LIMIT ${limit}`,
      (rows) => rows.map(toReminder)
    )
  }

  readonly count = (actor: string | undefined, now: number): Effect.Effect<Counts, SqlError> => {
    const { sql, table } = this
    const of = actor === undefined ? sql`` : sql`WHERE actor = ${actor}`
    return Effect.map(
      sql<any>`SELECT COUNT(*) AS set_count,
          SUM(CASE WHEN due <= ${now} AND failed IS NULL THEN 1 ELSE 0 END) AS due_count,
          SUM(CASE WHEN last_failure IS NOT NULL OR failed IS NOT NULL THEN 1 ELSE 0 END) AS failing_count,
          SUM(CASE WHEN failed IS NOT NULL THEN 1 ELSE 0 END) AS abandoned_count
        FROM ${table} ${of}`,
      ([row]) => ({
        set: Number(row.set_count),
        due: Number(row.due_count),
        failing: Number(row.failing_count),
        abandoned: Number(row.abandoned_count)
      })
    )
  }

  readonly retry = (address: ReminderAddress): Effect.Effect<boolean, SqlError> => {
    const { sql, table } = this
    return Effect.map(
      sql`UPDATE ${table} SET failed = NULL, attempts = 0, leased_until = 0
        WHERE ${this.at(address)} AND attempts > 0 AND leased_by IS NULL AND (last_failure IS NOT NULL OR failed IS NOT NULL) RETURNING id`,
      (rows) => rows.length > 0
    )
  }

  readonly lease = (actor: string, now: number, limit: number, { owner, until }: Lease) => {
    const { locking, sql, table } = this
    return Effect.map(
      sql`UPDATE ${table} SET leased_until = ${until}, leased_by = ${owner}, attempts = attempts + 1
        WHERE (actor, actor_key, id) IN (
          SELECT actor, actor_key, id FROM ${table}
          WHERE actor = ${actor} AND due <= ${now} AND leased_until <= ${now} AND failed IS NULL
          ORDER BY due LIMIT ${limit} ${locking}
        )
        RETURNING *`,
      (rows) => rows.map(toReminder).sort((one, other) => one.due - other.due)
    )
  }

  readonly extend = ({ owner, until }: Lease): Effect.Effect<void, SqlError> => {
    return Effect.asVoid(this.sql`UPDATE ${this.table} SET leased_until = ${until} WHERE leased_by = ${owner}`)
  }

  readonly release = (owner: string): Effect.Effect<void, SqlError> => {
    return Effect.asVoid(
      this.sql`UPDATE ${this.table} SET leased_until = 0, leased_by = NULL WHERE leased_by = ${owner}`
    )
  }

  readonly settle = (reminder: StoredReminder, owner: string, outcome: Outcome): Effect.Effect<void, SqlError> => {
    const { sql, table } = this
    const mine = sql`${this.at(reminder)} AND generation = ${reminder.generation} AND leased_by = ${owner}`
    const free = sql.literal("leased_by = NULL")
    switch (outcome._tag) {
      case "Done":
        return Effect.asVoid(sql`DELETE FROM ${table} WHERE ${mine}`)
      case "Next":
        return Effect.asVoid(
          sql`UPDATE ${table} SET due = ${outcome.due}, attempts = 0, leased_until = 0,
            last_failure = ${outcome.why ?? null}, ${free} WHERE ${mine}`
        )
      case "Again":
        return Effect.asVoid(
          sql`UPDATE ${table} SET leased_until = ${outcome.notBefore}, attempts = ${outcome.attempts},
            last_failure = COALESCE(${outcome.why ?? null}, last_failure), ${free}
            WHERE ${mine}`
        )
      case "Failed":
        return Effect.asVoid(
          sql`UPDATE ${table} SET failed = ${outcome.why}, last_failure = ${outcome.why}, ${free} WHERE ${mine}`
        )
    }
  }

  private at({ actor, id, key }: ReminderAddress): Statement.Fragment {
    return this.sql`actor = ${actor} AND actor_key = ${key} AND id = ${id}`
  }
}

const toReminder = (row: any): StoredReminder => ({
  actor: row.actor,
  key: row.actor_key,
  id: row.id,
  keyJson: row.key_json,
  method: row.method,
  args: row.args,
  due: Number(row.due),
  every: row.every === null ? undefined : Number(row.every),
  generation: Number(row.generation),
  attempts: Number(row.attempts),
  failed: row.failed ?? undefined,
  // Before it was kept, only what was abandoned had a reason.
  lastFailure: row.last_failure ?? row.failed ?? undefined
})
