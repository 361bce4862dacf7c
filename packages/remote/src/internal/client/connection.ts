/**
 * The connection of this process to a server, over a WebSocket: the calls on their way, and those that wait for it to open.
 *
 * It knows of each call whether it has been written to the connection that was lost. One that has may have run, and is
 * never sent again from here; one that has not waits for the next connection, for a while.
 */
import type { RpcMessage } from "../engine.ts"
import { CONTRACT, type ContractShape, type Hello, request } from "../wire/hello.ts"
import { lineOf } from "../wire/messages.ts"
import { Agreement } from "./agreement.ts"
import type { Exit, Link, Outgoing, RequestId } from "./link.ts"
import { subjectOf } from "./place.ts"
import type { Waiting } from "./waiting.ts"

export type Headers = ReadonlyArray<[string, string]>
/** Writes text to the connection, if it is still open. Otherwise `lost` is on its way. */
export type Write = (text: string) => boolean

export class Connection implements Link {
  private write: Write | undefined = undefined
  private headers: Headers = []
  private lastId = 0
  private readonly ids = new Map<Outgoing, RequestId>()
  private readonly written = new Map<RequestId, Outgoing>()
  /** The contracts that were asked for. */
  private readonly asked = new Map<RequestId, string>()
  private readonly agreement: Agreement
  /** Why nothing will be sent any more. */
  private over: string | undefined = undefined
  /** What is written next, and the calls that are in it. */
  private frames = ""
  private unsent: Array<Outgoing> = []
  private readonly url: string
  private readonly waiting: Waiting

  constructor(url: string, waiting: Waiting) {
    this.url = url
    this.agreement = new Agreement(url)
    this.waiting = waiting
  }

  describe() {
    return { kind: "remote", url: this.url, connected: this.write !== undefined }
  }

  // --- calls -----------------------------------------------------------------------------------------------------------

  send(call: Outgoing): void {
    if (this.over !== undefined) return call.lost(this.over, false)
    if (this.write === undefined || this.isHeld(call)) return this.waiting.add(call)
    this.begin(call)
  }

  interrupt(call: Outgoing): void {
    const id = this.ids.get(call)
    if (id !== undefined) this.post({ _tag: "Interrupt", requestId: id })
    else if (this.waiting.delete(call)) call.withdrawn()
  }

  more(call: Outgoing): void {
    const id = this.ids.get(call)
    if (id !== undefined) this.post({ _tag: "Ack", requestId: id })
  }

  private begin(call: Outgoing): void {
    const refusal = this.agreement.refusal(call.place.wire, subjectOf(call.place))
    if (refusal !== undefined) return call.refused(refusal)
    const id = ++this.lastId
    this.ids.set(call, id)
    this.written.set(id, call)
    this.unsent.push(call)
    this.post({ ...call.request, _tag: "Request", id, headers: [...this.headers, ...call.request.headers] })
  }

  private end(id: RequestId): Outgoing | undefined {
    const call = this.written.get(id)
    if (call === undefined) return undefined
    this.written.delete(id)
    this.ids.delete(call)
    return call
  }

  /** Sends what has waited, in order. */
  private release(): void {
    for (const call of this.waiting.all()) {
      if (this.isHeld(call)) continue
      this.waiting.delete(call)
      this.begin(call)
    }
  }

  /** Whether the server has another version of its contract, which is on its way here. */
  private isHeld({ place: { wire } }: Outgoing): boolean {
    const state = this.agreement.stateOf(wire)
    if (state === "ask") {
      const id = ++this.lastId
      this.asked.set(id, wire.actor)
      this.post(request(id, CONTRACT, { actor: wire.actor }))
    }
    return state !== "known"
  }

  // --- the connection --------------------------------------------------------------------------------------------------

  /** It is open. A server that is ours has said hello. */
  opened(write: Write, headers: Headers, hello: Hello | undefined): void {
    this.write = write
    this.headers = headers
    this.agreement.greeted(hello)
    this.release()
  }

  /** New headers, for the requests that come now. */
  renewed(headers: Headers): void {
    this.headers = headers
  }

  /** It is lost, and with it the answers to all that was written. What was not goes with the next one. */
  lost(why: string, cause?: unknown): void {
    this.write = undefined
    this.frames = ""
    const unsent = new Set(this.unsent)
    this.unsent = []
    this.asked.clear()
    this.agreement.greeted(undefined)
    this.waiting.why = why
    for (const [id, call] of [...this.written]) {
      this.end(id)
      if (unsent.has(call)) this.waiting.add(call)
      else call.lost(why, true, cause)
    }
  }

  /** There will be no other one. */
  close(why: string): void {
    this.over = why
    this.flush()
    this.lost(why)
    for (const call of this.waiting.all()) {
      this.waiting.delete(call)
      call.lost(why, false)
    }
  }

  // --- messages --------------------------------------------------------------------------------------------------------

  /** What is said in one turn is one frame. */
  post(message: RpcMessage.FromClientEncoded): void {
    if (this.write === undefined) return
    if (this.frames === "") queueMicrotask(() => this.flush())
    this.frames += lineOf(message)
  }

  private flush(): void {
    if (this.frames === "" || this.write?.(this.frames) !== true) return
    this.frames = ""
    this.unsent = []
  }

  take(message: RpcMessage.FromServerEncoded): void {
    switch (message._tag) {
      case "Chunk":
        return this.written.get(message.requestId)?.items(message.values)
      case "Exit":
        if (!this.learned(message.requestId, message.exit)) this.end(message.requestId)?.ended(message.exit)
        return
      case "Defect":
        // It does not say of which request.
        for (const id of [...this.written.keys()])
          this.end(id)!.lost("the server could not read what it was sent", true, message.defect)
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
