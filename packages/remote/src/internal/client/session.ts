/**
 * One connection to the server: what is written to it, and the calls that it has yet to answer.
 */
import * as Latch from "effect/Latch"
import type { RpcMessage } from "../engine.ts"
import { lineOf, requestLine } from "../wire/messages.ts"
import type { Outgoing, RequestId } from "./link.ts"

export type Headers = ReadonlyArray<[string, string]>
/** Writes text to the connection, if it is still open. Otherwise `lost` is on its way. */
export type Write = (text: string) => boolean

export const isCall = ({ place: { method } }: Outgoing): boolean => !method.stream && !method.isSubscription

export class Session {
  /** What each request says besides its own. */
  headers: Headers = []
  /** Open once the server is about to end: calls that come now go to another one. */
  readonly left = Latch.makeUnsafe()
  /** Open once it was left, and all that was written is answered. */
  readonly done = Latch.makeUnsafe()
  private write: Write | undefined = undefined
  private readonly written = new Map<RequestId, Outgoing>()
  /** How many of them are calls, and no streams. */
  running = 0
  /** What is written next, and the calls that are in it. */
  private frames = ""
  private unsent = new Set<Outgoing>()

  open(write: Write, headers: Headers): void {
    this.write = write
    this.headers = headers
  }

  /** What is written for a call. */
  lineOf({ request: { payload, ...request } }: Outgoing, id: RequestId): string {
    return requestLine({ ...request, _tag: "Request", id, headers: [...this.headers, ...request.headers] }, payload)
  }

  /** `most` is how many bytes the server takes at a time. */
  request(call: Outgoing, id: RequestId, line: string, most: number): void {
    // What may be too long together goes apart. It is not worth counting its bytes.
    if ((this.frames.length + line.length) * 3 > most) this.flush()
    this.written.set(id, call)
    if (isCall(call)) this.running++
    this.unsent.add(call)
    this.say(line)
  }

  /** Has the server end it. If it is not written, it does not go elsewhere. */
  interrupt(call: Outgoing, requestId: RequestId): void {
    this.unsent.delete(call)
    this.post({ _tag: "Interrupt", requestId })
  }

  post(message: RpcMessage.FromClientEncoded): void {
    this.say(lineOf(message))
  }

  /** What is said in one turn is one frame. */
  private say(line: string): void {
    if (this.write === undefined) return
    if (this.frames === "") queueMicrotask(() => this.flush())
    this.frames += line
  }

  flush(): void {
    if (this.frames === "" || !this.write?.(this.frames)) return
    this.frames = ""
    this.unsent.clear()
  }

  get(id: RequestId): Outgoing | undefined {
    return this.written.get(id)
  }

  calls(): ReadonlyArray<readonly [RequestId, Outgoing]> {
    return [...this.written]
  }

  /** Nothing more is to be told of a call. */
  end(id: RequestId): Outgoing | undefined {
    const call = this.written.get(id)
    if (call === undefined) return undefined
    this.written.delete(id)
    this.unsent.delete(call)
    if (isCall(call)) this.running--
    this.endIfDone()
    return call
  }

  /** It ends with its last call. */
  leave(): void {
    this.left.openUnsafe()
    this.endIfDone()
  }

  /** It is lost. Gives the calls that were never written, and are to go elsewhere. */
  close(): ReadonlySet<Outgoing> {
    const { unsent } = this
    this.write = undefined
    this.unsent = new Set()
    return unsent
  }

  private endIfDone(): void {
    if (this.left.isOpen() && this.written.size === 0) this.done.openUnsafe()
  }
}
