/**
 * WebSockets: each is a peer for as long as it is open.
 */
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { HELLO, request as hello } from "../wire/hello.ts"
import type { Addresses } from "./addresses.ts"
import { type Cable, cableOf } from "./cable.ts"
import { type Door, nextPeer, type Offer, type Peers } from "./door.ts"
import { type HttpServerRequest, HttpServerResponse, Socket } from "./engine.ts"
import { type Message, messagesIn, tooLong, Unreadable } from "./frames.ts"
import type { Bounds } from "./limits.ts"
import { originOf, Peer, type Way } from "./peer.ts"
import type { Traffic } from "./traffic.ts"

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse
type Frames = ReadonlyArray<string | Uint8Array>

/** How often it is looked whether a peer that is behind has caught up. */
const DRAIN = "50 millis"

/** What a frame has besides the bytes of its message, and what of the next one may have come with it. */
const SLACK = 128 * 1024

/** What all connections of a server have in common. */
interface Hall {
  readonly door: Door
  readonly offer: Offer
  readonly bounds: Bounds
  readonly addresses: Addresses
  readonly traffic: Traffic
  readonly now: () => number
  /** Where connections end with the server. */
  readonly scope: Scope.Scope
  /**
   * The context of their fibers. They have the same one, and not those of their requests: what `RpcServer` derives from it, it
   * derives once, and a connection that lasts for days keeps nothing of the request that has opened it.
   */
  readonly context: Context.Context<never>
}

/** Answers a request by opening a socket, which is served until it is closed. */
export const make = (
  door: Door,
  offer: Offer,
  bounds: Bounds,
  addresses: Addresses,
  traffic: Traffic
): Effect.Effect<(request: Request) => Effect.Effect<Response, unknown>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const scope = yield* Scope.fork(yield* Effect.scope, "parallel")
    const context = Context.omit(Scope.Scope)(yield* Effect.context<Scope.Scope>())
    const hall: Hall = { door, offer, bounds, addresses, traffic, now: () => Home.elapsed(clock), scope, context }
    return (request) => {
      if (request.headers.upgrade?.toLowerCase() !== "websocket") return Effect.succeed(wrongDoor)
      return Effect.flatMap(Scope.make(), (scope) =>
        Effect.flatMap(Scope.provide(addresses.enter(originOf(request).remoteAddress), scope), (enters) =>
          enters ? opened(hall, request, scope) : crowded(traffic)
        )
      )
    }
  })

const wrongDoor: Response = HttpServerResponse.text("Actors are called here over a WebSocket, or with POST.", {
  status: 426,
  headers: { upgrade: "websocket" }
})

export const crowded = (traffic: Traffic): Effect.Effect<Response> =>
  Effect.sync(() => {
    traffic.refused("connectionsPerPeer")
    return HttpServerResponse.text("There are too many connections from this address (limits.connectionsPerPeer).", {
      status: 429
    })
  })

/** The connection has a fiber of its own, so that the request is over when it is open. */
const opened = (hall: Hall, request: Request, scope: Scope.Closeable): Effect.Effect<Response, unknown> =>
  Effect.callback((resume) => {
    const connection = new Connection(hall, request)
    const served = Effect.onExit(connection.serve(request, scope, resume), (exit) => {
      connection.left()
      // If it has opened, the request has its answer already.
      resume(Effect.as(exit, NOTHING))
      return Scope.close(scope, exit)
    })
    const fiber = Fiber.runIn(Effect.runForkWith(hall.context)(served), hall.scope)
    connection.cable.onEnd(() => fiber.interruptUnsafe())
    return Fiber.interrupt(fiber)
  })

/** The answer of a socket that has opened: it is not sent any more. */
const NOTHING: Response = HttpServerResponse.empty()

/** What a WebSocket brings, and how its peer is told things. */
class Connection implements Way {
  readonly acknowledges = true
  readonly room = Effect.void
  readonly cable: Cable
  private readonly hall: Hall
  private readonly peer: Peer
  private socket: Socket.Writer | undefined = undefined
  /** How many bytes have come that are no message yet. */
  private heard = 0

  constructor(hall: Hall, request: Request) {
    this.hall = hall
    this.cable = cableOf(request)
    this.peer = new Peer(nextPeer(), originOf(request), hall.bounds, hall.traffic, hall.now(), this)
  }

  /** Serves the peer until it goes. */
  serve(
    request: Request,
    scope: Scope.Scope,
    answer: (response: Effect.Effect<Response>) => void
  ): Effect.Effect<void, unknown> {
    // What the socket is made with, it keeps: that is nothing of the request, and of ours the scope.
    const upgraded = Effect.setContext(request.upgrade, Context.empty())
    const open = Effect.flatMap(upgraded, (socket) =>
      Effect.flatMap(socket.writer, (writer) => {
        this.socket = writer
        return socket.reader
      })
    )
    return Effect.flatMap(Scope.provide(open, scope), ({ pull }) => {
      this.begin()
      answer(Effect.succeed(NOTHING))
      return this.reading(pull)
    })
  }

  private begin(): void {
    const { cable, hall, peer } = this
    cable.onBytes((length) => this.hears(length))
    hall.door.admit(peer)
    peer.send({ ...hello("", HELLO, hall.offer.hello), isNotification: true })
  }

  private hears(length: number): void {
    const { bounds } = this.hall
    this.heard += length
    // It is no message yet, and would be too long when it is: the rest of it is not waited for.
    if (this.heard > bounds.messageBytes + SLACK) this.peer.cut(1009, tooLong(bounds).message, "messageBytes")
  }

  /** Takes what comes until the connection ends, or is ended. */
  private reading(pull: Effect.Effect<Frames, unknown>): Effect.Effect<void> {
    const read: Effect.Effect<void, unknown> = Effect.flatMap(pull, (frames) =>
      Effect.flatMap(this.take(this.messages(frames)), () => (this.peer.isClosed ? Effect.void : read))
    )
    return Effect.catchCause(read, (cause) => this.failed(cause))
  }

  private failed(cause: Cause.Cause<unknown>): Effect.Effect<void> {
    const defect = cause.reasons.find(Cause.isDieReason)?.defect
    if (defect instanceof Unreadable) return Effect.sync(() => this.peer.close(defect.code, defect.message, defect.cut))
    return defect === undefined ? Effect.void : Effect.die(defect)
  }

  /** Most messages are done with when they have been looked at, and cost no Effect: signs of life, and that items have come. */
  private take(messages: Iterator<Message>): Effect.Effect<void> {
    const { hall, peer } = this
    for (let next = messages.next(); !next.done && !peer.isClosed; next = messages.next()) {
      const served = hall.door.receive(peer, next.value)
      if (served !== undefined) return Effect.flatMap(served, () => this.goOn(messages))
      if (peer.isBehind) return this.goOn(messages)
    }
    return Effect.void
  }

  /** If it asks faster than it reads, it is not listened to before it has caught up, or is cut off as too slow. */
  private goOn(messages: Iterator<Message>): Effect.Effect<void> {
    return this.peer.isBehind ? Effect.flatMap(caughtUp(this.peer), () => this.take(messages)) : this.take(messages)
  }

  private *messages(frames: Frames): Generator<Message, void> {
    const { hall, peer } = this
    this.heard = 0
    for (const frame of frames) {
      peer.lastSeen = hall.now()
      yield* messagesIn(frame, hall.bounds)
    }
  }

  /** It is gone, whoever has ended it. */
  left(): void {
    this.hall.door.leave(this.peer)
  }

  // --- the way to the peer ---------------------------------------------------------------------------------------------

  write(what: string | Socket.CloseEvent): void {
    Effect.runForkWith(this.hall.context)(Effect.ignore(this.socket!.write(what)))
  }

  shut(code: number, why: string): void {
    // The peer may take its time to say goodbye, or never do: what it has under way ends now.
    this.left()
    this.write(new Socket.CloseEvent(code, why))
  }

  waiting(): number {
    return this.cable.waiting()
  }

  taken(): number {
    return this.cable.taken()
  }

  isLeaving(): boolean {
    return this.cable.isLeaving()
  }

  cut(): void {
    this.cable.cut()
  }
}

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
        if (peer.lastSeen < now - idle)
          peer.close(1001, "nothing was heard of the client (limits.idleAfter)", "idleAfter")
        else cutIfSlow(peer, now)
      }
    })
    const period = Math.min(SWEEPS.most, idle / 2, Duration.toMillis(slowAfter) / 2)
    return Effect.forever(Effect.delay(sweep, Math.max(SWEEPS.least, period)))
  })

/** How often it is looked whether the server is about to end, which nobody tells us. */
const LOOKS = "250 millis"

/** Sends peers away from a server that is about to end, so that it need not wait for them. */
export const dismissals = (peers: Peers, doorOf: (peer: Peer) => Door): Effect.Effect<never> =>
  Effect.flatMap(Clock.Clock, (clock) => {
    const dismiss = (peer: Peer) =>
      Effect.forEach(peer.dismiss(Home.elapsed(clock)), (id) => doorOf(peer).interrupt(peer, id), { discard: true })
    const look = Effect.suspend(() => {
      const [first] = peers.values()
      return first?.isServerLeaving ? Effect.forEach([...peers.values()], dismiss, { discard: true }) : Effect.void
    })
    return Effect.forever(Effect.delay(look, LOOKS))
  })

const cutIfSlow = (peer: Peer, now: number): void => {
  if (peer.isSlow(now)) peer.cut(1013, "the client reads too slowly (limits.slowAfter)", "slowAfter")
}
