/**
 * The one door of this package to the insides of the engine: texts that it writes and tables that it keeps, of which
 * nothing is promised. Where one of them has changed, what we do with it is left undone, and nothing else.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { type Envelope, ShardId } from "./engine.ts"

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
export const Width = { entityType: 150, entityId: 255, tag: 50, messageId: 255 } as const

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

/** Which requests are stored and have no result, in SQLite. Where the tables have changed, this fails. */
export const UNFINISHED =
  "SELECT entity_type AS actor, entity_id AS key, tag AS method FROM cluster_messages WHERE kind = 0 AND processed = 0"

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

/** What the engine stores of a request. */
export interface StoredRequest {
  readonly envelope: Envelope.PartialRequestEncoded
  /** What the envelope holds, as JSON. */
  readonly payload: string
  /** Its primary key, which fits the width of its column. */
  readonly messageId: string
  readonly deliverAt: number | null
}

/** What the engine stores of a result. */
export interface StoredResult {
  readonly id: string
  readonly requestId: string
  /** The exit as JSON. */
  readonly payload: string
}

/** What a request that is stored holds, as JSON. Where the tables have changed, this fails. */
export const payloadOf = (sql: SqlClient.SqlClient, requestId: string): Effect.Effect<string | undefined, SqlError> =>
  Effect.map(
    sql<{ readonly payload: string }>`SELECT payload FROM cluster_messages WHERE id = ${requestId}`,
    (rows) => rows[0]?.payload
  )

const REQUEST = 0
const RESULT = 0

/**
 * Stores requests in Postgres in their order, with one statement, and succeeds with the ids of those that are new. The
 * engine has a statement for each of them. Where the tables have changed, this fails, and the engine stores them.
 */
export const insertRequests = (
  sql: SqlClient.SqlClient,
  requests: ReadonlyArray<StoredRequest>
): Effect.Effect<ReadonlySet<string>, SqlError> =>
  Effect.map(
    sql<{ readonly id: string }>`
      INSERT INTO cluster_messages (
        id, message_id, shard_id, entity_type, entity_id, kind, tag, payload, headers, trace_id, span_id, sampled,
        request_id, deliver_at
      )
      SELECT id, message_id, shard_id, entity_type, entity_id, kind, tag, payload, headers, trace_id, span_id, sampled,
        request_id, deliver_at
      FROM json_populate_recordset(NULL::cluster_messages, CAST(${rowsOf(requests, requestRow)}::text AS json))
        WITH ORDINALITY AS r
      ORDER BY r.ordinality
      ON CONFLICT (message_id) DO NOTHING
      RETURNING CAST(id AS TEXT) AS id`.unprepared,
    (rows) => new Set(rows.map(({ id }) => id))
  )

const requestRow = ({ deliverAt, envelope, messageId, payload }: StoredRequest) => ({
  id: envelope.requestId,
  message_id: messageId,
  shard_id: ShardId.toString(envelope.address.shardId),
  entity_type: envelope.address.entityType,
  entity_id: envelope.address.entityId,
  kind: REQUEST,
  tag: envelope.tag,
  payload,
  headers: JSON.stringify(envelope.headers),
  trace_id: envelope.traceId ?? null,
  span_id: envelope.spanId ?? null,
  sampled: envelope.sampled ?? null,
  request_id: envelope.requestId,
  deliver_at: deliverAt
})

/**
 * Stores results in Postgres with one statement. It locks requests in the order in which the engine does, so that neither
 * waits for the other. Where one request has its result already, or the tables have changed, this stores none.
 */
export const insertResults = (
  sql: SqlClient.SqlClient,
  results: ReadonlyArray<StoredResult>
): Effect.Effect<void, SqlError> =>
  Effect.asVoid(
    sql`
      WITH results AS (
        SELECT id, kind, request_id, payload
        FROM json_populate_recordset(NULL::cluster_replies, CAST(${rowsOf(results, resultRow)}::text AS json))
      ), locked AS (
        SELECT id FROM cluster_messages WHERE request_id IN (SELECT request_id FROM results) ORDER BY rowid FOR UPDATE
      ), answered AS (
        UPDATE cluster_messages m SET processed = TRUE, last_reply_id = r.id
        FROM results r WHERE m.request_id = r.request_id AND m.id IN (SELECT id FROM locked)
      )
      INSERT INTO cluster_replies (id, kind, request_id, payload) SELECT id, kind, request_id, payload FROM results`
      .unprepared
  )

const resultRow = ({ id, payload, requestId }: StoredResult) => ({
  id,
  kind: RESULT,
  request_id: requestId,
  payload
})

const rowsOf = <A>(items: ReadonlyArray<A>, row: (item: A) => object): string => JSON.stringify(items.map(row))

/** A request whose result is a failure. */
export interface FailedRequest {
  readonly id: string
  readonly replyId: string
  readonly actor: string
  readonly key: string
  readonly method: string
  /** All three as JSON. */
  readonly payload: string
  readonly headers: string
  readonly exit: string
}

const INTERRUPT = 2

/** Ours are the requests with such a payload; workflows of Effect have others. */
const OURS = '{"id":%"args":[%'

/** What was cancelled has not failed. */
const selectFailed = (sql: SqlClient.SqlClient) => sql`
  SELECT CAST(m.id AS CHAR(20)) AS id, CAST(r.id AS CHAR(20)) AS reply_id, m.entity_type, m.entity_id, m.tag, m.payload,
    m.headers, r.payload AS exit_json
  FROM cluster_messages m
  JOIN cluster_replies r ON r.request_id = m.id AND r.kind = ${sql.literal(String(RESULT))}
  WHERE m.kind = ${sql.literal(String(REQUEST))} AND m.payload LIKE ${OURS}
    AND r.payload LIKE ${'{"_tag":"Failure"%'}
    AND r.payload NOT LIKE ${'{"_tag":"Failure","cause":[{"_tag":"Interrupt"%'}
    AND r.payload NOT LIKE ${'{"_tag":"Failure","cause":[{"_tag":"Fail","error":{"_tag":"ActorError","reason":{"_tag":"TaskCancelled"%'}`

const toFailedRequest = (row: any): FailedRequest => ({
  id: row.id.trim(),
  replyId: row.reply_id.trim(),
  actor: row.entity_type,
  key: row.entity_id,
  method: row.tag,
  payload: row.payload,
  headers: row.headers ?? "{}",
  exit: row.exit_json
})

/** The requests that failed, the last one first. Where the tables have changed, this fails. */
export const failedRequests = (
  sql: SqlClient.SqlClient,
  entityType: string | undefined,
  limit: number
): Effect.Effect<ReadonlyArray<FailedRequest>, SqlError> => {
  const of = entityType === undefined ? sql`` : sql`AND m.entity_type = ${entityType}`
  return Effect.map(sql`${selectFailed(sql)} ${of} ORDER BY r.id DESC LIMIT ${sql.literal(String(limit))}`, (rows) =>
    rows.map(toFailedRequest)
  )
}

export const failedRequest = (
  sql: SqlClient.SqlClient,
  id: string
): Effect.Effect<FailedRequest | undefined, SqlError> =>
  Effect.map(sql`${selectFailed(sql)} AND m.id = ${sql.literal(id)}`, ([row]) => row && toFailedRequest(row))

/** How many requests of an entity type failed, and have still their result. */
export interface FailedCount {
  readonly actor: string
  readonly count: number
}

export const failedCounts = (sql: SqlClient.SqlClient): Effect.Effect<ReadonlyArray<FailedCount>, SqlError> =>
  Effect.map(
    sql<{ readonly entity_type: string; readonly n: unknown }>`
      SELECT entity_type, COUNT(*) AS n FROM (${selectFailed(sql)}) AS failed GROUP BY entity_type`,
    (rows) => rows.map((row) => ({ actor: row.entity_type, count: Number(row.n) }))
  )

/** The requests of an entity type that have no result yet. */
export interface UnfinishedCount {
  readonly actor: string
  readonly count: number
  /** How many of them no node has read since their shard was acquired. */
  readonly unread: number
  /** The first of them. */
  readonly id: string
}

/** Where the tables have changed, this fails. */
export const unfinishedCounts = (sql: SqlClient.SqlClient): Effect.Effect<ReadonlyArray<UnfinishedCount>, SqlError> =>
  Effect.map(
    sql<any>`
      SELECT entity_type, COUNT(*) AS n, SUM(CASE WHEN last_read IS NULL THEN 1 ELSE 0 END) AS unread,
        CAST(MIN(id) AS CHAR(20)) AS id
      FROM cluster_messages
      WHERE kind = ${sql.literal(String(REQUEST))} AND processed = FALSE AND payload LIKE ${OURS}
      GROUP BY entity_type ORDER BY COUNT(*) DESC, entity_type`,
    (rows) =>
      rows.map((row) => ({
        actor: row.entity_type,
        count: Number(row.n),
        unread: Number(row.unread),
        id: String(row.id).trim()
      }))
  )

/** A request, and what it says of itself. */
export interface Given {
  readonly id: string
  /** As JSON. */
  readonly headers: string
}

/**
 * Lets the requests of shards that no node has answered be read again, as the engine does when it acquires the shards.
 * Succeeds with those of ours that a node had read. Where the tables have changed, this fails.
 */
export const takeBack = (
  sql: SqlClient.SqlClient,
  shards: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<Given>, SqlError> => {
  const read = sql`processed = FALSE AND last_read IS NOT NULL AND ${sql.in("shard_id", shards)}`
  const which = sql.onDialectOrElse({
    // The engine locks rows in this order.
    pg: () => sql`id IN (SELECT id FROM cluster_messages WHERE ${read} ORDER BY rowid FOR UPDATE)`,
    orElse: () => read
  })
  return Effect.map(
    sql<any>`UPDATE cluster_messages SET last_read = NULL WHERE ${which}
      RETURNING CAST(id AS CHAR(20)) AS id, kind, headers, CASE WHEN payload LIKE ${OURS} THEN 1 ELSE 0 END AS ours`,
    (rows) => rows.filter(({ kind, ours }) => Number(kind) === REQUEST && Number(ours) === 1).map(toGiven)
  )
}

export const headersOf = (sql: SqlClient.SqlClient, id: string): Effect.Effect<ReadonlyArray<Given>, SqlError> =>
  Effect.map(
    sql<any>`SELECT CAST(id AS CHAR(20)) AS id, headers FROM cluster_messages WHERE id = ${sql.literal(id)}`,
    (rows) => rows.map(toGiven)
  )

const toGiven = (row: any): Given => ({ id: String(row.id).trim(), headers: row.headers ?? "{}" })

/** A statement has so many parameters at most. */
const MOST_AT_ONCE = 500

/** Writes what requests say of themselves: of many with one statement. */
export const setHeaders = (sql: SqlClient.SqlClient, requests: ReadonlyArray<Given>): Effect.Effect<void, SqlError> =>
  Effect.forEach(
    Arr.chunksOf(requests, MOST_AT_ONCE),
    (some) => {
      const cases = sql.join(" ", false)(some.map(({ headers, id }) => sql`WHEN ${sql.literal(id)} THEN ${headers}`))
      const ids = sql.literal(some.map(({ id }) => id).join(", "))
      return sql`UPDATE cluster_messages SET headers = CASE id ${cases} END WHERE id IN (${ids})`
    },
    { discard: true }
  )

/**
 * Has a request run again that failed: it is as if it had not been answered, nor told to end. Says whether it had still
 * its result. For a transaction.
 */
export const rerun = (
  sql: SqlClient.SqlClient,
  { id, replyId }: FailedRequest,
  headers: string
): Effect.Effect<boolean, SqlError> =>
  Effect.gen(function* () {
    const request = sql`request_id = ${sql.literal(id)}`
    const deleted = yield* sql`DELETE FROM cluster_replies WHERE id = ${sql.literal(replyId)} RETURNING kind`
    if (deleted.length === 0) return false
    yield* sql`DELETE FROM cluster_messages WHERE ${request} AND kind = ${sql.literal(String(INTERRUPT))}`
    yield* sql`UPDATE cluster_messages
      SET processed = FALSE, last_reply_id = NULL, last_read = NULL, headers = ${headers} WHERE ${request}`
    return true
  })
