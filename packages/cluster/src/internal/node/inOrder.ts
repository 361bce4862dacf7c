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

/** A line for each entity that is being stored for. */
interface Line {
  readonly lock: Semaphore.Semaphore
  users: number
}

type Storage = MessageStorage.MessageStorage["Service"]

const RETRY_PAUSE = "100 millis"

/** Puts the storage of messages in context in order. A call that is not stored within `patience` fails. */
export const layer = (
  patience: Duration.Input
): Layer.Layer<MessageStorage.MessageStorage, never, MessageStorage.MessageStorage> =>
  Layer.effect(MessageStorage.MessageStorage)(
    Effect.map(MessageStorage.MessageStorage, (storage) => inOrder(storage, patience))
  )

const inOrder = (storage: Storage, patience: Duration.Input): Storage => {
  const lines = new Map<string, Line>()
  const enter = (id: string): Line => {
    const line = lines.get(id) ?? { lock: Semaphore.makeUnsafe(1), users: 0 }
    lines.set(id, line)
    line.users++
    return line
  }
  const leave = (id: string, line: Line) => {
    if (--line.users === 0) lines.delete(id)
  }
  const save: Storage["saveRequest"] = (message) =>
    Effect.retry(storage.saveRequest(message), {
      while: (error) => error._tag === "PersistenceError",
      schedule: Schedule.spaced(RETRY_PAUSE)
    })
  return MessageStorage.MessageStorage.of({
    ...storage,
    saveRequest: (message) =>
      Effect.suspend(() => {
        const { entityId, entityType } = message.envelope.address
        const id = `${entityType}/${entityId}`
        const line = enter(id)
        const inLine = Effect.timeoutOrElse(line.lock.withPermit(save(message)), {
          duration: patience,
          orElse: () => Effect.fail(new ClusterError.PersistenceError({ cause: tooLate }))
        })
        return Effect.ensuring(
          inLine,
          Effect.sync(() => leave(id, line))
        )
      })
  })
}

const tooLate = new Error("The storage did not take the call in time")
