/**
 * How often a durable call was given to an instance. It is among the headers of the stored request, once it was more than
 * once: a call that succeeds at the first attempt costs nothing.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as engine from "../engineInternals.ts"

/** How often it was given before. */
const EARLIER = "troupe-retries"

/** How often a request was given to an instance before the last time. */
export const earlier = (headers: string): number => Number(JSON.parse(headers)[EARLIER] ?? 0)

/** The headers of a request that was given so many times more. */
export const more = (headers: string, times: number): string =>
  JSON.stringify({ ...JSON.parse(headers), [EARLIER]: String(earlier(headers) + times) })

/**
 * Lets the calls of shards that come to this node be read again, and counts those that were under way on another node, or
 * on this one in an earlier life.
 */
export const takeBack = (sql: SqlClient.SqlClient, shards: ReadonlyArray<string>): Effect.Effect<void, SqlError> =>
  Effect.flatMap(engine.takeBack(sql, shards), (requests) => Effect.ignore(add(sql, requests, 1)))

/** Counts that a call was given to so many instances more. For the node that runs it. */
export const again = (requestId: string, times: number): Effect.Effect<void> =>
  Effect.flatMap(Effect.serviceOption(SqlClient.SqlClient), (found) => {
    if (times === 0 || Option.isNone(found)) return Effect.void
    const sql = found.value.withoutTransforms()
    return Effect.ignore(Effect.flatMap(engine.headersOf(sql, requestId), (requests) => add(sql, requests, times)))
  })

const add = (
  sql: SqlClient.SqlClient,
  requests: ReadonlyArray<engine.Given>,
  times: number
): Effect.Effect<void, SqlError> =>
  engine.setHeaders(
    sql,
    requests.map(({ headers, id }) => ({ id, headers: more(headers, times) }))
  )
