/**
 * Calls over HTTP: the body of a POST has messages, and the answer has those that come back, as they come.
 */
import * as ByteSize from "effect/ByteSize"
import type * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Addresses } from "./addresses.ts"
import { cableOf } from "./cable.ts"
import { type Door, nextPeer } from "./door.ts"
import { HttpIncomingMessage, type HttpServerRequest, HttpServerResponse } from "./engine.ts"
import { type Message, messagesIn, tooLong, Unreadable } from "./frames.ts"
import type { Bounds } from "./limits.ts"
import { originOf, Peer, type Way } from "./peer.ts"
import { crowded } from "./sockets.ts"
import type { Cut, Traffic } from "./traffic.ts"

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse
type Messages = ReadonlyArray<Message>

const CONTENT = "application/x-ndjson"

/** How many characters may wait for a peer before its streams do, and before the next of its requests does. */
const FEW = 64 * 1024

export const posted =
  (door: Door, bounds: Bounds, addresses: Addresses, traffic: Traffic) =>
  (request: Request): Effect.Effect<Response, never, Scope.Scope> =>
    Effect.flatMap(addresses.enter(originOf(request).remoteAddress), (enters) =>
      enters
        ? Effect.catch(
            Effect.flatMap(messagesOf(request, bounds), (messages) =>
              answered(door, bounds, traffic, request, messages)
            ),
            ({ cut, response }) =>
              Effect.sync(() => {
                traffic.cut(cut)
                return response
              })
          )
        : crowded(traffic)
    )

const messagesOf = (request: Request, bounds: Bounds): Effect.Effect<Messages, Refused> => {
  const most = Number.isFinite(bounds.messageBytes) ? ByteSize.bytes(bounds.messageBytes) : undefined
  const body = Effect.provideService(request.arrayBuffer, HttpIncomingMessage.MaxBodySize, most)
  return body.pipe(
    Effect.mapError(() => refused(413, `it cannot be read, or ${tooLong(bounds).message}`, "messageBytes")),
    Effect.timeoutOrElse({
      duration: bounds.idleAfter,
      orElse: () => Effect.fail(refused(408, "it did not come in time (limits.idleAfter)", "idleAfter"))
    }),
    Effect.flatMap((bytes) =>
      Effect.try({
        try: () => messagesIn(new Uint8Array(bytes), bounds),
        catch: (error) =>
          error instanceof Unreadable
            ? refused(400, error.message, error.cut)
            : refused(400, "it cannot be read", "unreadable")
      })
    )
  )
}

/** A body that is not read on, and why. */
interface Refused {
  readonly response: Response
  readonly cut: Cut
}

const refused = (status: number, why: string, cut: Cut): Refused => ({
  response: HttpServerResponse.text(`The body is refused: ${why}.`, { status, headers: { connection: "close" } }),
  cut
})

/** Each request is a peer of its own. It is gone with the request. */
const answered = (
  door: Door,
  bounds: Bounds,
  traffic: Traffic,
  request: Request,
  messages: Messages
): Effect.Effect<Response, never, Scope.Scope> =>
  Effect.gen(function* () {
    const queue = yield* Queue.make<string, Cause.Done>()
    const { taken, way } = wayTo(request, queue)
    const peer = new Peer(nextPeer(), originOf(request), bounds, traffic, Infinity, way)
    door.admit(peer)
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        door.leave(peer)
        // The answer is complete, and the platform would keep it for as long as the peer takes nothing of it.
        cableOf(request).cutAfter(Duration.toMillis(bounds.slowAfter))
      })
    )
    const all = [...messages, { _tag: "Eof" } as const]
    const receive = Effect.forEach(
      all,
      (message) =>
        Effect.andThen(
          way.room,
          Effect.suspend(() => door.receive(peer, message) ?? Effect.void)
        ),
      {
        discard: true
      }
    )
    // It goes on while the first answers are read.
    yield* Effect.forkScoped(receive)
    const frames = Stream.tap(Stream.fromQueue(queue), taken)
    // Whoever calls again is to find the next server.
    const headers = cableOf(request).isLeaving() ? { connection: "close" } : undefined
    return HttpServerResponse.stream(Stream.encodeText(frames), { contentType: CONTENT, headers })
  })

/** Through the answer to a request. */
const wayTo = (request: Request, queue: Queue.Queue<string, Cause.Done>) => {
  const cable = cableOf(request)
  const room = Latch.makeUnsafe(true)
  let waiting = 0
  const way: Way = {
    write: (text) => {
      waiting += text.length
      if (waiting > FEW) room.closeUnsafe()
      Queue.offerUnsafe(queue, text)
    },
    shut: () => Queue.endUnsafe(queue),
    waiting: () => waiting + cable.waiting(),
    taken: () => cable.taken(),
    isLeaving: () => cable.isLeaving(),
    cut: () => cable.cut(),
    acknowledges: false,
    room: room.await
  }
  const taken = (text: string) =>
    Effect.sync(() => {
      waiting -= text.length
      if (waiting <= FEW) room.openUnsafe()
    })
  return { way, taken }
}
