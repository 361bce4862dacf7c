/**
 * What calls and streams need of the way to the server, whichever protocol it is.
 */
import type { ActorError } from "@troupe/core/ActorError"
import type { RpcMessage } from "../engine.ts"
import type { Wire, WireMethod } from "../wire/wire.ts"

export type RequestId = string | number
export type Exit = RpcMessage.ResponseExitEncoded["exit"]
/** What a call says, but for its number, and for the headers that all requests have. Its payload is written, as JSON. */
export type Request = Omit<RpcMessage.RequestEncoded, "_tag" | "id"> & { readonly payload: string }

/** One method of one instance, as this process reaches it. */
export interface Place {
  readonly link: Link
  readonly wire: Wire
  readonly method: WireMethod
  /** For a keyed actor. */
  readonly key: { readonly key: unknown } | undefined
}

/** A call or a stream of this process, on its way to the server and back. */
export interface Outgoing {
  readonly place: Place
  readonly request: Request
  /** Items of a stream. */
  items(values: ReadonlyArray<unknown>): void
  /** The server has ended it, perhaps since its instance was made anew. */
  ended(exit: Exit, restarted?: boolean): void
  /** It is not sent. */
  refused(error: ActorError): void
  /** No answer will come. `begun`: the server may have begun it. */
  lost(why: string, begun: boolean, cause?: unknown): void
  /** It was ended here before it was sent. */
  withdrawn(): void
}

export interface Link {
  /** Sends it as soon as there is a connection, in order. What becomes of it is told to the call itself. */
  send(call: Outgoing): void
  /** Has the server end it. */
  interrupt(call: Outgoing): void
  /** Asks for more items of a stream. */
  more(call: Outgoing): void
  /** For people. */
  describe(): Readonly<Record<string, string | number | boolean>>
}
