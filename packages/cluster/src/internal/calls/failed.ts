/**
 * Durable calls whose stored result is a failure.
 */
import { ActorError } from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { FailedCall, Unfinished } from "../../DurableCalls.ts"
import { unescape } from "../base/keyText.ts"
import { Sharding, Snowflake } from "../engine.ts"
import {
  type FailedRequest,
  failedCounts,
  failedRequest,
  failedRequests,
  remove,
  rerun,
  unfinishedCounts
} from "../engineInternals.ts"
import * as attempts from "./attempts.ts"

const DEFAULT_LIMIT = 100

/** The names of columns are those that we write. */
const client = Effect.map(SqlClient.SqlClient, (sql) => sql.withoutTransforms())

export const failed = ({
  actor,
  limit = DEFAULT_LIMIT
}: {
  readonly actor?: string | undefined
  readonly limit?: number | undefined
} = {}): Effect.Effect<ReadonlyArray<FailedCall>, SqlError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    if (!Number.isInteger(limit) || limit < 1) {
      throw new RangeError(`DurableCalls.failed: limit must be an integer of at least 1, but is ${Home.show(limit)}`)
    }
    const rows = yield* failedRequests(yield* client, actor, limit)
    return rows.map(toFailed)
  })

export const retry = (id: string): Effect.Effect<boolean, SqlError, SqlClient.SqlClient> =>
  Effect.tap(
    within(id, (sql, row) => rerun(sql, row, attempts.more(row.headers, 1))),
    lookAgain
  )

/** A node that retries it need not wait until it looks for calls the next time. */
const lookAgain = Effect.flatMap(Effect.serviceOption(Sharding.Sharding), (sharding) =>
  Option.isSome(sharding) ? sharding.value.pollStorage : Effect.void
)

export const drop = (id: string): Effect.Effect<boolean, SqlError, SqlClient.SqlClient> =>
  within(id, (sql, row) => Effect.as(remove(sql, [row.id]), true))

/** Whether there was such a call. It is looked at and changed in one transaction. */
const within = (
  id: string,
  change: (sql: SqlClient.SqlClient, row: FailedRequest) => Effect.Effect<boolean, SqlError>
): Effect.Effect<boolean, SqlError, SqlClient.SqlClient> =>
  Effect.flatMap(client, (sql) => {
    if (!/^\d+$/.test(id)) return Effect.succeed(false)
    return sql.withTransaction(
      Effect.flatMap(failedRequest(sql, id), (row) => (row === undefined ? Effect.succeed(false) : change(sql, row)))
    )
  })

const toFailed = (row: FailedRequest): FailedCall => {
  const { args, id } = JSON.parse(row.payload) as { readonly args: ReadonlyArray<unknown>; readonly id: string }
  const reasons: ReadonlyArray<EncodedReason> = JSON.parse(row.exit).cause
  return {
    id: row.id,
    actor: row.actor,
    key: unescape(row.key),
    method: row.method,
    callId: id,
    args,
    at: madeAt(row.replyId),
    cause: reasons.map(wordsOf).join("; ").slice(0, MAX_WORDS),
    isDefect: !reasons.some(({ _tag }) => _tag === "Fail"),
    attempts: attempts.earlier(row.headers) + 1
  }
}

/** The id of what is stored tells when it was made. */
const madeAt = (id: string): DateTime.Utc =>
  DateTime.makeUnsafe(Snowflake.toParts(Snowflake.Snowflake(BigInt(id))).timestamp)

const MAX_WORDS = 1000

type EncodedReason =
  | { readonly _tag: "Fail"; readonly error: any }
  | { readonly _tag: "Die"; readonly defect: any }
  | { readonly _tag: "Interrupt" }

const decodeActorError = Schema.decodeUnknownOption(Schema.toCodecJson(ActorError))

/** No schema of the actor is known here, so an error is what it is stored as. */
const wordsOf = (reason: EncodedReason): string => {
  if (reason._tag === "Interrupt") return "it was interrupted"
  if (reason._tag === "Die") return saidBy(reason.defect) ?? Home.show(reason.defect)
  const { error } = reason
  const ours = error?._tag === "ActorError" ? Option.getOrUndefined(decodeActorError(error)) : undefined
  if (ours !== undefined) return ours.message
  if (typeof error?._tag !== "string") return Home.show(error)
  const { _tag, ...fields } = error
  return Object.keys(fields).length === 0 ? _tag : `${_tag} ${Home.show(fields)}`
}

/** A defect is stored as an error, or as the value that it is. */
const saidBy = (defect: any): string | undefined =>
  typeof defect?.message === "string" ? `${defect.name ?? "Error"}: ${defect.message}` : undefined

export const unfinished: Effect.Effect<ReadonlyArray<Unfinished>, SqlError, SqlClient.SqlClient> = Effect.flatMap(
  client,
  (sql) =>
    Effect.map(unfinishedCounts(sql), (rows) =>
      rows.map(({ actor, count, id, unread }) => ({ actor, calls: count, waiting: unread, oldest: madeAt(id) }))
    )
)

/** Counts the failure of a durable call on the node where it failed. */
export const counted = (actor: string, method: string): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(failures, { actor, method }), 1)

const failures = Metric.counter("troupe_durable_calls_failed_total", {
  description: "Durable calls that have failed",
  incremental: true
})

/** Counts those that are stored now, by actor. */
export const gauge = (known: Set<string>): Effect.Effect<void, SqlError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    const counts = new Map((yield* failedCounts(yield* client)).map(({ actor, count }) => [actor, count]))
    for (const actor of counts.keys()) known.add(actor)
    yield* Effect.forEach(known, (actor) => set(actor, counts.get(actor) ?? 0))
  })

/** Another node counts from now on. */
export const forget = (known: ReadonlySet<string>): Effect.Effect<void> =>
  Effect.forEach(known, (actor) => set(actor, 0), { discard: true })

const set = (actor: string, count: number) => Metric.update(Metric.withAttributes(dead, { actor }), count)

const dead = Metric.gauge("troupe_durable_calls_dead", {
  description: "Durable calls that have failed, and whose failure is still stored"
})
