/**
 * Where reminders are kept until they have fired: one row each.
 *
 * A node that fires a reminder *leases* its row first, with one statement, so that only one of several nodes gets it. A
 * lease expires: the reminders that a dead node had leased are fired by another. A row that is replaced gets another
 * *generation*, so that a node that still fires the old reminder does not remove the new one.
 */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { createTable } from "../sql/table.ts"

/** Which reminder: of which actor, of which key of it, and its own id. */
export interface ReminderAddress {
  readonly actor: string
  /** How the key is written where states and reminders are filed. */
  readonly key: string
  readonly id: string
}

/** What is to happen. */
export interface Order extends ReminderAddress {
  /** The key, as JSON, for finding the actor again. */
  readonly keyJson: string
  readonly method: string
  /** The arguments, as JSON. */
  readonly args: string
  /** When it is to fire next, in milliseconds since the epoch. */
  readonly due: number
  /** Milliseconds between two firings, if it fires more than once. */
  readonly every: number | undefined
}

export interface Reminder extends Order {
  readonly generation: number
  /** How often this occurrence was tried. */
  readonly attempts: number
  /** Why it is not tried any more. */
  readonly failed: string | undefined
}

export interface Lease {
  readonly owner: string
  /** In milliseconds since the epoch. */
  readonly until: number
}

/** What a store of reminders has to do. Each operation happens as a whole, or not at all. */
export interface ReminderStore {
  /**
   * Writes a reminder, in place of one with the same address. One that repeats with the same interval keeps its rhythm.
   */
  put(order: Order): Effect.Effect<void, SqlError>
  /** Says whether there was one. */
  remove(address: ReminderAddress): Effect.Effect<boolean, SqlError>
  /**
   * Files the reminders of a key under another text. `from` says under which they are, and which key is meant. For
   * storages that outlive versions of this library.
   */
  move?(from: Pick<Order, "actor" | "key" | "keyJson">, to: string): Effect.Effect<void, SqlError>
  list(of: Omit<ReminderAddress, "id">): Effect.Effect<ReadonlyArray<Reminder>, SqlError>
  /** Leases reminders of an actor that are due, the earliest first. */
  lease(actor: string, now: number, limit: number, lease: Lease): Effect.Effect<ReadonlyArray<Reminder>, SqlError>
  /** Makes the leases of an owner last longer. */
  extend(lease: Lease): Effect.Effect<void, SqlError>
  /** Ends all leases of an owner: what it has not fired is due for others. */
  release(owner: string): Effect.Effect<void, SqlError>
  /** Ends a lease, if it is still this one: the reminder is gone, or due at another time, or given up. */
  settle(reminder: Reminder, owner: string, outcome: Outcome): Effect.Effect<void, SqlError>
}

export type Outcome =
  | { readonly _tag: "Done" }
  | { readonly _tag: "Next"; readonly due: number }
  | { readonly _tag: "Again"; readonly notBefore: number; readonly attempts: number }
  | { readonly _tag: "Failed"; readonly why: string }

/** The storage in a SQL database, whose table is created if there is none. */
export const sql = (prefix: string): Effect.Effect<ReminderStore, SqlError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    const table = sql(`${prefix}_reminders`)
    yield* createTable(
      sql,
      sql`CREATE TABLE IF NOT EXISTS ${table} (
        actor TEXT NOT NULL,
        actor_key TEXT NOT NULL,
        id TEXT NOT NULL,
        key_json TEXT NOT NULL,
        method TEXT NOT NULL,
        args TEXT NOT NULL,
        due BIGINT NOT NULL,
        every BIGINT,
        generation BIGINT NOT NULL,
        attempts BIGINT NOT NULL,
        leased_until BIGINT NOT NULL,
        leased_by TEXT,
        failed TEXT,
        PRIMARY KEY (actor, actor_key, id)
      )`
    )
    yield* createTable(sql, sql`CREATE INDEX IF NOT EXISTS ${sql(`${prefix}_reminders_due`)} ON ${table} (actor, due)`)
    const at = ({ actor, id, key }: ReminderAddress) => sql`actor = ${actor} AND actor_key = ${key} AND id = ${id}`
    // Rows that another node is leasing right now are not waited for.
    const locking = sql.literal(sql.onDialectOrElse({ pg: () => "FOR UPDATE SKIP LOCKED", orElse: () => "" }))
    return {
      put: ({ actor, args, due, every = null, id, key, keyJson, method }: any) =>
        Effect.asVoid(
          sql`INSERT INTO ${table}
            (actor, actor_key, id, key_json, method, args, due, every, generation, attempts, leased_until, leased_by, failed)
            VALUES (${actor}, ${key}, ${id}, ${keyJson}, ${method}, ${args}, ${due}, ${every}, 1, 0, 0, NULL, NULL)
            ON CONFLICT (actor, actor_key, id) DO UPDATE SET
              key_json = excluded.key_json,
              args = excluded.args,
              method = excluded.method,
              due = CASE WHEN ${table}.every = excluded.every THEN ${table}.due ELSE excluded.due END,
              generation = CASE WHEN ${table}.every = excluded.every
                THEN ${table}.generation ELSE ${table}.generation + 1 END,
              attempts = CASE WHEN ${table}.every = excluded.every THEN ${table}.attempts ELSE 0 END,
              leased_until = CASE WHEN ${table}.every = excluded.every THEN ${table}.leased_until ELSE 0 END,
              leased_by = CASE WHEN ${table}.every = excluded.every THEN ${table}.leased_by ELSE NULL END,
              every = excluded.every,
              failed = NULL`
        ),
      remove: (address) =>
        Effect.map(sql`DELETE FROM ${table} WHERE ${at(address)} RETURNING id`, (rows) => rows.length > 0),
      move: ({ actor, key, keyJson }, to) =>
        Effect.asVoid(
          sql`UPDATE ${table} SET actor_key = ${to}
            WHERE actor = ${actor} AND actor_key = ${key} AND key_json = ${keyJson} AND NOT EXISTS (
              SELECT 1 FROM ${table} AS other
              WHERE other.actor = ${actor} AND other.actor_key = ${to} AND other.id = ${table}.id
            )`
        ),
      list: ({ actor, key }) =>
        Effect.map(sql`SELECT * FROM ${table} WHERE actor = ${actor} AND actor_key = ${key} ORDER BY due, id`, (rows) =>
          rows.map(toReminder)
        ),
      lease: (actor, now, limit, { owner, until }) =>
        Effect.map(
          sql`UPDATE ${table} SET leased_until = ${until}, leased_by = ${owner}, attempts = attempts + 1
            WHERE (actor, actor_key, id) IN (
              SELECT actor, actor_key, id FROM ${table}
              WHERE actor = ${actor} AND due <= ${now} AND leased_until <= ${now} AND failed IS NULL
              ORDER BY due LIMIT ${limit} ${locking}
            )
            RETURNING *`,
          (rows) => rows.map(toReminder).sort((one, other) => one.due - other.due)
        ),
      extend: ({ owner, until }) =>
        Effect.asVoid(sql`UPDATE ${table} SET leased_until = ${until} WHERE leased_by = ${owner}`),
      release: (owner) =>
        Effect.asVoid(sql`UPDATE ${table} SET leased_until = 0, leased_by = NULL WHERE leased_by = ${owner}`),
      settle: (reminder, owner, outcome) => {
        const mine = sql`${at(reminder)} AND generation = ${reminder.generation} AND leased_by = ${owner}`
        const free = sql.literal("leased_by = NULL")
        switch (outcome._tag) {
          case "Done":
            return Effect.asVoid(sql`DELETE FROM ${table} WHERE ${mine}`)
          case "Next":
            return Effect.asVoid(
              sql`UPDATE ${table} SET due = ${outcome.due}, attempts = 0, leased_until = 0, ${free} WHERE ${mine}`
            )
          case "Again":
            return Effect.asVoid(
              sql`UPDATE ${table} SET leased_until = ${outcome.notBefore}, attempts = ${outcome.attempts}, ${free}
                WHERE ${mine}`
            )
          case "Failed":
            return Effect.asVoid(sql`UPDATE ${table} SET failed = ${outcome.why}, ${free} WHERE ${mine}`)
        }
      }
    }
  })

const toReminder = (row: any): Reminder => ({
  actor: row.actor,
  key: row.actor_key,
  id: row.id,
  keyJson: row.key_json,
  method: row.method,
  args: row.args,
  due: Number(row.due),
  every: row.every === null ? undefined : Number(row.every),
  generation: Number(row.generation),
  attempts: Number(row.attempts),
  failed: row.failed ?? undefined
})

interface Slot extends Reminder {
  readonly leasedUntil: number
  readonly leasedBy: string | undefined
}

/** A storage that lasts as long as the value, for tests. */
export const memory = (): ReminderStore => {
  const slots = new Map<string, Slot>()
  const text = ({ actor, id, key }: ReminderAddress) => JSON.stringify([actor, key, id])
  const change = (slot: Slot, changes: Partial<Slot>) => slots.set(text(slot), { ...slot, ...changes })
  return {
    put: (order) =>
      Effect.sync(() => {
        const before = slots.get(text(order))
        const fresh = { attempts: 0, failed: undefined, leasedUntil: 0, leasedBy: undefined }
        if (before === undefined) slots.set(text(order), { ...order, ...fresh, generation: 1 })
        else if (before.every !== undefined && before.every === order.every) {
          change(before, { ...order, due: before.due, failed: undefined })
        } else change(before, { ...order, ...fresh, generation: before.generation + 1 })
      }),
    remove: (address) => Effect.sync(() => slots.delete(text(address))),
    list: ({ actor, key }) =>
      Effect.sync(() => [...slots.values()].filter((slot) => slot.actor === actor && slot.key === key).sort(byDue)),
    lease: (actor, now, limit, { owner, until }) =>
      Effect.sync(() =>
        [...slots.values()]
          .filter((slot) => slot.actor === actor && slot.due <= now && slot.leasedUntil <= now && !slot.failed)
          .sort(byDue)
          .slice(0, limit)
          .map((slot) => {
            const leased = { ...slot, attempts: slot.attempts + 1, leasedUntil: until, leasedBy: owner }
            slots.set(text(slot), leased)
            return leased
          })
      ),
    extend: ({ owner, until }) =>
      Effect.sync(() => {
        for (const slot of slots.values()) if (slot.leasedBy === owner) change(slot, { leasedUntil: until })
      }),
    release: (owner) =>
      Effect.sync(() => {
        for (const slot of slots.values()) {
          if (slot.leasedBy === owner) change(slot, { leasedUntil: 0, leasedBy: undefined })
        }
      }),
    settle: (reminder, owner, outcome) =>
      Effect.sync(() => {
        const slot = slots.get(text(reminder))
        if (slot?.leasedBy !== owner || slot.generation !== reminder.generation) return
        const free = { leasedBy: undefined }
        if (outcome._tag === "Done") slots.delete(text(slot))
        else if (outcome._tag === "Next") change(slot, { due: outcome.due, attempts: 0, leasedUntil: 0, ...free })
        else if (outcome._tag === "Failed") change(slot, { failed: outcome.why, ...free })
        else change(slot, { leasedUntil: outcome.notBefore, attempts: outcome.attempts, ...free })
      })
  }
}

const byDue = (one: Reminder, other: Reminder): number => one.due - other.due
