/**
 * Keeps a connection to a server over a WebSocket, and makes another one when it is lost.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { Socket } from "../engine.ts"
import { type Hello, isHello } from "../wire/hello.ts"
import { messagesIn } from "../wire/messages.ts"
import { Connection } from "./connection.ts"
import type { Settings } from "./settings.ts"
import { Waiting } from "./waiting.ts"

/** A server that is ours says hello at once. Another one says nothing. */
const HELLO = "1 second"
/** A connection that has lasted so long, in milliseconds, starts the schedule of reconnecting over. */
const LASTING = 5000

/** Connects now, and again, for as long as the Scope is open. */
export const connect = (settings: Settings): Effect.Effect<Connection, never, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const patience = Duration.toMillis(settings.unavailableAfter)
    const connection = new Connection(settings.url, new Waiting(patience, clock, yield* Effect.context<never>()))
    const constructor = yield* Effect.serviceOption(Socket.WebSocketConstructor)
    const wire = yield* wireOf(
      settings,
      Option.getOrElse(constructor, () => globalWebSocket)
    )
    yield* Effect.forkScoped(keep(connection, wire, settings, clock))
    yield* Effect.addFinalizer(() => Effect.sync(() => connection.close("this client has ended")))
    return connection
  })

/** The socket, and whether what is written to it now has a chance to arrive. */
interface Wire {
  readonly socket: Socket.Socket
  readonly isOpen: () => boolean
}

const OPEN = 1

const wireOf = (settings: Settings, construct: Socket.WebSocketConstructor["Service"]): Effect.Effect<Wire> => {
  let last: Socket.WebSocketLike | undefined
  const remembered: typeof construct = (url, options) => {
    last = construct(url, options)
    return last
  }
  const made = Socket.makeWebSocket(settings.url, { openTimeout: settings.unavailableAfter })
  return Effect.map(Effect.provideService(made, Socket.WebSocketConstructor, remembered), (socket) => ({
    socket,
    isOpen: () => last?.readyState === OPEN
  }))
}

const globalWebSocket = (url: string, options?: unknown): Socket.WebSocketLike =>
  new (globalThis as any).WebSocket(url, options)

/** Ends only when the schedule does. */
const keep = (connection: Connection, wire: Wire, settings: Settings, clock: Clock.Clock) =>
  Effect.gen(function* () {
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    while (true) {
      const step = yield* Schedule.toStepWithSleep(settings.reconnect)
      for (let lasted = false; !lasted; ) {
        const since = now()
        const cause = yield* Effect.flip(Effect.sandbox(Effect.scoped(serve(connection, wire, settings))))
        const why = reasonOf(cause)
        connection.lost(why, Cause.squash(cause))
        lasted = now() - since >= LASTING
        const next = yield* Effect.exit(step(cause))
        if (Exit.isFailure(next)) return connection.close(`${why}, and the schedule of reconnecting has ended`)
      }
    }
  })

/** One connection, until it is lost. */
const serve = (
  connection: Connection,
  { isOpen, socket }: Wire,
  settings: Settings
): Effect.Effect<never, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const headers = yield* settings.headers
    const { pull } = yield* socket.reader
    const writer = yield* socket.writer
    const context = yield* Effect.context<never>()
    const fork = Effect.runForkWith(context)
    const first = Option.getOrElse(yield* Effect.timeoutOption(pull, HELLO), () => []).flatMap(messagesIn)
    const write = (text: string) => {
      if (!isOpen()) return false
      fork(Effect.ignore(writer.write(text)))
      return true
    }
    connection.opened(write, headers, first.find(isHello)?.payload as Hello)
    let isSilent = false
    const take = (frames: ReadonlyArray<string | Uint8Array>) => {
      isSilent = false
      for (const message of frames.flatMap(messagesIn)) connection.take(message)
    }
    const beat = Effect.suspend(() => {
      if (isSilent) return Effect.fail("the server did not answer in time")
      isSilent = true
      connection.post({ _tag: "Ping" })
      return Effect.void
    })
    const renew = Effect.map(settings.headers, (headers) => connection.renewed(headers))
    for (const message of first) connection.take(message)
    yield* Effect.forkScoped(Effect.forever(Effect.delay(Effect.ignore(renew), settings.renewHeaders)))
    return yield* Effect.raceFirst(
      Effect.forever(Effect.map(pull, take)),
      Effect.forever(Effect.delay(beat, settings.heartbeat))
    )
  })

/** Why a connection was lost, or not made, in words that follow "since" or "because". */
const reasonOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  if (!Socket.isSocketError(error)) return typeof error === "string" ? error : "the connection to the server broke"
  const { reason } = error
  switch (reason._tag) {
    case "SocketOpenError":
      return "no connection to the server could be made"
    case "SocketCloseError": {
      const { closeReason, code } = reason
      return closeReason
        ? `the server closed the connection: ${closeReason}`
        : `the connection to the server was lost (${code})`
    }
    default:
      return "the connection to the server was lost"
  }
}
