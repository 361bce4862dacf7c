/**
 * WebSockets: each is a peer for as long as it is open.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { type HttpServerRequest, HttpServerResponse, Socket } from "../engine.ts"
import { HELLO, request as hello } from "../wire/hello.ts"
import { type Door, nextPeer, type Offer } from "./door.ts"
import { messagesIn, Unreadable } from "./frames.ts"
import type { Bounds } from "./limits.ts"
import { CurrentPeer, Peer } from "./peer.ts"

type Request = HttpServerRequest.HttpServerRequest

/** How often peers are looked at, and how often a slow one. */
const SWEEP = "5 seconds"
const DRAIN = "50 millis"

/** Answers a request by serving the socket that it opens, until it is closed. */
export const make = (
  door: Door,
  offer: Offer,
  bounds: Bounds
): Effect.Effect<
  (request: Request) => Effect.Effect<HttpServerResponse.HttpServerResponse, unknown, Scope.Scope>,
  never,
  Scope.Scope
> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    const counts = new Map<string, number>()
    yield* Effect.forkScoped(
      Effect.forever(
        Effect.delay(
          Effect.sync(() => sweep(door, bounds, now())),
          SWEEP
        )
      )
    )
    return (request) =>
      Effect.gen(function* () {
        if (request.headers.upgrade?.toLowerCase() !== "websocket")
          return HttpServerResponse.text("Actors are called here over a WebSocket, or with POST.", {
            status: 426,
            headers: { upgrade: "websocket" }
          })
        const remoteAddress = Option.getOrUndefined(request.remoteAddress)
        if (!(yield* counted(counts, remoteAddress, bounds.connectionsPerPeer)))
          return HttpServerResponse.text("There are too many connections from this address.", { status: 429 })
        const socket = yield* request.upgrade
        const origin = { headers: request.headers, remoteAddress }
        yield* serve(
          socket,
          door,
          offer,
          bounds,
          now,
          (write, close) => new Peer(nextPeer(), origin, bounds, now(), write, close),
          pendingOf(request)
        )
        return HttpServerResponse.empty()
      })
  })

/** Counts a connection from an address for as long as it lasts, if there may be another one. */
const counted = (counts: Map<string, number>, address: string | undefined, most: number) => {
  if (address === undefined) return Effect.succeed(true)
  const before = counts.get(address) ?? 0
  if (before >= most) return Effect.succeed(false)
  counts.set(address, before + 1)
  const leave = Effect.sync(() => {
    const left = counts.get(address)! - 1
    if (left === 0) counts.delete(address)
    else counts.set(address, left)
  })
  return Effect.as(
    Effect.addFinalizer(() => leave),
    true
  )
}

/** Clients ask for a sign of life from time to time. One that does not is gone. */
const sweep = ({ peers }: Door, { idleAfter }: Bounds, now: number): void => {
  const least = now - Duration.toMillis(idleAfter)
  for (const peer of peers.values()) if (peer.lastSeen < least) peer.close(1001, "nothing was heard of the client")
}

const serve = (
  socket: Socket.Socket,
  door: Door,
  offer: Offer,
  bounds: Bounds,
  now: () => number,
  makePeer: (write: (text: string) => void, close: Peer["close"]) => Peer,
  pending: () => number
) =>
  Effect.gen(function* () {
    const writer = yield* socket.writer
    const fork = Effect.runForkWith(yield* Effect.context<never>())
    const send = (what: string | Socket.CloseEvent) => {
      fork(Effect.ignore(writer.write(what)))
    }
    const peer = makePeer(send, (code, why) => send(new Socket.CloseEvent(code, why)))
    const { pull } = yield* socket.reader
    door.admit(peer)
    yield* Effect.addFinalizer(() => Effect.sync(() => door.leave(peer)))
    peer.send({ ...hello("", HELLO, offer.hello), isNotification: true })
    const read = Effect.gen(function* () {
      while (true) {
        for (const frame of yield* pull) {
          peer.lastSeen = now()
          for (const message of messagesIn(frame, bounds)) yield* door.receive(peer, message)
        }
        // It reads its answers more slowly than it asks: it is not listened to before it has caught up.
        if (pending() > bounds.pendingBytes) yield* caughtUp(peer, pending, bounds)
      }
    })
    yield* Effect.provideService(read, CurrentPeer, peer).pipe(
      Effect.catchDefect((defect) =>
        defect instanceof Unreadable ? Effect.sync(() => peer.close(defect.code, defect.message)) : Effect.die(defect)
      ),
      Effect.catch(() => Effect.void)
    )
  })

const caughtUp = (peer: Peer, pending: () => number, { pendingBytes, slowAfter }: Bounds) =>
  Effect.suspend(() => (pending() > pendingBytes ? Effect.sleep(DRAIN) : Effect.interrupt)).pipe(
    Effect.forever,
    Effect.timeoutOption(slowAfter),
    Effect.exit,
    Effect.flatMap((exit) =>
      Effect.sync(() => {
        if (exit._tag === "Success") peer.close(1013, "the client reads too slowly (limits.slowAfter)")
      })
    )
  )

/** How many bytes have not been taken by the peer yet, as far as the platform tells: Node's sockets do. */
const pendingOf = ({ source }: Request) => {
  const { socket } = source as { readonly socket?: { readonly writableLength?: number } }
  return () => socket?.writableLength ?? 0
}
