/**
 * The socket under a request, as far as the platform shows it. Node does; elsewhere nothing is known of what a peer has yet
 * to take, and its platform alone bounds what it sends.
 */
import type { HttpServerRequest } from "./engine.ts"

export interface Cable {
  /** How many bytes the peer has yet to take. */
  waiting(): number
  /** How many it has taken. */
  taken(): number
  /** Whether the server under it takes no more connections, since it is about to end. */
  isLeaving(): boolean
  /** Calls back with the length of what arrives, before it is a message. */
  onBytes(heard: (length: number) => void): void
  /** Calls back when the connection has ended below. */
  onEnd(ended: () => void): void
  /** Ends the connection now: there is no use in waiting for the peer. */
  cut(): void
  /** Ends it later, if by then the peer has not taken what it was sent. */
  cutAfter(milliseconds: number): void
}

interface NodeSocket {
  readonly writableLength: number
  readonly bytesWritten: number
  /** The server that has accepted it. */
  readonly server?: { readonly listening?: boolean } | null
  on(event: "data", heard: (chunk: Uint8Array) => void): unknown
  on(event: "close", ended: () => void): unknown
  setTimeout(milliseconds: number, then: () => void): unknown
  destroy(): unknown
}

const nothing = (): void => {}
const NONE: Cable = {
  waiting: () => 0,
  taken: () => 0,
  isLeaving: () => false,
  onBytes: nothing,
  onEnd: nothing,
  cut: nothing,
  cutAfter: nothing
}

export const cableOf = ({ source }: HttpServerRequest.HttpServerRequest): Cable => {
  const { socket } = source as { readonly socket?: Partial<NodeSocket> }
  return typeof socket?.writableLength === "number" ? new OfNode(socket as NodeSocket) : NONE
}

class OfNode implements Cable {
  private readonly socket: NodeSocket

  constructor(socket: NodeSocket) {
    this.socket = socket
  }

  waiting(): number {
    return this.socket.writableLength
  }

  taken(): number {
    return this.socket.bytesWritten - this.socket.writableLength
  }

  isLeaving(): boolean {
    return this.socket.server?.listening === false
  }

  onBytes(heard: (length: number) => void): void {
    this.socket.on("data", (chunk) => heard(chunk.length))
  }

  onEnd(ended: () => void): void {
    this.socket.on("close", ended)
  }

  cut(): void {
    this.socket.destroy()
  }

  cutAfter(milliseconds: number): void {
    const { socket } = this
    if (this.waiting() > 0) socket.setTimeout(milliseconds, () => socket.destroy())
  }
}
