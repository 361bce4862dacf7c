/**
 * Where durable states are kept: one row for each key of each actor.
 *
 * Two numbers guard a row. The *epoch* says who may write: an instance that starts takes the next one, and from then on
 * every write with an older epoch is refused, however late it comes and whatever the clocks say. The *version* counts
 * the writes, and a write names the version that it replaces. Both are checked by the statement that writes.
 */
import type * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Identity } from "../base/identity.ts"

/** A row, as its owner knows it: the instance that has claimed it. */
export interface Row {
  readonly epoch: number
  readonly version: number
  /** JSON, or `undefined` where nothing was saved yet. */
  readonly value: string | undefined
  /** JSON: the changes that have an id, and their results. */
  readonly done: string | undefined
}

/** What a write replaces, and what with. */
export interface Change {
  readonly epoch: number
  readonly version: number
  readonly value: string
  readonly done: string | undefined
}

/** A store of states. Each operation happens as a whole, or not at all. */
export interface StateStore {
  /** Takes the next epoch for a key, which makes a row if there is none. */
  claim(identity: Identity): Effect.Effect<Row, SqlError>
  /** Reads the row of a key. */
  read(identity: Identity): Effect.Effect<Row | undefined, SqlError>
  /** Replaces the value if epoch and version are still these; says whether they were. */
  save(identity: Identity, change: Change): Effect.Effect<boolean, SqlError>
  /** Forgets the value of a key. The epoch stays, so that a late write is refused still. */
  clear(identity: Identity): Effect.Effect<void, SqlError>
}
