/**
 * Durable calls are stored in the order in which they were made, and those that come together with one statement. So are
 * their results.
 *
 * Calls run in the order of storage, and a database with several connections stores them in any order otherwise. While
 * the storage does not answer, the first in line is tried again, and the others wait behind it.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { ClusterError, MessageStorage, type Reply, Snowflake, SqlMessageStorage } from "../engine.ts"
import { insertRequests, insertResults, type StoredRequest, Width } from "../engineInternals.ts"
import { type Entry, Groups } from "./groups.ts"

type Encoded = MessageStorage.Encoded
type Saved = Effect.Success<ReturnType<Encoded["saveEnvelope"]>>
type PersistenceError = ClusterError.PersistenceError
type Exits<A> = Effect.Effect<ReadonlyArray<Exit.Exit<A, PersistenceError>>>

interface Call {
  readonly message: Parameters<Encoded["saveEnvelope"]>[0]
  /** When its caller gives up, in milliseconds of the monotonic clock. */
  readonly until: number
}

type Calls = ReadonlyArray<Entry<Call, Saved, PersistenceError>>
type Results = ReadonlyArray<Entry<Reply.WithExitEncoded, void, PersistenceError>>

const RETRY_PAUSE = "100 millis"
/** A group is stored within milliseconds. One that is not is stored one by one, which shows where it fails. */
const GROUP_TIMEOUT = "5 seconds"

/** The storage of messages in the database in context. A call that is not stored within `patience` fails. */
export const layer = (patience: number) =>
  Layer.effect(MessageStorage.MessageStorage)(
    Effect.gen(function* () {
      const engine = yield* SqlMessageStorage.makeEncoded()
      const sql = (yield* SqlClient.SqlClient).withoutTransforms()
      const storage = new Storage(engine, sql, yield* Effect.context<never>(), patience)
      return yield* MessageStorage.makeEncoded({
        ...engine,
        saveEnvelope: storage.saveEnvelope,
        saveReply: storage.saveReply
      })
    })
  ).pipe(Layer.provide(Snowflake.layerGenerator))

class Storage {
  private readonly engine: Encoded
  private readonly sql: SqlClient.SqlClient
  private readonly patience: number
  private readonly calls: Groups<Call, Saved, PersistenceError>
  private readonly results: Groups<Reply.WithExitEncoded, void, PersistenceError>

  constructor(engine: Encoded, sql: SqlClient.SqlClient, context: Context.Context<never>, patience: number) {
    this.engine = engine
    this.sql = sql
    this.patience = patience
    const [saveCalls, saveResults] = sql.onDialectOrElse({
      pg: () => [this.insertCalls, this.insertResults] as const,
      orElse: () => [this.callsTogether, this.resultsTogether] as const
    })
    this.calls = new Groups((group) => this.saveCalls(group, saveCalls), context)
    this.results = new Groups((group) => this.saveResults(group, saveResults), context)
  }

  /** Only calls have a primary key. What else is sent about a call has no order, and what a transaction sends is in it. */
  readonly saveEnvelope: Encoded["saveEnvelope"] = (message) =>
    Effect.withFiber(({ context }) =>
      message.primaryKey === null || this.inTransaction(context)
        ? this.engine.saveEnvelope(message)
        : Effect.flatMap(now, (now) => this.calls.do({ message, until: now + this.patience }))
    )

  /** The items of a stream are stored one by one. */
  readonly saveReply: Encoded["saveReply"] = (reply) =>
    Effect.withFiber(({ context }) =>
      reply._tag === "Chunk" || this.inTransaction(context) ? this.engine.saveReply(reply) : this.results.do(reply)
    )

  private inTransaction(context: Context.Context<never>): boolean {
    return Context.getOrUndefined(context as Context.Context<any>, this.sql.transactionService) !== undefined
  }

  /** Saves a group together. If that fails, any of its calls may be the reason, so each is saved by itself. */
  private saveCalls(
    group: Calls,
    together: (group: Calls) => Effect.Effect<ReadonlyArray<Saved>, unknown>
  ): Exits<Saved> {
    const oneByOne = Effect.forEach(group, (entry) => orLeft(entry, (call) => this.untilSaved(call)))
    return group.length === 1 ? oneByOne : inTime(together(group), oneByOne)
  }

  /** The same. Results have no order, and the engine tries again to save one. */
  private saveResults(
    group: Results,
    together: (group: Results) => Effect.Effect<ReadonlyArray<void>, unknown>
  ): Exits<void> {
    const oneByOne = Effect.forEach(group, (entry) => orLeft(entry, (result) => this.saveResult(result)), {
      concurrency: "unbounded"
    })
    return group.length === 1 ? oneByOne : inTime(together(group), oneByOne)
  }

  /** A database that did not say so in time may have stored it. The same result is not an error then. */
  private saveResult(result: Reply.WithExitEncoded): Effect.Effect<void, PersistenceError> {
    const exit = JSON.stringify(result.exit)
    return Effect.catch(this.engine.saveReply(result), (error) =>
      Effect.flatMap(this.engine.repliesForUnfiltered([result.requestId]), (stored) =>
        stored.some((reply) => reply._tag === "WithExit" && JSON.stringify(reply.exit) === exit)
          ? Effect.void
          : Effect.fail(error)
      )
    )
  }

  private untilSaved({ message, until }: Call): Effect.Effect<Saved, PersistenceError> {
    return Effect.flatMap(now, (now) =>
      Effect.retry(this.engine.saveEnvelope(message), { schedule: Schedule.spaced(RETRY_PAUSE) }).pipe(
        Effect.timeoutOrElse({
          duration: Math.max(0, until - now),
          orElse: () => Effect.fail(new ClusterError.PersistenceError({ cause: tooLate }))
        })
      )
    )
  }

  /** In one transaction. */
  private readonly callsTogether = (group: Calls) =>
    this.sql.withTransaction(
      Effect.forEach(group, ({ item }) => this.engine.saveEnvelope(item.message), { concurrency: "unbounded" })
    )

  private readonly resultsTogether = (group: Results) =>
    this.sql.withTransaction(Effect.forEach(group, ({ item }) => this.engine.saveReply(item)))

  /** With one statement. What the engine knows of a call that is there already, it tells when it saves it again. */
  private readonly insertCalls = (group: Calls): Effect.Effect<ReadonlyArray<Saved>, PersistenceError | SqlError> => {
    const requests = group.map(({ item }) => requestOf(item))
    if (!requests.every((request) => request !== undefined)) return this.callsTogether(group)
    return Effect.flatMap(insertRequests(this.sql, requests), (added) =>
      Effect.forEach(group, ({ item }, index) =>
        added.has(requests[index]!.envelope.requestId)
          ? Effect.succeed(MessageStorage.SaveResultEncoded.Success())
          : this.engine.saveEnvelope(item.message)
      )
    )
  }

  private readonly insertResults = (group: Results) =>
    Effect.as(
      insertResults(
        this.sql,
        group.map(({ item }) => item)
      ),
      group.map(() => undefined)
    )
}

/** A call, if it is stored as it is: the engine keeps a digest of a primary key that is too long. */
const requestOf = ({ message }: Call): StoredRequest | undefined => {
  const { deliverAt, envelope, primaryKey } = message
  return envelope._tag === "Request" && primaryKey !== null && primaryKey.length <= Width.messageId
    ? { envelope, messageId: primaryKey, deliverAt }
    : undefined
}

const orLeft = <A, B>(
  entry: Entry<A, B, PersistenceError>,
  save: (item: A) => Effect.Effect<B, PersistenceError>
): Effect.Effect<Exit.Exit<B, PersistenceError>> =>
  Effect.exit(Effect.suspend(() => (entry.left ? Effect.interrupt : save(entry.item))))

const inTime = <A>(together: Effect.Effect<ReadonlyArray<A>, unknown>, oneByOne: Exits<A>): Exits<A> =>
  together.pipe(
    Effect.withTracerEnabled(false),
    Effect.timeout(GROUP_TIMEOUT),
    Effect.map((results) => results.map((result) => Exit.succeed(result))),
    Effect.catchCause(() => oneByOne)
  )

const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

const tooLate = new Error("The storage did not take the call in time")
