/**
 * Calls over HTTP: the body of a POST has messages, and the answer has those that come back, as they come.
 */
import * as ByteSize from "effect/ByteSize"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { HttpIncomingMessage, type HttpServerRequest, HttpServerResponse, type RpcMessage } from "../engine.ts"
import { type Door, nextPeer } from "./door.ts"
import { messagesIn, Unreadable } from "./frames.ts"
import type { Bounds } from "./limits.ts"
import { CurrentPeer, Peer } from "./peer.ts"

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse

const CONTENT = "application/x-ndjson"

/** How many frames may wait for a peer before its streams do. */
const MOST_WAITING = 16

export const posted =
  (door: Door, bounds: Bounds) =>
  (request: Request): Effect.Effect<Response, never, Scope.Scope> =>
    Effect.catch(
      Effect.flatMap(messagesOf(request, bounds), (messages) => answered(door, bounds, request, messages)),
      (response) => Effect.succeed(response)
    )

const messagesOf = (
  request: Request,
  bounds: Bounds
): Effect.Effect<ReadonlyArray<RpcMessage.FromClientEncoded>, Response> => {
  const most = Number.isFinite(bounds.messageBytes) ? ByteSize.bytes(bounds.messageBytes) : undefined
  const body = Effect.provideService(request.text, HttpIncomingMessage.MaxBodySize, most)
  return body.pipe(
    Effect.mapError(() => HttpServerResponse.text("The body cannot be read, or is too long.", { status: 413 })),
    Effect.flatMap((text) =>
      Effect.try({
        try: () => messagesIn(text, bounds),
        catch: (error) => {
          const why = error instanceof Unreadable ? error.message : "it cannot be read"
          return HttpServerResponse.text(`The body is refused: ${why}.`, { status: 400 })
        }
      })
    )
  )
}

/** Each request is a peer of its own. It is gone with the request. */
const answered = (
  door: Door,
  bounds: Bounds,
  request: Request,
  messages: ReadonlyArray<RpcMessage.FromClientEncoded>
): Effect.Effect<Response, never, Scope.Scope> =>
  Effect.gen(function* () {
    const queue = yield* Queue.make<string, Cause.Done>()
    const room = Latch.makeUnsafe(true)
    let waiting = 0
    const write = (text: string) => {
      if (++waiting >= MOST_WAITING) room.closeUnsafe()
      Queue.offerUnsafe(queue, text)
    }
    const taken = Effect.sync(() => {
      if (--waiting < MOST_WAITING) room.openUnsafe()
    })
    const origin = { headers: request.headers, remoteAddress: Option.getOrUndefined(request.remoteAddress) }
    const peer = new Peer(nextPeer(), origin, bounds, 0, write, () => Queue.endUnsafe(queue), room.await)
    door.admit(peer)
    yield* Effect.addFinalizer(() => Effect.sync(() => door.leave(peer)))
    const all = [...messages, { _tag: "Eof" } as const]
    const receive = Effect.forEach(all, (message) => door.receive(peer, message), { discard: true })
    yield* Effect.provideService(receive, CurrentPeer, peer)
    const frames = Stream.tap(Stream.fromQueue(queue), () => taken)
    return HttpServerResponse.stream(Stream.encodeText(frames), { contentType: CONTENT })
  })
