/**
 * Durable calls of one entity are stored one after the other, in the order in which they were made.
 *
 * They run in the order of storage, and a database with several connections stores them in any order otherwise. While
 * the storage does not answer, the first in line goes on trying, and the others wait behind it.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import { ClusterError, MessageStorage } from "../engine.ts"

type Messages = MessageStorage.MessageStorage["Service"]

/** Held by the call of an entity that is being stored. */
interface EntityLock {
  readonly lock: Semaphore.Semaphore
  users: number
}

const RETRY_PAUSE = "100 millis"

/** Puts the storage of messages in context in order. A call that is not stored within `patience` fails. */
export const layer = (
  patience: Duration.Input
): Layer.Layer<MessageStorage.MessageStorage, never, MessageStorage.MessageStorage> =>
  Layer.effect(MessageStorage.MessageStorage)(
    Effect.map(MessageStorage.MessageStorage, (messages) => inOrder(messages, patience))
  )

const inOrder = (messages: Messages, patience: Duration.Input): Messages => {
  const locks = new Map<string, EntityLock>()
  const enter = (id: string): EntityLock => {
    const own = locks.get(id) ?? { lock: Semaphore.makeUnsafe(1), users: 0 }
    locks.set(id, own)
    own.users++
    return own
  }
  const leave = (id: string, own: EntityLock) => {
    if (--own.users === 0) locks.delete(id)
  }
  const save: Messages["saveRequest"] = (message) =>
    Effect.retry(messages.saveRequest(message), {
      while: (error) => error._tag === "PersistenceError",
      schedule: Schedule.spaced(RETRY_PAUSE)
    })
  return MessageStorage.MessageStorage.of({
    ...messages,
    saveRequest: (message) =>
      Effect.suspend(() => {
        const { entityId, entityType } = message.envelope.address
        const id = `${entityType}/${entityId}`
        const own = enter(id)
        const saved = Effect.timeoutOrElse(own.lock.withPermit(save(message)), {
          duration: patience,
          orElse: () => Effect.fail(new ClusterError.PersistenceError({ cause: tooLate }))
        })
        return Effect.ensuring(
          saved,
          Effect.sync(() => leave(id, own))
        )
      })
  })
}

const tooLate = new Error("The storage did not take the call in time")
