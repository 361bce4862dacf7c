/**
 * Durable states in memory, for tests.
 */
import * as Effect from "effect/Effect"
import type { Identity, Row, StateStore } from "../../DurableState.ts"
import { textOf } from "../base/keyText.ts"

/** A store that lasts as long as the value. */
export const memory = (): StateStore => {
  const rows = new Map<string, Row>()
  const id = ({ actor, key }: Identity) => JSON.stringify([actor, textOf(key)])
  const fresh: Row = { epoch: 0, version: 0, value: undefined, done: undefined }
  const change = (identity: Identity, f: (row: Row) => Row) => {
    const row = f(rows.get(id(identity)) ?? fresh)
    rows.set(id(identity), row)
    return row
  }
  return {
    claim: (identity, after) =>
      Effect.sync(() => {
        const { epoch } = rows.get(id(identity)) ?? fresh
        if (after !== undefined && after !== epoch) return undefined
        return change(identity, (row) => ({ ...row, epoch: epoch + 1 }))
      }),
    read: (identity) => Effect.sync(() => rows.get(id(identity))),
    save: (identity, { done, epoch, value, version }) =>
      Effect.sync(() => {
        const row = rows.get(id(identity))
        if (row?.epoch !== epoch || row.version !== version) return false
        change(identity, () => ({ epoch, version: version + 1, value, done }))
        return true
      }),
    clear: (identity) =>
      Effect.sync(
        () => void change(identity, (row) => ({ ...row, epoch: row.epoch + 1, value: undefined, done: undefined }))
      )
  }
}
