/**
 * Durable calls are stored in the order in which they were made, and those that come together with one statement. So are
 * their results.
 *
 * The calls of a key run in the order of storage, and a database with several connections stores them in any order
 * otherwise. While the storage does not answer, the first call of a key is tried again, and its others wait behind it.
 * What the storage refuses fails by itself: another try would be refused as well.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { now } from "../base/now.ts"
import { ResultRefused, refusalOf } from "../base/refused.ts"
import { CurrentSubmission, TellsSubmissions } from "../calls/durableCall.ts"
import { ClusterError, Entity, MessageStorage, Reply, type Rpc, Snowflake } from "../engine.ts"
import { insertRequests, insertResults, type StoredRequest, type StoredResult, Width } from "../engineInternals.ts"
import * as tables from "../sql/tables.ts"
import { type Entry, type Group, Groups } from "./groups.ts"
import { sameArguments } from "./sameArguments.ts"

type Encoded = MessageStorage.Encoded
type Saved = Effect.Success<ReturnType<Encoded["saveEnvelope"]>>
type PersistenceError = ClusterError.PersistenceError
type Exits<A> = Effect.Effect<ReadonlyArray<Exit.Exit<A, PersistenceError>>>

interface Call {
  readonly message: Parameters<Encoded["saveEnvelope"]>[0]
  /** What its envelope holds, as it is stored. */
  readonly payload: string
  /** When its caller gives up, in milliseconds of the monotonic clock. */
  readonly until: number
}

interface Result extends StoredResult {
  readonly key: string
  readonly reply: Reply.WithExitEncoded
  readonly until: number
}

type Calls = Group<Call, Saved, PersistenceError>
type Results = Group<Result, void, PersistenceError>

/** How many connections calls may have at a time, and results. A process has ten, if nothing else is said; SQLite one. */
const CONNECTIONS = 4
const RETRY_PAUSE = "100 millis"
/** A group is stored within milliseconds. One that is not is stored one by one, which shows where it fails. */
const GROUP_TIMEOUT = "5 seconds"

/** The storage of messages in the database in context. A call that is not stored within `patience` fails. */
export const layer = (patience: number) =>
  Layer.effect(MessageStorage.MessageStorage)(
    Effect.gen(function* () {
      const engine = yield* tables.messages
      const sql = (yield* SqlClient.SqlClient).withoutTransforms()
      const storage = new Storage(engine, sql, yield* Effect.context<never>(), patience)
      const messages = yield* MessageStorage.makeEncoded({
        ...engine,
        saveEnvelope: storage.saveEnvelope,
        saveReply: storage.saveReply
      })
      return { ...settling(messages), [TellsSubmissions]: true }
    })
  ).pipe(Layer.provide(Snowflake.layerGenerator))

/** A call settles whatever its result is: one that the storage refuses is stored as a failure that says so. */
const settling = (messages: MessageStorage.MessageStorage["Service"]): typeof messages => ({
  ...messages,
  saveReply: (reply) =>
    Effect.catchTag(messages.saveReply(reply), "PersistenceError", (error) => {
      const why = refusalOf(error.cause)
      return why === undefined ? Effect.fail(error) : messages.saveReply(refused(reply, why))
    })
})

const refused = <R extends Rpc.Any>(
  { context, reply: { id, requestId }, rpc }: Reply.ReplyWithContext<R>,
  why: string
): Reply.ReplyWithContext<R> => {
  const exit = Exit.die(new ResultRefused(why)) as Reply.WithExit<R>["exit"]
  return new Reply.ReplyWithContext({ context, reply: new Reply.WithExit({ id, requestId, exit }), rpc })
}

class Storage {
  private readonly engine: Encoded
  private readonly sql: SqlClient.SqlClient
  private readonly patience: number
  private readonly calls: Groups<Call, Saved, PersistenceError>
  private readonly results: Groups<Result, void, PersistenceError>

  constructor(engine: Encoded, sql: SqlClient.SqlClient, context: Context.Context<never>, patience: number) {
    this.engine = engine
    this.sql = sql
    this.patience = patience
    const [saveCalls, saveResults] = sql.onDialectOrElse({
      pg: () => [this.insertCalls, this.insertResults] as const,
      orElse: () => [this.callsTogether, this.resultsTogether] as const
    })
    const atOnce = sql.onDialectOrElse({ sqlite: () => 1, orElse: () => CONNECTIONS })
    this.calls = new Groups(
      {
        work: (group) => this.saveCalls(group, saveCalls),
        atOnce,
        key: keyOf,
        ordered: true,
        size: ({ payload }) => payload.length
      },
      context
    )
    this.results = new Groups(
      {
        work: (group) => this.saveResults(group, saveResults),
        atOnce,
        key: ({ key }) => key,
        size: ({ payload }) => payload.length
      },
      context
    )
  }

  /** Only calls have a primary key. What else is sent about a call has no order, and what a transaction sends is in it. */
  readonly saveEnvelope: Encoded["saveEnvelope"] = (message) =>
    Effect.withFiber(({ context }) => {
      const { envelope, primaryKey } = message
      if (envelope._tag !== "Request" || primaryKey === null || this.inTransaction(context)) {
        return this.engine.saveEnvelope(message)
      }
      const saved = Effect.flatMap(this.textOf(envelope.payload), ({ text, until }) =>
        this.calls.do({ message, payload: text, until })
      )
      const submission = Context.get(context, CurrentSubmission)
      if (submission === undefined) return saved
      const checked = submission.standsForArguments
        ? Effect.tap(saved, (saved) => sameArguments(this.sql, envelope.payload, saved))
        : saved
      return Effect.tap(checked, () => Effect.sync(() => submission.stored()))
    })

  /** The items of a stream are stored one by one. */
  readonly saveReply: Encoded["saveReply"] = (reply) =>
    Effect.withFiber(({ context }) =>
      reply._tag === "Chunk" || this.inTransaction(context)
        ? this.engine.saveReply(reply)
        : Effect.flatMap(this.textOf(reply.exit), ({ text, until }) =>
            this.results.do({
              reply,
              id: reply.id,
              requestId: reply.requestId,
              payload: text,
              until,
              key: keyIn(context)
            })
          )
    )

  /** A value as it is stored, and when it is given up. One that cannot be written fails by itself, not with its group. */
  private textOf(value: unknown): Effect.Effect<{ readonly text: string; readonly until: number }, PersistenceError> {
    return Effect.flatMap(now, (now) =>
      Effect.try({
        try: () => ({ text: JSON.stringify(value), until: now + this.patience }),
        catch: (cause) => new ClusterError.PersistenceError({ cause })
      })
    )
  }

  private inTransaction(context: Context.Context<never>): boolean {
    return Context.getOrUndefined(context as Context.Context<any>, this.sql.transactionService) !== undefined
  }

  /** Saves a group together. If that fails, any of its calls may be the reason, so those of each key are saved apart. */
  private saveCalls(
    group: Calls,
    together: (group: Calls) => Effect.Effect<ReadonlyArray<Saved>, unknown>
  ): Exits<Saved> {
    const apart = Effect.suspend(() => {
      const keys = byKey(group)
      const save = (entry: Entry<Call, Saved, PersistenceError>) =>
        alone(entry, this.untilSaved(entry.item.until, this.engine.saveEnvelope(entry.item.message)))
      return Effect.map(
        Effect.forEach(keys, (calls) => Effect.forEach(calls, save), { concurrency: "unbounded" }),
        (exits) => inOrderOf(group, keys.flat(), exits.flat())
      )
    })
    return group.length === 1 ? apart : inTime(together(group), apart)
  }

  /** The same. Results have no order. */
  private saveResults(
    group: Results,
    together: (group: Results) => Effect.Effect<ReadonlyArray<void>, unknown>
  ): Exits<void> {
    const apart = Effect.forEach(
      group,
      (entry) => alone(entry, this.untilSaved(entry.item.until, this.saveResult(entry.item))),
      { concurrency: "unbounded" }
    )
    return group.length === 1 ? apart : inTime(together(group), apart)
  }

  /** A database that did not say so in time may have stored it. The same result is not an error then. */
  private saveResult({ payload, reply }: Result): Effect.Effect<void, PersistenceError> {
    return Effect.catch(this.engine.saveReply(reply), (error) =>
      Effect.flatMap(this.engine.repliesForUnfiltered([reply.requestId]), (stored) =>
        stored.some((other) => other._tag === "WithExit" && JSON.stringify(other.exit) === payload)
          ? Effect.void
          : Effect.fail(error)
      )
    )
  }

  private untilSaved<A>(until: number, save: Effect.Effect<A, PersistenceError>): Effect.Effect<A, PersistenceError> {
    return Effect.flatMap(now, (now) =>
      Effect.retry(save, {
        schedule: Schedule.spaced(RETRY_PAUSE),
        while: ({ cause }) => refusalOf(cause) === undefined
      }).pipe(
        Effect.timeoutOrElse({
          duration: Math.max(0, until - now),
          orElse: () => Effect.fail(new ClusterError.PersistenceError({ cause: tooLate }))
        })
      )
    )
  }

  /** In one transaction, on one connection. */
  private readonly callsTogether = (group: Calls) =>
    this.sql.withTransaction(Effect.forEach(group, ({ item }) => this.engine.saveEnvelope(item.message)))

  private readonly resultsTogether = (group: Results) =>
    this.sql.withTransaction(Effect.forEach(group, ({ item }) => this.engine.saveReply(item.reply)))

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

/** Whose result is stored: it is the entity that stores it. */
const keyIn = (context: Context.Context<never>): string => {
  const address = Context.getOrUndefined(context, Entity.CurrentAddress)
  return address === undefined ? "" : `${address.entityType}\n${address.entityId}`
}

/** The calls of a key have an order. */
const keyOf = ({ message: { envelope } }: Call): string =>
  `${envelope.address.entityType}\n${envelope.address.entityId}`

const byKey = (group: Calls): ReadonlyArray<Calls> => {
  const keys = new Map<string, Array<Entry<Call, Saved, PersistenceError>>>()
  for (const entry of group) {
    const key = keyOf(entry.item)
    const calls = keys.get(key)
    if (calls === undefined) keys.set(key, [entry])
    else calls.push(entry)
  }
  return [...keys.values()]
}

/** A call, if it is stored as it is: the engine keeps a digest of a primary key that is too long. */
const requestOf = ({ message, payload }: Call): StoredRequest | undefined => {
  const { deliverAt, envelope, primaryKey } = message
  return envelope._tag === "Request" && primaryKey !== null && primaryKey.length <= Width.messageId
    ? { envelope, payload, messageId: primaryKey, deliverAt }
    : undefined
}

/** Saves what nobody has stopped to wait for. Whoever waits for it goes on at once. */
const alone = <A, B>(
  entry: Entry<A, B, PersistenceError>,
  save: Effect.Effect<B, PersistenceError>
): Effect.Effect<Exit.Exit<B, PersistenceError>> =>
  Effect.exit(Effect.suspend(() => (entry.left ? Effect.interrupt : save))).pipe(
    Effect.tap((exit) => Effect.sync(() => entry.end(exit)))
  )

const inOrderOf = <A, B>(group: ReadonlyArray<A>, saved: ReadonlyArray<A>, exits: ReadonlyArray<B>): Array<B> => {
  const exitOf = new Map(saved.map((entry, index) => [entry, exits[index]!]))
  return group.map((entry) => exitOf.get(entry)!)
}

const inTime = <A>(together: Effect.Effect<ReadonlyArray<A>, unknown>, oneByOne: Exits<A>): Exits<A> =>
  together.pipe(
    Effect.withTracerEnabled(false),
    Effect.timeout(GROUP_TIMEOUT),
    Effect.map((results) => results.map((result) => Exit.succeed(result))),
    Effect.catchCause(() => oneByOne)
  )

const tooLate = new Error("The storage did not take the call in time")
