/**
 * The way of this process to a server, over a WebSocket: the calls on their way, and those that wait for it to open.
 *
 * It knows of each call whether it has been written to the connection that was lost. One that has may have run, and is
 * never sent again from here; one that has not waits for the next connection, for a while.
 */
import type { RpcMessage } from "../engine.ts"
import { tooLarge } from "../wire/failure.ts"
import { CONTRACT, type ContractShape, type Hello, isLeaving, type Restarted, request } from "../wire/hello.ts"
import { bytesBeyond } from "../wire/messages.ts"
import { Agreement } from "./agreement.ts"
import type { Exit, Link, Outgoing, RequestId } from "./link.ts"
import { subjectOf } from "./place.ts"
import { isCall, type Session } from "./session.ts"
import { crowded, type Waiting } from "./waiting.ts"

/** Where a call was written. */
interface Sent {
  readonly session: Session
  readonly id: RequestId
}

export class Connection implements Link {
  /** To which calls are written. One that was left may still answer some. */
  private session: Session | undefined = undefined
  private lastId = 0
  private readonly sent = new Map<Outgoing, Sent>()
  /** The contracts that were asked for. */
  private readonly asked = new Map<RequestId, string>()
  private readonly agreement: Agreement
  /** Why there is no connection. */
  private why = "there is no connection to the server yet"
  /** Why nothing will be sent any more. */
  private over: string | undefined = undefined
  private readonly url: string
  private readonly waiting: Waiting

  constructor(url: string, waiting: Waiting) {
    this.url = url
    this.agreement = new Agreement(url)
    this.waiting = waiting
    waiting.why = (call) => {
      const { session } = this
      if (session === undefined) return `${this.why}, and none came up`
      return this.isHeld(call, session)
        ? "the server has another version of its contract, and did not say which"
        : crowded(session.running, "calls")
    }
  }

  describe() {
    return { kind: "remote", url: this.url, connected: this.session !== undefined }
  }

  // --- calls -----------------------------------------------------------------------------------------------------------

  send(call: Outgoing): void {
    if (this.over) return call.lost(this.over, false)
    const { session } = this
    if (session === undefined || this.isHeld(call, session) || this.isCrowded(call, session))
      return this.waiting.add(call)
    this.begin(call, session)
  }

  interrupt(call: Outgoing): void {
    const sent = this.sent.get(call)
    if (sent) sent.session.interrupt(call, sent.id)
    else if (this.waiting.delete(call)) call.withdrawn()
  }

  more(call: Outgoing): void {
    const sent = this.sent.get(call)
    sent?.session.post({ _tag: "Ack", requestId: sent.id })
  }

  private begin(call: Outgoing, session: Session): void {
    const refusal = this.agreement.refusal(call.place.wire, subjectOf(call.place))
    if (refusal) return call.refused(refusal)
    const id = ++this.lastId
    const line = session.lineOf(call, id)
    const most = this.agreement.most("messageBytes")
    const bytes = bytesBeyond(line, most)
    if (bytes) return call.refused(tooLarge(subjectOf(call.place), bytes, most))
    this.sent.set(call, { session, id })
    session.request(call, id, line, most)
  }

  /** Whether there is no room for it, for a while, or others wait that could go: its caller has heard of one before them. */
  private isCrowded(call: Outgoing, session: Session): boolean {
    if (isCall(call) && !this.hasRoom(session)) return true
    for (const other of this.waiting.all())
      if (isCall(other) === isCall(call) && !this.isHeld(other, session)) return true
    return false
  }

  /** A server takes so many calls at a time. */
  private hasRoom({ running }: Session): boolean {
    return running < this.agreement.most("calls")
  }

  private end(session: Session, id: RequestId): Outgoing | undefined {
    const call = session.end(id)
    if (call === undefined) return undefined
    this.sent.delete(call)
    if (session === this.session) this.admit(session)
    return call
  }

  /** Sends what has waited, in order, as far as there is room. */
  private release(): void {
    const { session } = this
    if (session === undefined) return
    for (const call of this.waiting.all()) {
      if (!isCall(call) || this.hasRoom(session)) this.sendNow(call, session)
    }
  }

  /** A call has ended: the next may go. */
  private admit(session: Session): void {
    for (const call of this.waiting.all()) {
      if (!this.hasRoom(session)) return
      this.sendNow(call, session)
    }
  }

  private sendNow(call: Outgoing, session: Session): void {
    if (this.isHeld(call, session)) return
    this.waiting.delete(call)
    this.begin(call, session)
  }

  /** Whether the server has another version of its contract, which is on its way here. */
  private isHeld({ place: { wire } }: Outgoing, session: Session): boolean {
    const state = this.agreement.stateOf(wire)
    if (state === "ask") {
      const id = ++this.lastId
      this.asked.set(id, wire.actor)
      session.post(request(id, CONTRACT, { actor: wire.actor }))
    }
    return state !== "known"
  }

  // --- sessions --------------------------------------------------------------------------------------------------------

  /** It is open. A server that is ours has said hello. */
  opened(session: Session, hello: Hello | undefined): void {
    this.session = session
    this.agreement.greeted(hello)
    this.release()
  }

  /** Nothing more is written to it. What comes now waits for the next one. */
  private closed(session: Session, why: string): void {
    if (this.session === session) {
      this.session = undefined
      this.asked.clear()
      this.agreement.greeted(undefined)
    }
    this.why = why
  }

  /** The server is about to end. What it has under way it finishes; readers, which never finish, join the next one. */
  private leave(session: Session): void {
    const why = "the server is about to end"
    this.closed(session, why)
    for (const [id, call] of session.calls()) {
      if (!call.place.method.isSubscription) continue
      session.interrupt(call, id)
      this.end(session, id)?.lost(why, true)
    }
    session.leave()
  }

  /** It is lost, and with it the answers to all that was written. What was not goes with the next one. */
  lost(session: Session, why: string, cause?: unknown): void {
    this.closed(session, why)
    const unsent = session.close()
    const calls = session.calls().map(([id]) => this.end(session, id)!)
    this.waiting.addFirst(unsent)
    // One that was left is lost while there is another one.
    this.release()
    for (const call of calls) if (!unsent.has(call)) call.lost(why, true, cause)
  }

  /** There will be no other one. */
  close(why: string): void {
    this.over = why
    this.session = undefined
    for (const { session } of this.sent.values()) {
      session.flush()
      this.lost(session, why)
    }
    this.waiting.close(why)
  }

  // --- messages --------------------------------------------------------------------------------------------------------

  take(session: Session, message: RpcMessage.FromServerEncoded): void {
    switch (message._tag) {
      case "Chunk":
        return session.get(message.requestId)?.items(message.values)
      case "Exit":
        if (!this.learned(message.requestId, message.exit))
          this.end(session, message.requestId)?.ended(message.exit, (message as Restarted).restarted)
        return
      case "Defect":
        // It does not say of which request.
        for (const [id] of session.calls())
          this.end(session, id)?.lost("the server could not read what it was sent", true, message.defect)
        return
      default:
        if (isLeaving(message)) this.leave(session)
    }
  }

  private learned(id: RequestId, exit: Exit): boolean {
    const actor = this.asked.get(id)
    if (actor === undefined) return false
    this.asked.delete(id)
    this.agreement.learned(actor, exit._tag === "Success" ? (exit.value as ContractShape) : undefined)
    this.release()
    return true
  }
}
