/**
 * One connection, as the server knows it: what it has under way, and what it is told.
 */
import { ActorError } from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type Subject, unavailable } from "../wire/failure.ts"
import { LEAVING, request } from "../wire/hello.ts"
import type { HttpServerRequest, RpcMessage } from "./engine.ts"
import type { Bounds } from "./limits.ts"
import type { Cut, Traffic } from "./traffic.ts"

type RequestId = string | number
export type Kind = "calls" | "streams" | "subscriptions"

/** A method that the server exposes. */
export interface Exposed extends Subject {
  readonly kind: Kind
  readonly keyed: boolean
}

/** Who is at the other end of a connection. */
export interface Origin {
  /** Of the request that opened the connection. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly remoteAddress: string | undefined
}

export const originOf = ({ headers, remoteAddress }: HttpServerRequest.HttpServerRequest): Origin => ({
  headers,
  remoteAddress: Option.getOrUndefined(remoteAddress)
})

/** How a peer is told things. */
export interface Way {
  write(text: string): void
  shut(code: number, why: string): void
  /** How many characters or bytes it has yet to take, and how many it has taken. */
  waiting(): number
  taken(): number
  /** Whether the server takes no more connections. */
  isLeaving(): boolean
  /** Ends the connection without waiting for the peer. */
  cut(): void
  /** Whether the peer says when it has items, and gets the next ones then. */
  readonly acknowledges: boolean
  /** Waits until there is room for more items, where the peer says nothing of those that it has. */
  readonly room: Effect.Effect<void>
}

/** A request, from its admission to its answer. */
export class UnderWay implements Home.Hearer {
  readonly id: RequestId
  readonly exposed: Exposed
  /** As it was sent. */
  private readonly key: unknown
  /** Whether its arguments could be read, and it was taken up. */
  begun = false
  /** Whether it has failed as its instance was made anew, so that it may run again. */
  isRestarted = false
  /** Whether its caller has given it up before that was a call. */
  isWithdrawn = false
  /** Whether it runs, and is no call that is heard of. */
  isOfAnother = false
  private call: Home.Accepted | undefined = undefined
  private owed = false
  private wake: (() => void) | undefined = undefined

  constructor(id: RequestId, exposed: Exposed, key: unknown) {
    this.id = id
    this.exposed = exposed
    this.key = key
  }

  get subject(): Subject {
    const { actor, keyed, method } = this.exposed
    return { actor: keyed ? `${actor}(${Home.keyText(this.key)})` : actor, method }
  }

  submitted(call: Home.Accepted): void {
    this.call = call
  }

  restarted(): void {
    this.isRestarted = true
  }

  /** Its caller gives it up. `true` if it has become a call, whose own end tells what has become of that. */
  cancel(): boolean {
    this.isWithdrawn = this.call === undefined || !Home.interrupt(this.call)
    return !this.isWithdrawn
  }

  /** Items have been sent, and the peer has yet to say that it has them. */
  owes(): void {
    this.owed = true
  }

  /** It has them. */
  acknowledged(): void {
    const { wake } = this
    this.owed = false
    this.wake = undefined
    wake?.()
  }

  /** Waits until the peer has said so. */
  get taken(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      if (!this.owed) return resume(Effect.void)
      this.wake = () => resume(Effect.void)
    })
  }
}

/** In characters. */
const LONG = 64 * 1024

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
  /** Nothing more is taken from it, nor told. */
  isClosed = false
  private dismissedAt: number | undefined = undefined
  private slow: { readonly since: number; readonly taken: number } | undefined = undefined
  private readonly bounds: Bounds
  readonly traffic: Traffic
  private readonly underWay = new Map<RequestId, UnderWay>()
  private readonly counts: Record<Kind, number> = { calls: 0, streams: 0, subscriptions: 0 }
  private frames = ""
  private readonly way: Way

  constructor(id: number, origin: Origin, bounds: Bounds, traffic: Traffic, now: number, way: Way) {
    this.id = id
    this.origin = origin
    this.bounds = bounds
    this.traffic = traffic
    this.lastSeen = now
    this.way = way
  }

  get acknowledges(): boolean {
    return this.way.acknowledges
  }

  get room(): Effect.Effect<void> {
    return this.way.room
  }

  // --- how fast it reads -------------------------------------------------------------------------------------------------

  /** Whether it has so much to take that it is not listened to before it has caught up. */
  get isBehind(): boolean {
    return !this.isClosed && this.frames.length + this.way.waiting() > this.bounds.pendingBytes
  }

  /** Whether it has taken nothing of what waits for it, or has been behind, for as long as that may be. */
  isSlow(now: number): boolean {
    const taken = this.way.taken()
    const isSlow = this.isBehind || (this.way.waiting() > 0 && (this.slow === undefined || this.slow.taken === taken))
    if (!isSlow) this.slow = undefined
    else this.slow = { since: this.slow?.since ?? now, taken }
    return this.slow !== undefined && now - this.slow.since >= Duration.toMillis(this.bounds.slowAfter)
  }

  // --- requests --------------------------------------------------------------------------------------------------------

  /** Admits a request, or answers it: a peer has so many under way at a time. */
  admits(id: RequestId, exposed: Exposed, key: unknown): boolean {
    const { kind } = exposed
    const underWay = new UnderWay(id, exposed, key)
    const most = this.bounds[kind]
    if (this.counts[kind] >= most) {
      this.send(failure(id, crowded(underWay.subject, kind, most)))
      return false
    }
    this.counts[kind]++
    this.underWay.set(id, underWay)
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

  /** What is said in one turn is one frame, unless it is long. Throws what JSON cannot hold, which then was no answer. */
  send(message: RpcMessage.FromServerEncoded): void {
    const line = this.isClosed ? "" : JSON.stringify(message)
    if (message._tag === "Exit") this.settled(message.requestId)
    if (!this.isClosed) this.say(line)
  }

  /** Items that have been written already. */
  sendItems(to: UnderWay, items: ReadonlyArray<string>): void {
    if (this.isClosed) return
    to.owes()
    this.say(`{"_tag":"Chunk","requestId":${JSON.stringify(to.id)},"values":[${items.join(",")}]}`)
  }

  private say(line: string): void {
    if (this.frames === "") queueMicrotask(this.flush)
    this.frames += `${line}\n`
    if (this.frames.length > LONG) this.flush()
  }

  private readonly flush = (): void => {
    const { frames } = this
    this.frames = ""
    if (frames !== "") this.way.write(frames)
  }

  /** Closes the connection, after what was said, and counts why, if the peer would have gone on. */
  close(code: number, why: string, cut?: Cut): void {
    if (this.isClosed) return
    if (cut !== undefined) this.traffic.cut(cut)
    this.flush()
    this.isClosed = true
    this.way.shut(code, why)
  }

  /** Closes it at once. */
  cut(code: number, why: string, cut: Cut): void {
    this.close(code, why, cut)
    this.way.cut()
  }

  // --- the end of the server -------------------------------------------------------------------------------------------

  /** Whether the server takes no more connections, since it is about to end. */
  get isServerLeaving(): boolean {
    return this.way.isLeaving()
  }

  /**
   * Called until it is gone, with the time. At first it is told, and goes by itself once its calls have ended if it understands
   * that. If it does not, it is sent away then. Gives the streams that have gone on for long enough.
   */
  dismiss(now: number): ReadonlyArray<RequestId> {
    const { calls, streams } = this.counts
    if (this.dismissedAt === undefined) {
      this.dismissedAt = now
      this.send({ ...request("", LEAVING, {}), isNotification: true })
    } else if (calls + streams === 0) this.close(1001, "the server is about to end")
    if (now - this.dismissedAt < Duration.toMillis(this.bounds.leaveAfter)) return []
    return [...this.underWay.values()].flatMap(({ exposed, id }) => (exposed.kind === "streams" ? [id] : []))
  }
}

const crowded = (subject: Subject, kind: Kind, most: number): ActorError => {
  const why = `its connection has ${most} ${kind} under way, the most that the server takes: wait for some of them, or have it raise limits.${kind}`
  return unavailable(subject, why, false)
}
