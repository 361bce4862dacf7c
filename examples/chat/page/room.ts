/** What both pages know of rooms: how they reach them, how they stay in them, and how they keep a copy of the messages. */
import * as ActorError from "@troupe/core/ActorError"
import * as Broadcast from "@troupe/core/Broadcast"
import * as RemoteHome from "@troupe/remote/RemoteHome"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { Room, type Said } from "../Room.ts"

const server = { url: "/actors" }

/** Has one connection to the server, which it makes again whenever it is lost. */
export const runtime = ManagedRuntime.make(RemoteHome.client(Room, server))

/** How that connection is: first now, then whenever it changes. */
export const connection = RemoteHome.connection(server)

export type Handle = ReturnType<Room["Service"]["get"]>

const isUnavailable = (error: unknown): boolean =>
  error instanceof ActorError.ActorError && error.reason._tag === "ActorUnavailable"

/** Does it again when the server was not there, or went away: what is done here may be done twice. */
export const persistently: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> = Effect.retry({
  while: isUnavailable,
  schedule: Schedule.spaced("500 millis")
})

/** Is in the room for as long as it runs, but for the time while the connection is lost. */
export const stay = (room: Handle, who: string) => persistently(Stream.runDrain(room.stay(who)))

/** The copy with what was read, or `undefined` if messages are missing: then the history has them. */
export const added = (copy: ReadonlyArray<Said>, read: Said | Broadcast.Resync): ReadonlyArray<Said> | undefined => {
  if (Broadcast.isResync(read)) return undefined
  const last = copy.at(-1)?.number ?? 0
  if (read.number > last + 1) return undefined
  return read.number <= last ? copy : [...copy, read]
}
