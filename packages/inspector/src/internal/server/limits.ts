/**
 * What the inspector spends on its clients, since it must not starve the program that it shows. All that it holds for a
 * client has a bound, and clients that neither read nor send are disconnected.
 */
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import * as Effect from "effect/Effect"
import { type Refused, refuse } from "./reply.ts"

/** The most connections. Node closes further ones. */
const MOST_CONNECTIONS = 256
/** The most answers in progress, besides updates: each is made in memory. */
const MOST_ANSWERS = 64
/** How many bytes may wait for clients to read them, all together. */
const MOST_UNREAD = 64 * 1024 * 1024
/** How many requests may queue on one connection. Browsers send one at a time. */
const MOST_IN_LINE = 8

/** How long a client may neither send nor read when it is its turn, in milliseconds. */
export const PATIENCE = 30_000

/** For `createServer`: how long a request may take to arrive. Ours have no body. */
export const arriving: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5_000
}

/** A limited number of places, each taken by a response until it closes. */
export class Places {
  private readonly taken = new Set<ServerResponse>()
  private readonly most: number
  private readonly refusal: string

  constructor(most: number, refusal: string) {
    this.most = most
    this.refusal = refusal
  }

  /** Takes a place for this response, or says why there is none. */
  take(response: ServerResponse): Effect.Effect<void, Refused> {
    return Effect.suspend(() => {
      if (this.taken.size >= this.most) return refuse(429, this.refusal)
      // A response closes in any case: when it ends, or with its connection.
      this.taken.add(response)
      response.once("close", () => this.taken.delete(response))
      return Effect.void
    })
  }
}

/** Checks each request before anything is done for it, and closes silent connections. */
export class Gate {
  private readonly open = new Set<ServerResponse>()
  private readonly inLine = new WeakMap<Socket, number>()
  private readonly mostOpen: number

  constructor(pages: number) {
    this.mostOpen = MOST_ANSWERS + pages
  }

  /** Sets the bounds of a server. */
  guard(server: Server, patience: number): void {
    server.maxConnections = MOST_CONNECTIONS
    server.setTimeout(patience, (socket) => this.silent(socket, patience))
    // Running out of file descriptors for connections must not end the program.
    server.on("error", () => {})
  }

  /** Admits a request, or says why not. */
  enter({ socket }: IncomingMessage, response: ServerResponse): Refused | undefined {
    const before = this.inLine.get(socket) ?? 0
    if (before >= MOST_IN_LINE) {
      // Even refusals cost memory while they are queued.
      socket.destroy()
      return refuse(429, TOO_MANY_ANSWERS)
    }
    this.inLine.set(socket, before + 1)
    response.once("close", () => this.inLine.set(socket, this.inLine.get(socket)! - 1))
    // When a connection ends, Node tells only the response whose turn it is.
    if (before > 0) socket.once("close", () => response.emit("close"))
    // A client that goes away while it is answered is not an error.
    response.on("error", () => {})
    if (this.open.size >= this.mostOpen) return refuse(429, TOO_MANY_ANSWERS)
    if (this.unread() >= MOST_UNREAD) return refuse(429, TOO_MANY_BYTES)
    this.open.add(response)
    response.once("close", () => this.open.delete(response))
    return undefined
  }

  private unread(): number {
    let bytes = 0
    for (const response of this.open) bytes += response.writableLength
    return bytes
  }

  /** A connection is silent. It may stay if that is because we have nothing to tell it. */
  private silent(socket: Socket, patience: number): void {
    const waits = (this.inLine.get(socket) ?? 0) > 0 && socket.writableLength === 0
    if (waits) socket.setTimeout(patience)
    else socket.destroy()
  }
}

const TOO_MANY_ANSWERS = "the inspector is busy with too many requests; try again when some of them have been answered"
const TOO_MANY_BYTES =
  "too much of what clients have asked for is still unread, so there is no room for more; try again"
