/**
 * Durable calls are stored in the order in which they were made, and those that come together in one transaction.
 *
 * They run in the order of storage, and a database with several connections stores them in any order otherwise. While
 * the storage does not answer, the first in line is tried again, and the others wait behind it. With 100 calls of one
 * key in flight, on Postgres, groups store several times as many as one transaction after the other.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as SqlClient from "effect/sql/SqlClient"
import { ClusterError, MessageStorage, Snowflake, SqlMessageStorage } from "../engine.ts"
import { type Entry, Groups } from "./groups.ts"

type Encoded = MessageStorage.Encoded
type Saved = Effect.Success<ReturnType<Encoded["saveEnvelope"]>>
type PersistenceError = ClusterError.PersistenceError

interface Call {
  readonly envelope: Parameters<Encoded["saveEnvelope"]>[0]
  /** When its caller gives up, in milliseconds of the monotonic clock. */
  readonly until: number
}

type Group = ReadonlyArray<Entry<Call, Saved, PersistenceError>>

const RETRY_PAUSE = "100 millis"
/** A group is stored within milliseconds. One that is not is stored one by one, which shows where it fails. */
const GROUP_TIMEOUT = "5 seconds"

/** The storage of messages in the database in context. A call that is not stored within `patience` fails. */
export const layer = (patience: number) =>
  Layer.effect(MessageStorage.MessageStorage)(
    Effect.gen(function* () {
      const engine = yield* SqlMessageStorage.makeEncoded()
      const calls = new Calls(engine, yield* SqlClient.SqlClient, yield* Effect.context<never>(), patience)
      return yield* MessageStorage.makeEncoded({
        ...engine,
        saveEnvelope: calls.save
      })
    })
  ).pipe(Layer.provide(Snowflake.layerGenerator))

class Calls {
  private readonly engine: Encoded
  private readonly sql: SqlClient.SqlClient
  private readonly patience: number
  private readonly groups: Groups<Call, Saved, PersistenceError>

  constructor(engine: Encoded, sql: SqlClient.SqlClient, context: Context.Context<never>, patience: number) {
    this.engine = engine
    this.sql = sql
    this.patience = patience
    this.groups = new Groups((group) => this.saveGroup(group), context)
  }

  /** Only calls have a primary key. What else is sent about a call has no order, and what a transaction sends is in it. */
  readonly save: Encoded["saveEnvelope"] = (envelope) =>
    Effect.withFiber(({ context }) => {
      const transaction = Context.getOrUndefined(context as Context.Context<any>, this.sql.transactionService)
      if (envelope.primaryKey === null || transaction !== undefined) return this.engine.saveEnvelope(envelope)
      return Effect.flatMap(now, (now) => this.groups.do({ envelope, until: now + this.patience }))
    })

  /** Saves a group in one transaction. If that fails, any of its calls may be the reason, so each is saved by itself. */
  private saveGroup(group: Group): Effect.Effect<ReadonlyArray<Exit.Exit<Saved, PersistenceError>>> {
    if (group.length === 1) return this.saveEach(group)
    return Effect.forEach(group, ({ item }) => this.engine.saveEnvelope(item.envelope), {
      concurrency: "unbounded"
    }).pipe(
      this.sql.withTransaction,
      Effect.timeout(GROUP_TIMEOUT),
      Effect.map((results) => results.map((result) => Exit.succeed(result))),
      Effect.catchCause(() => this.saveEach(group))
    )
  }

  private saveEach(group: Group): Effect.Effect<ReadonlyArray<Exit.Exit<Saved, PersistenceError>>> {
    return Effect.forEach(group, (entry) =>
      Effect.exit(Effect.suspend(() => (entry.left ? Effect.interrupt : this.untilSaved(entry.item))))
    )
  }

  private untilSaved({ envelope, until }: Call): Effect.Effect<Saved, PersistenceError> {
    return Effect.flatMap(now, (now) =>
      Effect.retry(this.engine.saveEnvelope(envelope), { schedule: Schedule.spaced(RETRY_PAUSE) }).pipe(
        Effect.timeoutOrElse({
          duration: Math.max(0, until - now),
          orElse: () => Effect.fail(new ClusterError.PersistenceError({ cause: tooLate }))
        })
      )
    )
  }
}

const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

const tooLate = new Error("The storage did not take the call in time")
