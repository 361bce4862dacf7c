/**
 * One connection, as the server knows it: what it has under way, and what it is told.
 */

import { ActorError } from "@troupe/core/ActorError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { RpcMessage } from "../engine.ts"
import { type Subject, unavailable } from "../wire/failure.ts"
import type { Bounds } from "./limits.ts"

type RequestId = string | number
export type Kind = "calls" | "streams" | "subscriptions"

/** A method that the server exposes. */
export interface Exposed extends Subject {
  readonly kind: Kind
}

/** Who is at the other end of a connection. */
export interface Origin {
  /** Of the request that opened the connection. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly remoteAddress: string | undefined
}

interface UnderWay {
  readonly exposed: Exposed
  /** Whether its arguments could be read, and it was taken up. */
  begun: boolean
}

const writeError = Schema.encodeSync(Schema.toCodecJson(ActorError))

/** How a request is answered that is not served, or whose answer cannot be sent. */
export const failure = (requestId: RequestId, error: ActorError): RpcMessage.ResponseExitEncoded => ({
  _tag: "Exit",
  requestId,
  exit: { _tag: "Failure", cause: [{ _tag: "Fail", error: writeError(error) }] }
})

export class Peer {
  readonly id: number
  readonly origin: Origin
  /** When it was last heard of, in milliseconds of a monotonic clock. */
  lastSeen: number
  private readonly bounds: Bounds
  private readonly underWay = new Map<RequestId, UnderWay>()
  private readonly counts: Record<Kind, number> = { calls: 0, streams: 0, subscriptions: 0 }
  private frames = ""
  private readonly write: (text: string) => void
  private readonly shut: (code: number, why: string) => void
  /** Waits until there is room for more items of a stream that does not wait to be asked for them. */
  readonly room: Effect.Effect<void>

  constructor(
    id: number,
    origin: Origin,
    bounds: Bounds,
    now: number,
    write: (text: string) => void,
    shut: (code: number, why: string) => void,
    room: Effect.Effect<void> = Effect.void
  ) {
    this.id = id
    this.origin = origin
    this.bounds = bounds
    this.lastSeen = now
    this.write = write
    this.shut = shut
    this.room = room
  }

  // --- requests --------------------------------------------------------------------------------------------------------

  /** Admits a request, or answers it: a peer has so many under way at a time. */
  admits(id: RequestId, exposed: Exposed): boolean {
    const { kind } = exposed
    const most = this.bounds[kind]
    if (this.counts[kind] >= most) {
      this.send(failure(id, crowded(exposed, most)))
      return false
    }
    this.counts[kind]++
    this.underWay.set(id, { exposed, begun: false })
    return true
  }

  get(id: RequestId): UnderWay | undefined {
    return this.underWay.get(id)
  }

  private settled(id: RequestId): void {
    const kind = this.underWay.get(id)?.exposed.kind
    if (kind === undefined) return
    this.underWay.delete(id)
    this.counts[kind]--
  }

  // --- answers ---------------------------------------------------------------------------------------------------------

  /** What is said in one turn is one frame. */
  send(message: RpcMessage.FromServerEncoded): void {
    if (message._tag === "Exit") this.settled(message.requestId)
    if (this.frames === "") queueMicrotask(this.flush)
    this.frames += `${JSON.stringify(message)}\n`
  }

  /** Closes the connection, after what was said. */
  close(code: number, why: string): void {
    this.flush()
    this.shut(code, why)
  }

  private readonly flush = (): void => {
    const { frames } = this
    this.frames = ""
    if (frames !== "") this.write(frames)
  }
}

const crowded = (exposed: Exposed, most: number): ActorError =>
  unavailable(exposed, `its connection has ${most} ${exposed.kind} under way, the limit (limits.${exposed.kind})`, {
    mayHaveRun: false
  })

/** The peer that a request is from, for those that serve it. A server of another make has none. */
export const CurrentPeer: Context.Reference<Peer | undefined> = Context.Reference<Peer | undefined>(
  "troupe/remote/Peer",
  { defaultValue: () => undefined }
)
