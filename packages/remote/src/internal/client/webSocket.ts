/**
 * Keeps a connection to a server over a WebSocket, and makes another one when it is lost.
 */
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { isSocketError, makeWebSocket, type Socket, WebSocketConstructor } from "../engine.ts"
import { type Hello, isHello } from "../wire/hello.ts"
import { messagesIn } from "../wire/messages.ts"
import { Connection } from "./connection.ts"
import { Session } from "./session.ts"
import { addressOf, type Settings } from "./settings.ts"
import { waitingOf } from "./waiting.ts"

/** A server that is ours says hello at once. Another one says nothing. */
const HELLO = "1 second"
/** A connection that has lasted so long, in milliseconds, starts the schedule of reconnecting over. */
const LASTING = 5000

/** Connects now, and again, for as long as the Scope is open. */
export const connect = (settings: Settings): Effect.Effect<Connection, never, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const connection = new Connection(settings.url, yield* waitingOf(settings))
    const given = yield* Effect.serviceOption(WebSocketConstructor)
    const construct = given._tag === "Some" ? given.value : globalWebSocket
    settings.status.connecting()
    yield* Effect.forkScoped(keep(connection, construct, settings, clock))
    yield* Effect.addFinalizer(() => Effect.sync(() => close(connection, settings, "this client has ended")))
    return connection
  })

type Construct = WebSocketConstructor["Service"]

const globalWebSocket: Construct = (url, options?: unknown) => new (globalThis as any).WebSocket(url, options)

const close = (connection: Connection, { status }: Settings, why: string): void => {
  connection.close(why)
  status.closed(why)
}

/** Ends only when the schedule does. */
const keep = (connection: Connection, construct: Construct, settings: Settings, clock: Clock.Clock) =>
  Effect.gen(function* () {
    const now = () => Home.elapsed(clock)
    while (true) {
      const step = yield* Schedule.toStep(settings.reconnect)
      for (let lasted = false; !lasted; ) {
        const since = now()
        const session = new Session()
        const lost = yield* Effect.forkChild(untilLost(connection, session, construct, settings))
        // One that was left ends by itself, beside the next one.
        const end = yield* Effect.raceFirst(Fiber.join(lost), Effect.asVoid(session.left.await))
        if (end === undefined) break
        lasted = now() - since >= LASTING
        const date = clock.currentTimeMillisUnsafe()
        const next = yield* Effect.exit(step(date, end.cause))
        if (next._tag === "Failure")
          return close(connection, settings, `${end.why}, and the schedule of reconnecting has ended`)
        const [, pause] = next.value
        settings.status.lost(end.why, date, date + Duration.toMillis(pause))
        yield* Effect.sleep(pause)
      }
    }
  })

/** One connection, from the attempt to make it until it is lost. Gives why. */
const untilLost = (connection: Connection, session: Session, construct: Construct, settings: Settings) =>
  Effect.scoped(serve(connection, session, construct, settings)).pipe(
    Effect.sandbox,
    Effect.flip,
    Effect.map((cause) => {
      const why = reasonOf(cause, settings.url)
      connection.lost(session, why, Cause.squash(cause))
      return { cause, why }
    })
  )

const OPEN = 1

/** The socket, and whether what is written to it now has a chance to arrive. */
const socketOf = (settings: Settings, construct: Construct) => {
  let made: Socket.WebSocketLike | undefined
  const remembered: Construct = (url, options) => {
    made = construct(url, options)
    return made
  }
  const socket = makeWebSocket(settings.url, { openTimeout: settings.unavailableAfter })
  return Effect.map(Effect.provideService(socket, WebSocketConstructor, remembered), (socket) => ({
    socket,
    isOpen: () => made?.readyState === OPEN
  }))
}

const serve = (
  connection: Connection,
  session: Session,
  construct: Construct,
  settings: Settings
): Effect.Effect<never, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const headers = yield* settings.headers
    const { isOpen, socket } = yield* socketOf(settings, construct)
    const { pull } = yield* socket.reader
    const writer = yield* socket.writer
    const fork = Effect.runForkWith(yield* Effect.context<never>())
    const first = (yield* Effect.timeoutOrElse(pull, { duration: HELLO, orElse: () => Effect.succeed([]) })).flatMap(
      messagesIn
    )
    const write = (text: string) => {
      if (!isOpen()) return false
      fork(Effect.ignore(writer.write(text)))
      return true
    }
    session.open(write, headers)
    connection.opened(session, first.find(isHello)?.payload as Hello)
    settings.status.connected()
    let isSilent = false
    const take = (frames: ReadonlyArray<string | Uint8Array>) => {
      isSilent = false
      for (const message of frames.flatMap(messagesIn)) connection.take(session, message)
    }
    const beat = Effect.suspend(() => {
      if (isSilent) return Effect.fail("the server did not answer in time")
      isSilent = true
      session.post({ _tag: "Ping" })
      return Effect.void
    })
    const renew = Effect.map(settings.headers, (headers) => {
      session.headers = headers
    })
    for (const message of first) connection.take(session, message)
    yield* Effect.forkScoped(Effect.forever(Effect.delay(Effect.ignore(renew), settings.renewHeaders)))
    return yield* Effect.raceAllFirst([
      Effect.forever(Effect.map(pull, take)),
      Effect.forever(Effect.delay(beat, settings.heartbeat)),
      Effect.flatMap(session.done.await, () => Effect.fail("the server is about to end"))
    ])
  })

/** Why a connection was lost, or not made, in words that follow "since" or "because". */
const reasonOf = (cause: Cause.Cause<unknown>, url: string): string => {
  const error = Cause.squash(cause)
  if (!isSocketError(error)) return typeof error === "string" ? error : "the connection to the server broke"
  const { reason } = error
  switch (reason._tag) {
    case "SocketOpenError":
      // No WebSocket is told why.
      return `no connection could be made to ${addressOf(url)}`
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
