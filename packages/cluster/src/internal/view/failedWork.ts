/**
 * Durable calls and reminders that failed, as people list them together: each has an id in one word.
 */
import type { FailedWork } from "@troupe/core/ClusterView"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as DurableCalls from "../../DurableCalls.ts"
import * as Reminders from "../../Reminders.ts"

/** A reminder is named by three texts, in one word that a shell takes as it is. */
export const idOf = ({ actor, id, key }: Reminders.ReminderAddress): string =>
  [actor, key, id].map(encodeURIComponent).join("/")

const addressOf = (id: string): Reminders.ReminderAddress | undefined => {
  const [actor, key, own, ...rest] = id.split("/").map(decoded)
  return own === undefined || rest.length > 0 ? undefined : { actor: actor!, key: key!, id: own }
}

/** What is no text in this form names nothing. */
const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

type Change = (id: string) => Effect.Effect<boolean, SqlError, Reminders.ReminderStorage | SqlClient.SqlClient>

const ofEither =
  (call: typeof DurableCalls.retry, reminder: typeof Reminders.retry): Change =>
  (id) => {
    const address = addressOf(id)
    return address === undefined ? call(id) : reminder(address)
  }

export const retry: Change = ofEither(DurableCalls.retry, Reminders.retry)
export const drop: Change = ofEither(DurableCalls.drop, Reminders.drop)

/** So many of each at most. */
export const failed = (
  limit: number
): Effect.Effect<ReadonlyArray<FailedWork>, SqlError, Reminders.ReminderStorage | SqlClient.SqlClient> =>
  Effect.gen(function* () {
    const calls = yield* DurableCalls.failed({ limit })
    const reminders = yield* Reminders.failing({ limit })
    return [...calls.map(ofCall), ...reminders.map(ofReminder)]
  })

const ofCall = ({ actor, at, attempts, cause, id, key, method }: DurableCalls.FailedCall): FailedWork => ({
  id,
  kind: "call",
  actor,
  key: key === actor ? undefined : key,
  method,
  attempts,
  cause,
  at: DateTime.toEpochMillis(at),
  isDead: true
})

const ofReminder = (reminder: Reminders.FailingReminder): FailedWork => ({
  id: idOf(reminder),
  kind: "reminder",
  actor: reminder.actor,
  key: reminder.key,
  method: reminder.method,
  attempts: reminder.attempts,
  cause: reminder.cause,
  at: DateTime.toEpochMillis(reminder.due),
  isDead: reminder.isAbandoned
})
