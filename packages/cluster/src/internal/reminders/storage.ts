/**
 * Where reminders are kept until they have fired: one row each.
 *
 * A node that fires a reminder *leases* its row first, with one statement, so that only one of several nodes gets it. A
 * lease expires: the reminders that a dead node had leased are fired by another. A row that is replaced gets another
 * *generation*, so that a node that still fires the old reminder does not remove the new one.
 */
import type * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"

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

/** A store of reminders. Each operation happens as a whole, or not at all. */
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
