/**
 * The storage of a simulated cluster: SQLite in memory, where each process has a connection of its own, and statements that
 * take their time, fail before they are done, or are done while their answer is lost.
 */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as SqlClient from "effect/sql/SqlClient"
import * as SqlError from "effect/sql/SqlError"
import { UNFINISHED } from "../engineInternals.ts"
import { layerOf, type Run } from "../sql/sqlite.ts"
import { type Connection, Database } from "./database.ts"
import type { Place } from "./faults.ts"
import { BEGINNING, type Process } from "./process.ts"
import type { World } from "./world.ts"

/** How long a statement takes, in milliseconds: usually, and when something is wrong. */
const LATENCY = 0.2
const SLOW = [2, 30, 300]
/** From when on it is told. */
const LONG = 30
/** How long a statement waits for a storage that does not answer. */
const TIMEOUT = 5000
/** What becomes of a statement, apart from what usually does. */
const FATES = ["is not done", "is done, and its answer is lost"] as const
/** What stores something, outside of a transaction. */
const WRITES = /^\s*(INSERT|UPDATE|WITH)/i

export class Storage {
  readonly world: World
  /** Told when a process asks for something, and when something was stored for it: a fault may strike there. */
  moment: (process: Process, place: Place) => void = () => {}
  /** Which of the fates a statement of a process meets, if it is not 0: what usually happens. */
  fate: (process: Process, fates: number) => number = () => 0
  /** How likely a statement is late. */
  delays = 0
  /** Until when each statement takes so long. */
  slowUntil = 0
  slowBy = 0
  private away = false
  private second = -1
  private written = ""
  private readonly waiting: Array<() => void> = []
  private readonly database = Database.take()

  constructor(world: World) {
    this.world = world
    this.database.timestamp = () => this.timestamp
  }

  close(): void {
    this.database.giveBack()
  }

  /** The stored calls that have no result, or nothing while a transaction is under way. */
  get unfinished(): ReadonlyArray<string> | undefined {
    if (!this.database.isSettled) return undefined
    const rows: ReadonlyArray<any> = this.database.kept.prepare(UNFINISHED).statement.all()
    return rows.map(({ actor, key, method }) => `${actor}(${key}).${method}`)
  }

  /** The time in seconds, as SQLite writes it. */
  private get timestamp(): string {
    const second = Math.floor(this.world.now / 1000)
    if (second !== this.second) {
      this.second = second
      this.written = new Date(BEGINNING + second * 1000).toISOString().slice(0, 19).replace("T", " ")
    }
    return this.written
  }

  get isAway(): boolean {
    return this.away
  }

  /** Whether no statement is answered. Those that wait for their answer go on when the storage is back. */
  set isAway(away: boolean) {
    this.away = away
    if (!away) for (const goOn of this.waiting.splice(0)) goOn()
  }

  /** The connection of a process. When the process ends, its transaction is rolled back. */
  of(process: Process): Layer.Layer<SqlClient.SqlClient, SqlError.SqlError> {
    let connection: Connection
    const late = `sql_late_${process.name}`
    const connect = Effect.sync(() => {
      connection = this.database.connect()
      process.onDeath.push(() => connection.rollBack())
      return connection
    })
    return layerOf("a simulated storage", connect, undefined, (sql, run) =>
      sql === "ROLLBACK"
        ? this.rollback(connection, run)
        : Effect.suspend(() => {
            const chosen = this.world.exploration.choose(late, SLOW.length + 1, this.delays)
            const latency = SLOW[chosen - 1] ?? LATENCY
            if (latency >= LONG) this.world.narrate("storage", `"${short(sql)}" of ${process.name} takes ${latency} ms`)
            const slow = this.world.now < this.slowUntil ? this.slowBy : 0
            return this.statement(process, connection, sql, run, latency + slow)
          })
    )
  }

  /** Nothing fails in giving a transaction up: that of a connection that broke is gone already. */
  private rollback(connection: Connection, run: Run): Run {
    return Effect.suspend(() => {
      connection.isBroken = false
      return connection.database.isTransaction ? run : Effect.succeed([])
    })
  }

  private statement(process: Process, connection: Connection, sql: string, run: Run, latency: number): Run {
    const fate = this.fate(process, FATES.length)
    if (fate > 0) this.world.note("storage", `"${short(sql)}" of ${process.name} ${FATES[fate - 1]}`)
    let stores = false
    const broken = (message: string) =>
      Effect.suspend(() => {
        connection.break(sql)
        return lost(message)
      })
    const done = (): Run => {
      if (connection.isBroken) return lost("the connection was lost")
      if (fate === 1) return broken("the statement was not done")
      if (fate === 2) return Effect.andThen(run, broken("the answer to the statement was lost"))
      return stores ? Effect.tap(run, () => this.stored(process)) : run
    }
    return Effect.flatMap(process.sleep(latency), (): Run => {
      stores = sql === "COMMIT" || (WRITES.test(sql) && !connection.database.isTransaction)
      this.moment(process, stores ? "stores" : "asks")
      if (process.state === "dead") return Effect.never
      if (!this.away) return done()
      return Effect.flatMap(Effect.timeoutOption(this.back(process), TIMEOUT), (back) =>
        back._tag === "Some" ? done() : broken("the storage does not answer")
      )
    })
  }

  /** What follows once something is stored: nothing, if a fault strikes there. */
  private stored(process: Process): Effect.Effect<void> {
    this.moment(process, "stored")
    return process.state === "dead" ? Effect.never : Effect.void
  }

  private back(process: Process): Effect.Effect<void> {
    return Effect.callback((resume) => {
      this.waiting.push(() => process.scheduleTask(() => resume(Effect.void)))
    })
  }
}

/** An error of the connection: of the statement nothing is known. */
const lost = (message: string) =>
  Effect.fail(
    new SqlError.SqlError({
      reason: new SqlError.ConnectionError({ cause: new Error(message), message, operation: "execute" })
    })
  )

const MAX_TEXT = 40

/** What a statement does, in a few words. */
const short = (sql: string): string => sql.replaceAll(/\s+/g, " ").trim().slice(0, MAX_TEXT)
