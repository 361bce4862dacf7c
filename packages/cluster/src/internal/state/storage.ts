/**
 * Where durable states are kept: one row for each key of each actor.
 *
 * Two numbers guard a row. The *epoch* says who may write: an instance that starts takes the next one, and from then on
 * every write with an older epoch is refused, however late it comes and whatever the clocks say. The *version* counts
 * the writes, and a write names the version that it replaces. Both are checked by the statement that writes.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Identity } from "../base/identity.ts"
import { formerTextOf, textOf } from "../base/keyText.ts"
import { createTable } from "../sql/table.ts"

/** A row, as the one who has claimed it knows it. */
export interface Row {
  readonly epoch: number
  readonly version: number
  /** JSON, or `undefined` where nothing was saved yet. */
  readonly value: string | undefined
  /** JSON: the changes that have an id, and their results. */
  readonly done: string | undefined
}

/** What a write replaces, and what with. */
export interface Change {
  readonly epoch: number
  readonly version: number
  readonly value: string
  readonly done: string | undefined
}

/** What a store of states has to do. Each operation happens as a whole, or not at all. */
export interface StateStore {
  /** Takes the next epoch for a key, which makes a row if there is none. */
  claim(identity: Identity): Effect.Effect<Row, SqlError>
  /** Reads the row of a key. */
  read(identity: Identity): Effect.Effect<Row | undefined, SqlError>
  /** Replaces the value if epoch and version are still these; says whether they were. */
  save(identity: Identity, change: Change): Effect.Effect<boolean, SqlError>
  /** Forgets the value of a key. The epoch stays, so that a late write is refused still. */
  clear(identity: Identity): Effect.Effect<void, SqlError>
}

/** The storage in a SQL database, whose table is created if there is none. */
export const sql = (prefix: string): Effect.Effect<StateStore, SqlError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    const table = sql(`${prefix}_state`)
    yield* createTable(
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
    const where = ({ actor, key }: Identity) => sql`actor = ${actor} AND actor_key = ${textOf(key)}`
    // What was filed under another text is moved, so that the one who wrote it there can write no more.
    const move = (identity: Identity): Effect.Effect<unknown, SqlError> => {
      const { actor, key } = identity
      const former = formerTextOf(key)
      if (former === undefined) return Effect.void
      return sql`UPDATE ${table} SET actor_key = ${textOf(key)} WHERE actor = ${actor} AND actor_key = ${former}
        AND NOT EXISTS (SELECT 1 FROM ${table} WHERE ${where(identity)})`
    }
    return {
      claim: (identity) =>
        Effect.flatMap(Effect.andThen(move(identity), now), (now) =>
          Effect.map(
            sql<any>`INSERT INTO ${table} (actor, actor_key, epoch, version, value, updated_at)
              VALUES (${identity.actor}, ${textOf(identity.key)}, 1, 0, NULL, ${now})
              ON CONFLICT (actor, actor_key) DO UPDATE SET epoch = ${table}.epoch + 1
              RETURNING epoch, version, value, done`,
            ([row]) => toRow(row)
          )
        ),
      read: (identity) =>
        Effect.map(sql<any>`SELECT epoch, version, value, done FROM ${table} WHERE ${where(identity)}`, ([row]) =>
          row === undefined ? undefined : toRow(row)
        ),
      save: (identity, { done, epoch, value, version }) =>
        Effect.flatMap(now, (now) =>
          Effect.map(
            sql`UPDATE ${table} SET value = ${value}, done = ${done ?? null}, version = version + 1, updated_at = ${now}
              WHERE ${where(identity)} AND epoch = ${epoch} AND version = ${version}
              RETURNING version`,
            (rows) => rows.length === 1
          )
        ),
      clear: (identity) =>
        Effect.andThen(
          move(identity),
          Effect.asVoid(sql`UPDATE ${table} SET value = NULL, done = NULL, epoch = epoch + 1 WHERE ${where(identity)}`)
        )
    }
  })

/** Databases differ in what they make of a BIGINT. Ours count writes, and stay far below 2^53. */
const toRow = (row: any): Row => ({
  epoch: Number(row.epoch),
  version: Number(row.version),
  value: row.value ?? undefined,
  done: row.done ?? undefined
})

const now = Clock.currentTimeMillis

/** A storage that lasts as long as the value, for tests. */
export const memory = (): StateStore => {
  const rows = new Map<string, Row>()
  const id = ({ actor, key }: Identity) => JSON.stringify([actor, textOf(key)])
  const fresh: Row = { epoch: 0, version: 0, value: undefined, done: undefined }
  const change = (identity: Identity, f: (row: Row) => Row) => {
    const row = f(rows.get(id(identity)) ?? fresh)
    rows.set(id(identity), row)
    return row
  }
  return {
    claim: (identity) => Effect.sync(() => change(identity, (row) => ({ ...row, epoch: row.epoch + 1 }))),
    read: (identity) => Effect.sync(() => rows.get(id(identity))),
    save: (identity, { done, epoch, value, version }) =>
      Effect.sync(() => {
        const row = rows.get(id(identity))
        if (row?.epoch !== epoch || row.version !== version) return false
        change(identity, () => ({ epoch, version: version + 1, value, done }))
        return true
      }),
    clear: (identity) =>
      Effect.sync(
        () => void change(identity, (row) => ({ ...row, epoch: row.epoch + 1, value: undefined, done: undefined }))
      )
  }
}
