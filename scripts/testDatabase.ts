// A Postgres database for one run of the checks: the given one (DATABASE_URL), or one of our own where a local server lets
// us in. Else there is none, and the tests that would use it say so.
import * as PgClient from "@effect/sql-pg/PgClient"
import { Effect, Redacted } from "effect"

export interface TestDatabase {
  readonly url: string | undefined
  readonly drop: () => Promise<void>
}

const server = "postgres://postgres@127.0.0.1:5432"

const admin = (statement: string): Promise<void> =>
  Effect.flatMap(PgClient.PgClient, (sql) => sql.unsafe(statement)).pipe(
    Effect.provide(PgClient.layer({ url: Redacted.make(`${server}/postgres`), connectTimeout: "3 seconds" })),
    Effect.asVoid,
    Effect.timeout("10 seconds"),
    Effect.runPromise
  )

const nothing = async (): Promise<void> => {}

export const testDatabase = async (): Promise<TestDatabase> => {
  if (process.env.DATABASE_URL !== undefined) return { url: process.env.DATABASE_URL, drop: nothing }
  const name = `troupe_ci_${process.pid}`
  try {
    await admin(`CREATE DATABASE ${name}`)
  } catch {
    console.log("No local Postgres lets us in: what needs a database uses SQLite alone.")
    return { url: undefined, drop: nothing }
  }
  return { url: `${server}/${name}`, drop: () => admin(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`).catch(nothing) }
}
