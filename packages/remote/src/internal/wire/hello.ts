/**
 * What both sides tell each other before the first call: which methods are exposed, and in which version.
 *
 * These are messages of Effect's rpc like all others. A client that is not ours passes over them.
 */
import type { ContractShape } from "@troupe/core/ContractShape"
import type { RpcMessage } from "../engine.ts"

/** The server says it first, unasked; over HTTP a client asks for it. */
export const HELLO = "troupe/hello"
/** A client asks for a contract, if it is another version than its own. */
export const CONTRACT = "troupe/contract"
/** The server says that it is about to end: it finishes what it has under way, and calls to come are better off elsewhere. */
export const LEAVING = "troupe/leaving"

/** What an `Exit` has besides: the instance was made anew under the call, which may run again. */
export interface Restarted {
  readonly restarted?: true
}

export type Told = "messageBytes" | "calls" | "connectionsPerPeer"

export interface Hello {
  readonly actors: Readonly<Record<string, Greeting>>
  /** What the server refuses, so that a client need not try. An older server does not say. */
  readonly limits?: { readonly [Limit in Told]?: number }
}

/** What a server tells of an actor. */
export interface Greeting {
  /** The hash of its contract. */
  readonly contract: string
  readonly exposed: ReadonlyArray<string>
}

export const isHello = (message: RpcMessage.FromServerEncoded): message is RpcMessage.RequestEncoded =>
  message._tag === "Request" && message.tag === HELLO

export const isLeaving = (message: RpcMessage.FromServerEncoded): boolean =>
  message._tag === "Request" && message.tag === LEAVING

export const request = (id: string | number, tag: string, payload: unknown): RpcMessage.RequestEncoded => ({
  _tag: "Request",
  id,
  tag,
  payload,
  headers: []
})

export type { ContractShape }
