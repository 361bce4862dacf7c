/**
 * Effect's `SqlClient` over the SQLite that is built into Node, for one file that several processes may share.
 *
 * There is one connection for each client, and one statement at a time on it. The file is in WAL mode: readers do not
 * wait for the writer, and there is one writer at a time over all processes. Transactions begin with `BEGIN IMMEDIATE`,
 * so that they wait for their turn where waiting is harmless, and never fail halfway because another process was
 * faster.
 */

import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlConnection from "effect/sql/SqlConnection"
import * as SqlError from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"

/** How long SQLite itself waits for a lock. Nothing else runs in this process meanwhile, so it is short. */
const BLOCKING_MILLIS = 10
/** How long a statement waits for a lock in all, the event loop turning. A frozen process may hold it for long. */
const PATIENCE_MILLIS = 10_000
const PAUSE_MILLIS = 5
/** Statements that inline their values would fill any cache. */
const MAX_PREPARED = 500

const BUSY = 5
const LOCKED = 6

/**
 * A client for the SQLite database in a file, which is created if there is none. `:memory:` gives a database of its
 * own. The file is closed with the Layer.
 */
export const layer = (file: string): Layer.Layer<SqlClient.SqlClient, SqlError.SqlError> =>
  layerOf(file, openFile(file), setUp)

/** What a statement does: it is run now, and run again while the database is busy. */
export type Run = Effect.Effect<any, SqlError.SqlError>

/** A client for a database that is open. Each statement is done as `around` says. */
export const layerOf = (
  file: string,
  open: Effect.Effect<Opened, SqlError.SqlError, Scope.Scope>,
  setUp: (connection: Connection) => Effect.Effect<void, SqlError.SqlError> = () => Effect.void,
  around?: (sql: string, run: Run) => Run
): Layer.Layer<SqlClient.SqlClient, SqlError.SqlError> =>
  Layer.provide(Layer.effect(SqlClient.SqlClient, make(file, open, setUp, around)), Reactivity.layer)

const make = Effect.fnUntraced(function* (
  file: string,
  open: Effect.Effect<Opened, SqlError.SqlError, Scope.Scope>,
  setUp: (connection: Connection) => Effect.Effect<void, SqlError.SqlError>,
  around: (sql: string, run: Run) => Run = (_, run) => run
) {
  const opened = yield* open
  const connection = new Connection(opened, around)
  yield* setUp(connection)
  return yield* SqlClient.make({
    ...SqlClient.makeSqliteAcquirers({
      connection: Effect.succeed(connection),
      semaphore: yield* Semaphore.make(1),
      isTransaction: () => opened.isTransaction
    }),
    driver: "node-sqlite",
    compiler: Statement.makeCompilerSqlite(),
    beginTransaction: "BEGIN IMMEDIATE",
    prepareTransactionControls: true,
    releaseSavepoint: (name) => `RELEASE SAVEPOINT ${name}`,
    spanAttributes: [
      ["db.system.name", "sqlite"],
      ["db.namespace", file]
    ]
  })
})

const setUp = (connection: Connection) =>
  Effect.asVoid(
    Effect.andThen(
      // Switching to WAL needs the file alone for a moment, and several processes may start at once. So does repairing
      // what killed processes have left, which happens when the file is first looked into.
      connection.execute("PRAGMA journal_mode=WAL", [], undefined),
      // With WAL this loses nothing when a process is killed, and at most the last transactions on a power cut.
      connection.execute("PRAGMA synchronous=NORMAL", [], undefined)
    )
  )

const openFile = (file: string): Effect.Effect<Opened, SqlError.SqlError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.flatMap(nodeSqlite, ({ DatabaseSync }) =>
      Effect.try({
        try: () => new Opened(new DatabaseSync(file, { timeout: BLOCKING_MILLIS })),
        catch: (cause) => failure(cause, "connect", `the database file ${file} cannot be opened`)
      })
    ),
    ({ database }) => Effect.sync(() => database.close())
  )

/** It is loaded with the first file, since not every Node has it: the rest of the package works there. */
const nodeSqlite = Effect.tryPromise({
  try: () => import("node:sqlite"),
  catch: (cause) =>
    new SqlError.SqlError({
      reason: new SqlError.ConnectionError({ cause, message: needsSqlite, operation: "connect" })
    })
})

/** What to change where Node has no SQLite. */
export const needsSqlite = `a storage that is a file needs the SQLite of Node 22.19 or later, and this is Node ${process.versions.node}. Use that, or Postgres`

const failure = (cause: any, operation: string, prefix?: string): SqlError.SqlError => {
  // Effect reads the number of an error from `errno`, and Node writes it to `errcode`.
  if (cause?.errcode !== undefined) cause.errno = cause.errcode
  const text = String(cause?.message ?? cause)
  const message = prefix === undefined ? text : `${prefix}: ${text}`
  return new SqlError.SqlError({ reason: SqlError.classifySqliteError(cause, { message, operation }) })
}

type Mode = "rows" | "arrays" | "raw"

/** A statement, and what it was last told of how to give its rows: to tell it each time takes as long as a short statement. */
export interface Prepared {
  readonly statement: StatementSync
  /** Whether it succeeds with rows. */
  readonly reads: boolean
  bigints: boolean
  arrays: boolean
}

/** A database that is open, with the statements that were prepared. */
export class Opened {
  readonly database: DatabaseSync
  readonly prepared = new Map<string, Prepared>()

  constructor(database: DatabaseSync) {
    this.database = database
  }

  /** Whether a transaction is to be ended. */
  get isTransaction(): boolean {
    return this.database.isTransaction
  }

  prepare(sql: string): Prepared {
    const { prepared } = this
    const present = prepared.get(sql)
    if (present !== undefined) {
      // The one that was not used for longest comes first.
      prepared.delete(sql)
      prepared.set(sql, present)
      return present
    }
    const made = this.make(sql)
    prepared.set(sql, made)
    if (prepared.size > MAX_PREPARED) {
      for (const oldest of prepared.keys()) {
        prepared.delete(oldest)
        break
      }
    }
    return made
  }

  unprepared(sql: string): Prepared {
    return this.make(sql)
  }

  protected make(sql: string): Prepared {
    const statement = this.database.prepare(sql)
    return { statement, reads: statement.columns().length > 0, bigints: false, arrays: false }
  }
}

class Connection implements SqlConnection.Connection {
  private readonly opened: Opened
  private readonly around: (sql: string, run: Run) => Run

  constructor(opened: Opened, around: (sql: string, run: Run) => Run) {
    this.opened = opened
    this.around = around
  }

  execute(sql: string, params: ReadonlyArray<unknown>, transform: Transform): Rows {
    return transformed(this.run(sql, params, "rows", true), transform)
  }

  executeUnprepared(sql: string, params: ReadonlyArray<unknown>, transform: Transform): Rows {
    return transformed(this.run(sql, params, "rows", false), transform)
  }

  executeRaw(sql: string, params: ReadonlyArray<unknown>): Effect.Effect<unknown, SqlError.SqlError> {
    return this.run(sql, params, "raw", true)
  }

  executeValues(sql: string, params: ReadonlyArray<unknown>): Rows {
    return this.run(sql, params, "arrays", true)
  }

  executeValuesUnprepared(sql: string, params: ReadonlyArray<unknown>): Rows {
    return this.run(sql, params, "arrays", false)
  }

  /** Reads all rows first: a statement that is read halfway would keep all other statements off the connection. */
  executeStream(
    sql: string,
    params: ReadonlyArray<unknown>,
    transform: Transform
  ): Stream.Stream<any, SqlError.SqlError> {
    return Stream.fromIterableEffect(this.execute(sql, params, transform))
  }

  /** Runs a statement, and runs it again while another process holds the lock: then it has not had any effect. */
  private run(sql: string, params: ReadonlyArray<unknown>, mode: Mode, cached: boolean): Run {
    const run = Effect.withFiber((fiber) => {
      const bigints = Context.get(fiber.context, SqlClient.SafeIntegers)
      const attempt = () => this.runNow(sql, params, mode, cached, bigints)
      try {
        return Effect.succeed(attempt())
      } catch (cause) {
        return isBusy(cause) ? untilFree(attempt) : Effect.fail(failure(cause, "execute"))
      }
    })
    return this.around(sql, run)
  }

  private runNow(sql: string, params: ReadonlyArray<unknown>, mode: Mode, cached: boolean, bigints: boolean): unknown {
    const prepared = cached ? this.opened.prepare(sql) : this.opened.unprepared(sql)
    giveRows(prepared, bigints, mode === "arrays")
    const { reads, statement } = prepared
    const values = params.map(toSql)
    if (reads) return statement.all(...values)
    const result = statement.run(...values)
    return mode === "raw" ? result : []
  }
}

/** Tells a statement how to give its rows. */
const giveRows = (prepared: Prepared, bigints: boolean, arrays: boolean): void => {
  if (prepared.bigints !== bigints) {
    prepared.bigints = bigints
    prepared.statement.setReadBigInts(bigints)
  }
  if (prepared.arrays !== arrays) {
    prepared.arrays = arrays
    prepared.statement.setReturnArrays(arrays)
  }
}

type Rows = Effect.Effect<ReadonlyArray<any>, SqlError.SqlError>
type Transform = (<A extends object>(row: ReadonlyArray<A>) => ReadonlyArray<A>) | undefined

const transformed = (rows: Rows, transform: Transform): Rows =>
  transform === undefined ? rows : Effect.map(rows, transform)

const toSql = (value: unknown): SQLInputValue => {
  if (value === undefined) return null
  if (typeof value === "boolean") return value ? 1 : 0
  return value instanceof Date ? value.toISOString() : (value as SQLInputValue)
}

/** The lower byte is the kind of error, the rest says more. */
const isBusy = (cause: unknown): boolean => {
  const kind = ((cause as { readonly errcode?: number }).errcode ?? 0) & 0xff
  return kind === BUSY || kind === LOCKED
}

/**
 * Tries again until the lock is free or patience ends. The lock is in other processes, so the time is real time, also
 * under a test clock. Interrupting it gives up between two attempts.
 */
const untilFree = (attempt: () => unknown): Effect.Effect<any, SqlError.SqlError> =>
  Effect.callback((resume) => {
    const end = performance.now() + PATIENCE_MILLIS
    const again = () => {
      try {
        resume(Effect.succeed(attempt()))
      } catch (cause) {
        if (isBusy(cause) && performance.now() < end) timer = setTimeout(again, PAUSE_MILLIS)
        else resume(Effect.fail(failure(cause, "execute")))
      }
    }
    let timer = setTimeout(again, PAUSE_MILLIS)
    return Effect.sync(() => clearTimeout(timer))
  })
