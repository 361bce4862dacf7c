/**
 * Durable calls of one entity are stored one after the other, in the order in which they were made.
 *
 * A database with several connections stores them in any order otherwise, and they run in the order of storage.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"
import { MessageStorage } from "./engine.ts"

/** A line for each entity that is being stored for. */
interface Line {
  readonly lock: Semaphore.Semaphore
  users: number
}

type Storage = MessageStorage.MessageStorage["Service"]

const inOrder = (storage: Storage): Storage => {
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
  return MessageStorage.MessageStorage.of({
    ...storage,
    saveRequest: (message) =>
      Effect.suspend(() => {
        const { entityId, entityType } = message.envelope.address
        const id = `${entityType}/${entityId}`
        const line = enter(id)
        return Effect.ensuring(
          line.lock.withPermit(storage.saveRequest(message)),
          Effect.sync(() => leave(id, line))
        )
      })
  })
}

/** Puts the storage of messages in context in order. */
export const layer: Layer.Layer<MessageStorage.MessageStorage, never, MessageStorage.MessageStorage> = Layer.effect(
  MessageStorage.MessageStorage
)(Effect.map(MessageStorage.MessageStorage, inOrder))
