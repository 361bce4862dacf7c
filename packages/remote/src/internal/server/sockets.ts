/**
 * WebSockets: each is a peer for as long as it is open.
 */
import * as Home from "@troupe/core/Home"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type HttpServerRequest, HttpServerResponse, Socket } from "../engine.ts"
import { HELLO, request as hello } from "../wire/hello.ts"
import type { Addresses } from "./addresses.ts"
import { type Cable, cableOf } from "./cable.ts"
import { type Door, nextPeer, type Offer, type Peers } from "./door.ts"
import { messagesIn, tooLong, Unreadable } from "./frames.ts"
import type { Bounds } from "./limits.ts"
import { originOf, Peer, type Way } from "./peer.ts"

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse

/** How often it is looked whether a peer that is behind has caught up. */
const DRAIN = "50 millis"

/** What a frame has besides the bytes of its message, and what of the next one may have come with it. */
const SLACK = 128 * 1024

/** Answers a request by serving the socket that it opens, until it is closed. */
export const make = (
  door: Door,
  offer: Offer,
  bounds: Bounds,
  addresses: Addresses
): Effect.Effect<(request: Request) => Effect.Effect<Response, unknown, Scope.Scope>> =>
  Effect.map(Clock.Clock, (clock) => {
    const now = () => Home.elapsed(clock)
    return (request) =>
      Effect.gen(function* () {
        if (request.headers.upgrade?.toLowerCase() !== "websocket")
          return HttpServerResponse.text("Actors are called here over a WebSocket, or with POST.", {
            status: 426,
            headers: { upgrade: "websocket" }
          })
        const origin = originOf(request)
        if (!(yield* addresses.enter(origin.remoteAddress))) return crowded
        const socket = yield* request.upgrade
        const make = (way: Way) => new Peer(nextPeer(), origin, bounds, now(), way)
        yield* serve(socket, cableOf(request), door, offer, bounds, now, make)
        return HttpServerResponse.empty()
      })
  })

export const crowded: Response = HttpServerResponse.text(
  "There are too many connections from this address (limits.connectionsPerPeer).",
  { status: 429 }
)

const serve = (
  socket: Socket.Socket,
  cable: Cable,
  door: Door,
  offer: Offer,
  bounds: Bounds,
  now: () => number,
  makePeer: (way: Way) => Peer
) =>
  Effect.gen(function* () {
    const writer = yield* socket.writer
    const fork = Effect.runForkWith(yield* Effect.context<never>())
    const send = (what: string | Socket.CloseEvent) => {
      fork(Effect.ignore(writer.write(what)))
    }
    const peer: Peer = makePeer({
      write: send,
      shut: (code, why) => {
        // The peer may take its time to say goodbye, or never do: what it has under way ends now.
        door.leave(peer)
        send(new Socket.CloseEvent(code, why))
      },
      waiting: () => cable.waiting(),
      taken: () => cable.taken(),
      isLeaving: () => cable.isLeaving(),
      cut: () => cable.cut(),
      acknowledges: true,
      room: Effect.void
    })
    const { pull } = yield* socket.reader
    let heard = 0
    cable.onBytes((length) => {
      heard += length
      // It is no message yet, and would be too long when it is: the rest of it is not waited for.
      if (heard > bounds.messageBytes + SLACK) peer.cut(1009, tooLong(bounds).message)
    })
    door.admit(peer)
    yield* Effect.addFinalizer(() => Effect.sync(() => door.leave(peer)))
    peer.send({ ...hello("", HELLO, offer.hello), isNotification: true })
    const read = Effect.gen(function* () {
      while (!peer.isClosed) {
        const frames = yield* pull
        heard = 0
        for (const frame of frames) {
          peer.lastSeen = now()
          for (const message of messagesIn(frame, bounds)) {
            yield* door.receive(peer, message)
            // It asks faster than it reads: it is not listened to before it has caught up, or is cut off as too slow.
            if (peer.isBehind) yield* caughtUp(peer)
            if (peer.isClosed) return
          }
        }
      }
    })
    yield* read.pipe(
      Effect.catchDefect((defect) =>
        defect instanceof Unreadable ? Effect.sync(() => peer.close(defect.code, defect.message)) : Effect.die(defect)
      ),
      Effect.catch(() => Effect.void)
    )
  })

const caughtUp = (peer: Peer): Effect.Effect<void> =>
  Effect.suspend(() => (peer.isBehind ? Effect.andThen(Effect.sleep(DRAIN), caughtUp(peer)) : Effect.void))

// --- those that are to go ----------------------------------------------------------------------------------------------

/** How often peers are looked at, at most and at least, in milliseconds. */
const SWEEPS = { most: 5000, least: 100 }

/** Looks at all peers from time to time, and closes what has gone without a word, or does not read what it is sent. */
export const sweeps = (peers: Peers, { idleAfter, slowAfter }: Bounds): Effect.Effect<never> =>
  Effect.flatMap(Clock.Clock, (clock) => {
    const idle = Duration.toMillis(idleAfter)
    const sweep = Effect.sync(() => {
      const now = Home.elapsed(clock)
      for (const peer of peers.values()) {
        if (peer.lastSeen < now - idle) peer.close(1001, "nothing was heard of the client (limits.idleAfter)")
        else cutIfSlow(peer, now)
      }
    })
    const period = Math.min(SWEEPS.most, idle / 2, Duration.toMillis(slowAfter) / 2)
    return Effect.forever(Effect.delay(sweep, Math.max(SWEEPS.least, period)))
  })

/** How often it is looked whether the server is about to end, which nobody tells us. */
const LOOKS = "250 millis"

/** Sends peers away from a server that is about to end, so that it need not wait for them. */
export const dismissals = (peers: Peers): Effect.Effect<never> =>
  Effect.forever(
    Effect.delay(
      Effect.sync(() => {
        const [first] = peers.values()
        if (first?.isServerLeaving) for (const peer of peers.values()) peer.dismiss()
      }),
      LOOKS
    )
  )

const cutIfSlow = (peer: Peer, now: number): void => {
  if (peer.isSlow(now)) peer.cut(1013, "the client reads too slowly (limits.slowAfter)")
}
