/**
 * What stands between the connections and Effect's `RpcServer`, as its protocol: it knows all peers, admits their requests,
 * and looks at what they are answered.
 */
import * as Home from "@troupe/core/Home"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import { notBegun, notExposed, undecodable } from "../wire/failure.ts"
import { CONTRACT, HELLO, type Hello, type Restarted } from "../wire/hello.ts"
import { tagOf, type Wire } from "../wire/wire.ts"
import { codecFor } from "./codecs.ts"
import type { DefectLog } from "./defectLog.ts"
import { isHidden } from "./defects.ts"
import { type RpcMessage, RpcServer } from "./engine.ts"
import { type Message, Unsound } from "./frames.ts"
import { type Exposed, failure, type Peer, type UnderWay } from "./peer.ts"
import type { Protocol } from "./traffic.ts"

/** What a server offers. */
export interface Offer {
  readonly hello: Hello
  readonly wires: ReadonlyMap<string, Wire>
  /** By the tags of their rpcs. */
  readonly exposed: ReadonlyMap<string, Exposed>
  /** Whether peers are told what a method died of, and what of a result cannot be sent. */
  readonly tellsDefects: boolean
}

/** All peers of a server, by their numbers, which `RpcServer` calls those of its clients. */
export type Peers = Map<number, Peer>

export interface Door {
  readonly protocol: RpcServer.Protocol["Service"]
  admit(peer: Peer): void
  leave(peer: Peer): void
  /** Takes a message. What is left to do for it, if anything, is for `RpcServer`. */
  receive(peer: Peer, message: Message): Effect.Effect<void> | undefined
  /** Ends what a peer has under way. */
  interrupt(peer: Peer, id: string | number): Effect.Effect<void>
}

let lastPeer = 0
export const nextPeer = (): number => ++lastPeer

/** Over a WebSocket, streams wait until their peer asks for more. */
export const make = (offer: Offer, log: DefectLog, peers: Peers, protocol: Protocol): Effect.Effect<Door> =>
  Effect.gen(function* () {
    const disconnects = yield* Queue.make<number>()
    let serve: (peer: number, message: RpcMessage.FromClientEncoded) => Effect.Effect<void>
    const served = yield* RpcServer.Protocol.make((write) => {
      serve = write
      return Effect.succeed({
        disconnects,
        send: (id, message) =>
          Effect.suspend(() => {
            const peer = peers.get(id)
            if (peer === undefined) return Effect.void
            answer(offer, log, peer, message)
            return message._tag === "Chunk" ? peer.room : Effect.void
          }),
        end: (id) => Effect.sync(() => peers.get(id)?.close(1000, "done")),
        clientIds: Effect.sync(() => new Set(peers.keys())),
        initialMessage: Effect.succeedNone,
        supportsAck: protocol === "websocket",
        supportsTransferables: false,
        supportsSpanPropagation: true,
        supportsNotifications: true,
        codecFor
      })
    })
    return {
      protocol: served,
      admit: (peer) => {
        peers.set(peer.id, peer)
        peer.traffic.open(protocol, 1)
      },
      leave: (peer) => {
        if (!peers.delete(peer.id)) return
        peer.traffic.open(protocol, -1)
        Queue.offerUnsafe(disconnects, peer.id)
      },
      receive: (peer, message) => {
        const admitted = receive(offer, peer, message)
        return admitted && serve(peer.id, admitted)
      },
      interrupt: (peer, requestId) => serve(peer.id, { _tag: "Interrupt", requestId: requestId as any })
    }
  })

// --- what peers send ---------------------------------------------------------------------------------------------------

/** A message that is the business of `RpcServer`. All others are answered here, or say nothing. */
const receive = (offer: Offer, peer: Peer, message: any): RpcMessage.FromClientEncoded | undefined => {
  if (peer.isClosed) return undefined
  if (message instanceof Unsound) return refused(peer, message)
  switch (message?._tag) {
    case "Request":
      return isId(message.id) ? requested(offer, peer, message) : odd(peer)
    case "Ack":
      return acknowledged(peer.get(message.requestId))
    case "Interrupt":
      return interrupted(peer.get(message.requestId))
    case "Ping":
      peer.send({ _tag: "Pong" })
      return undefined
    case "Eof":
      return { _tag: "Eof" }
    default:
      return odd(peer)
  }
}

const acknowledged = (underWay: UnderWay | undefined): RpcMessage.AckEncoded | undefined => {
  if (underWay?.exposed.kind !== "subscriptions") return underWay && { _tag: "Ack", requestId: underWay.id as any }
  underWay.acknowledged()
  return undefined
}

/** What has become a call says itself how it has ended. */
const interrupted = (underWay: UnderWay | undefined): RpcMessage.InterruptEncoded | undefined =>
  underWay === undefined || underWay.cancel() ? undefined : { _tag: "Interrupt", requestId: underWay.id as any }

const isId = (id: unknown): id is string | number =>
  Number.isSafeInteger(id) || (typeof id === "string" && id.length <= 100)

const odd = (peer: Peer): undefined => {
  peer.close(1008, "this is no message of Effect's rpc", "unreadable")
}

const refused = (peer: Peer, { id, key, tag, why }: Unsound): undefined => {
  if (!isId(id) || peer.get(id) !== undefined) return odd(peer)
  const { actor, method } = named(tag)
  const subject = { actor: key === undefined ? actor : `${actor}(${Home.keyText(key)})`, method }
  peer.send(failure(id, undecodable(subject, `its arguments do not fit the contract: ${why}`, false)))
}

const requested = (offer: Offer, peer: Peer, message: any): RpcMessage.RequestEncoded | undefined => {
  const { headers, id, payload, tag } = message
  if (tag === HELLO || tag === CONTRACT) {
    const wire = tag === CONTRACT ? offer.wires.get(payload?.actor) : undefined
    peer.send({ _tag: "Exit", requestId: id, exit: { _tag: "Success", value: wire ? wire.shape() : offer.hello } })
    return undefined
  }
  if (peer.get(id) !== undefined) return odd(peer)
  const exposed = offer.exposed.get(tag)
  if (exposed === undefined) {
    peer.send(failure(id, notExposed(named(tag))))
    return undefined
  }
  if (!peer.admits(id, exposed, payload?.key)) return undefined
  const { sampled, spanId, traceId } = message
  const isTraced = isHex(spanId, 16) && isHex(traceId, 32) && typeof sampled === "boolean"
  const trace = isTraced ? { sampled, spanId, traceId } : undefined
  return { _tag: "Request", id, tag, payload, headers: pairsOf(headers), ...trace }
}

const isHex = (id: unknown, length: number): id is string =>
  typeof id === "string" && id.length === length && /^[0-9a-f]*$/.test(id)

/** What was called, as far as it has a name. */
const named = (tag: unknown) => {
  const text = typeof tag === "string" ? tag.slice(0, 200) : "an rpc without a name"
  const dot = text.lastIndexOf(".")
  return dot < 0 ? { actor: text, method: "" } : { actor: text.slice(0, dot), method: text.slice(dot + 1) }
}

const pairsOf = (headers: unknown): Array<[string, string]> =>
  Array.isArray(headers)
    ? headers.flatMap(
        (pair): Array<[string, string]> =>
          Array.isArray(pair) && typeof pair[0] === "string" && typeof pair[1] === "string" ? [[pair[0], pair[1]]] : []
      )
    : []

// --- what they are answered --------------------------------------------------------------------------------------------

const answer = (offer: Offer, log: DefectLog, peer: Peer, message: RpcMessage.FromServerEncoded): void => {
  // A defect of the whole connection is one of the server itself.
  if (message._tag === "Defect") return peer.close(1011, "the server failed", "failed")
  const told = message._tag === "Exit" ? marked(peer, withoutInsides(offer, log, peer, message)) : message
  try {
    peer.send(told)
  } catch (error) {
    // In the words of a schema that cannot write it: `RpcServer` has the request end with them.
    throw `${UNWRITABLE} "": ${Home.errorText(error)}`
  }
}

/** Says whether the call may run again, as far as its caller has said. */
const marked = (peer: Peer, message: RpcMessage.ResponseExitEncoded): RpcMessage.ResponseExitEncoded & Restarted =>
  peer.get(message.requestId)?.isRestarted ? { ...message, restarted: true } : message

const isInterrupted = (exit: RpcMessage.ResponseExitEncoded["exit"]): boolean =>
  exit._tag === "Failure" && exit.cause.every(({ _tag }) => _tag === "Interrupt")

/** What `RpcServer` says of a request that it cannot read, or of an answer that it cannot write, are words for its makers. */
const withoutInsides = (
  { tellsDefects }: Offer,
  log: DefectLog,
  peer: Peer,
  message: RpcMessage.ResponseExitEncoded
): RpcMessage.ResponseExitEncoded => {
  const { exit, requestId } = message
  const underWay = peer.get(requestId)
  if (underWay?.isWithdrawn && !underWay.isOfAnother && underWay.exposed.kind === "calls" && isInterrupted(exit))
    return failure(requestId, notBegun(underWay.subject))
  const defect = exit._tag === "Failure" ? exit.cause.find(({ _tag }) => _tag === "Die") : undefined
  if (underWay === undefined || defect?._tag !== "Die") return message
  const { begun, exposed, subject } = underWay
  const words = defect.defect
  if (typeof words === "string" && !begun)
    return failure(requestId, undecodable(subject, `its arguments do not fit the contract: ${words}`, false))
  const issue = unwritten(words, tellsDefects)
  if (issue === undefined) return message
  if (!tellsDefects) log.misfit(tagOf(exposed.actor, exposed.method), subject, issue)
  const told = tellsDefects ? `: ${issue}` : ""
  return failure(requestId, undecodable(subject, `its result does not fit the contract${told}`, true))
}

/** What is wrong with an answer that could not be written, if that is what a defect is about. */
const unwritten = (defect: unknown, tellsDefects: boolean): string | undefined => {
  if (typeof defect === "string" && defect.startsWith(UNWRITABLE)) return defect.replace(/^.*?": /, "")
  // Methods die of nothing that is not hidden: this is what a schema died of that wrote the answer.
  return tellsDefects || isHidden(defect) ? undefined : Home.errorText(defect)
}

const UNWRITABLE = "Failed to encode response for RPC"
