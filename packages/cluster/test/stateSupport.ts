/**
 * What the tests of states and reminders share: the databases that they run on, and nodes in miniature.
 */

import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PgClient } from "@effect/sql-pg"
import { Context, Effect, Layer, Random, Redacted, type Scope } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import * as sqlite from "../src/internal/sql/sqlite.ts"

export interface Database {
  readonly name: string
  /** Each build is a connection of its own to one database. */
  readonly layer: Layer.Layer<SqlClient.SqlClient, SqlError.SqlError>
  /** What a process of its own needs to find it. */
  readonly database: { readonly file: string } | { readonly url: string }
  /** A prefix for tables that nobody else uses. */
  readonly prefix: string
}

const url = process.env.DATABASE_URL

/** The databases of this machine. Postgres is among them when DATABASE_URL is set. */
export const databases: ReadonlyArray<string> = url === undefined ? ["SQLite"] : ["SQLite", "Postgres"]

/** A database for the current Scope. */
export const open = (name: string): Effect.Effect<Database, SqlError.SqlError, Scope.Scope> =>
  name === "SQLite" ? openSqlite : openPostgres

const openSqlite = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "troupe-state-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
).pipe(
  Effect.map((folder): Database => {
    const file = join(folder, "test.db")
    return { name: "SQLite", layer: sqlite.layer(file), database: { file }, prefix: "t" }
  })
)

const openPostgres = Effect.gen(function* () {
  const layer = PgClient.layer({ url: Redacted.make(url!) })
  const prefix = `t${process.pid}_${Math.random().toString(36).slice(2, 10)}`
  const sql = Context.get(yield* Layer.build(layer), SqlClient.SqlClient)
  yield* Effect.addFinalizer(() =>
    Effect.ignore(
      Effect.forEach(["state", "reminders"], (table) => sql`DROP TABLE IF EXISTS ${sql(`${prefix}_${table}`)}`)
    )
  )
  return { name: "Postgres", layer: Layer.orDie(layer), database: { url: url! }, prefix } satisfies Database
})

/** A service built apart from all others, as on a node of its own. */
export const node = <I, S, A, E, R>(
  service: Context.Key<I, S>,
  layer: Layer.Layer<A | I, E, R>
): Effect.Effect<S, E, R | Scope.Scope> =>
  Effect.map(Layer.build(Layer.fresh(layer)), (context) => Context.get(context as Context.Context<any>, service) as S)

/** Random numbers that a failed test can be repeated with: it prints its seed. */
export const seeded = <A, E, R>(test: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const seed = Number(process.env.TROUPE_SEED ?? (yield* Random.nextIntBetween(0, 2 ** 31)))
    const tell = Effect.sync(() => console.error(`Repeat this with TROUPE_SEED=${seed}`))
    return yield* Effect.onError(Random.withSeed(test, seed), () => tell)
  })

/** Lets everything run that is scheduled now, and what that schedules, some levels deep. */
export const settle: Effect.Effect<void> = Effect.repeat(Effect.yieldNow, { times: 20 })
