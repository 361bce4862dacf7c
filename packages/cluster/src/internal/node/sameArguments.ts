/**
 * Whether a call that is stored already had the same arguments, where its id stands for them.
 */
import { isDeepStrictEqual } from "node:util"
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import { OtherArguments } from "../base/refused.ts"
import { ClusterError, type MessageStorage } from "../engine.ts"
import { payloadOf } from "../engineInternals.ts"

interface Payload {
  readonly args: ReadonlyArray<unknown>
}

/** Fails for a call that was saved as another one. Where it cannot be looked up any more, it is taken for the same. */
export const sameArguments = (
  sql: SqlClient.SqlClient,
  payload: unknown,
  saved: MessageStorage.SaveResult.Encoded
): Effect.Effect<void, ClusterError.PersistenceError> => {
  if (saved._tag === "Success") return Effect.void
  const stored = Effect.orElseSucceed(payloadOf(sql, String(saved.originalId)), () => undefined)
  return Effect.flatMap(stored, (stored) => {
    const different = stored === undefined ? -1 : firstDifferent(payload as Payload, JSON.parse(stored))
    if (different < 0) return Effect.void
    return Effect.fail(new ClusterError.PersistenceError({ cause: new OtherArguments(different) }))
  })
}

/** Arguments are compared as they are written, in which the order of fields says nothing. */
const firstDifferent = ({ args }: Payload, other: Payload): number => {
  const count = Math.max(args.length, other.args.length)
  return Array.from({ length: count }).findIndex((_, index) => !isDeepStrictEqual(args[index], other.args[index]))
}
