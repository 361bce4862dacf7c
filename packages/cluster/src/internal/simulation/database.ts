/**
 * The database of a simulated storage: SQLite in memory, with a connection for each process. It begins with the tables of
 * the cluster, and has no row. One simulation after the other uses it: to make the tables, and to prepare all statements
 * anew, would take as long as most schedules do.
 */
import { DatabaseSync } from "node:sqlite"
import * as Effect from "effect/Effect"
import * as reminders from "../reminders/sql.ts"
import { layerOf, Opened, type Prepared } from "../sql/sqlite.ts"
import * as tables from "../sql/tables.ts"
import * as state from "../state/sql.ts"
import { BEGINNING } from "./process.ts"

/** Databases in memory are shared by name, in the whole process. */
let count = 0
const free: Array<Database> = []

/** What a connection is not the same after. */
const SPOILS = /^\s*(PRAGMA|ATTACH|CREATE\s+TEMP)/i

/** What begins or ends a transaction: nothing else of it comes when that fails. */
const ENDS = /^(BEGIN|COMMIT)/

export class Connection extends Opened {
  /** Whether it was changed in a way that the next simulation would notice. */
  private spoilt = false
  /** Whether it was lost in a transaction that is not given up yet. */
  isBroken = false

  get isSpoilt(): boolean {
    return this.spoilt
  }

  /** Each schedule has much the same statements, those with values in their text, too. */
  override unprepared(sql: string): Prepared {
    return this.prepare(sql)
  }

  protected override make(sql: string): Prepared {
    if (SPOILS.test(sql)) this.spoilt = true
    return super.make(sql)
  }

  override get isTransaction(): boolean {
    return this.isBroken || super.isTransaction
  }

  /** Gives up what has not been committed. */
  rollBack(): void {
    if (this.database.isTransaction) this.database.exec("ROLLBACK")
  }

  /** Its server has lost it. What comes of the same transaction finds that, and is not done by itself. */
  break(sql: string): void {
    this.isBroken = this.database.isTransaction && !ENDS.test(sql)
    this.rollBack()
  }
}

interface Item {
  readonly type: string
  readonly name: string
  readonly sql: string | null
}

export class Database {
  /** What its clock shows. */
  timestamp: () => string = () => BEGINNING_TEXT
  /** A database in memory lasts as long as it has connections. */
  readonly kept: Connection
  private readonly file = `file:/troupe-simulation-${++count}?vfs=memdb`
  private idle: Array<Connection> = []
  private lent: Array<Connection> = []
  private readonly schema: string
  private readonly names: ReadonlySet<string>
  private readonly empty: ReadonlyArray<() => void>

  /** One that nobody uses. */
  static take(): Database {
    return free.pop() ?? new Database()
  }

  private constructor() {
    this.kept = this.open()
    const client = layerOf(this.file, Effect.succeed(this.kept))
    const make = Effect.andThen(tables.make, Effect.andThen(state.sql("troupe"), reminders.sql("troupe")))
    Effect.runSync(Effect.provide(make, client))
    const items = this.items()
    this.schema = JSON.stringify(items)
    this.names = new Set(items.map(({ name }) => name))
    // The list of migrations is the same each time.
    const emptied = items.filter(({ name, type }) => type === "table" && !name.endsWith("_migrations"))
    this.empty = emptied.map(({ name }) => {
      const statement = this.kept.database.prepare(`DELETE FROM "${name}"`)
      return () => void statement.run()
    })
  }

  private open(): Connection {
    // It never waits for a lock by itself: that would take real time.
    const database = new DatabaseSync(this.file, { timeout: 0 })
    // The database has a clock of its own, which is right.
    database.function("current_timestamp", () => this.timestamp())
    return new Connection(database)
  }

  connect(): Connection {
    const connection = this.idle.pop() ?? this.open()
    this.lent.push(connection)
    return connection
  }

  /** Whether no transaction is under way. */
  get isSettled(): boolean {
    return this.lent.every(({ database }) => !database.isTransaction)
  }

  /** Keeps it for the next one who takes one. */
  giveBack(): void {
    for (const connection of this.lent) {
      connection.rollBack()
      connection.isBroken = false
    }
    const [spoilt, clean] = partition(this.lent, ({ isSpoilt }) => isSpoilt)
    for (const { database } of spoilt) database.close()
    this.idle.push(...clean.reverse())
    this.lent = []
    this.timestamp = () => BEGINNING_TEXT
    if (this.reset()) free.push(this)
    else this.close()
  }

  /** Makes it what it was at the beginning. Returns whether that was possible. */
  private reset(): boolean {
    try {
      for (const empty of this.empty) empty()
      for (const { name, type } of this.items()) {
        if (!this.names.has(name)) this.kept.database.exec(`DROP ${type} IF EXISTS "${name}"`)
      }
      return JSON.stringify(this.items()) === this.schema
    } catch {
      return false
    }
  }

  private items(): ReadonlyArray<Item> {
    const all = this.kept.prepare("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_autoindex%'")
    return all.statement.all() as any
  }

  private close(): void {
    for (const { database } of [this.kept, ...this.idle]) database.close()
  }
}

const BEGINNING_TEXT = new Date(BEGINNING).toISOString().slice(0, 19).replace("T", " ")

const partition = <A>(all: ReadonlyArray<A>, test: (a: A) => boolean): [Array<A>, Array<A>] => [
  all.filter(test),
  all.filter((a) => !test(a))
]
