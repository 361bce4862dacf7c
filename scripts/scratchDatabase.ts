// A Postgres database for one run of the checks, where a local server lets us in. Else there is none, and the tests that
// would use it say so.
import * as PgClient from "@effect/sql-pg/PgClient"
import { Effect, Redacted } from "effect"

export interface ScratchDatabase {
  readonly url: string
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

export const scratchDatabase = async (): Promise<ScratchDatabase | undefined> => {
  const name = `troupe_ci_${process.pid}`
  try {
    await admin(`CREATE DATABASE ${name}`)
  } catch {
    return undefined
  }
  return { url: `${server}/${name}`, drop: () => admin(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`).catch(() => {}) }
}
