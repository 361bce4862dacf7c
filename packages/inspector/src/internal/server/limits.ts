/**
 * What the inspector spends on those who ask: it must not take from the program that it looks at. Whatever it holds for
 * a client has a bound, and whoever does not read or does not speak is cut off.
 */
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import * as Effect from "effect/Effect"
import { type Refused, refuse } from "./reply.ts"

/** How many connections there are at most. Node closes those beyond. */
const MOST_CONNECTIONS = 256
/** How many answers are under way at most, besides updates: each is made in memory. */
const MOST_ANSWERS = 64
/** How many bytes may wait for clients to read them, in all. */
const MOST_UNREAD = 64 * 1024 * 1024
/** How many requests may wait on one connection for the answers to those before them. Browsers send one at a time. */
const MOST_IN_LINE = 8

/** How long a connection may be silent while it is its turn: to say what it wants, or to read what it gets. */
export const PATIENCE = 30_000

/** For `createServer`: how long a request may take to arrive. None that is meant for us has a body. */
export const arriving: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5_000
}

/** Places that responses take until they are closed, as long as there are any. */
export class Places {
  private readonly taken = new Set<ServerResponse>()
  private readonly most: number
  private readonly beyond: string

  constructor(most: number, beyond: string) {
    this.most = most
    this.beyond = beyond
  }

  /** A place for this response, or why it has none. */
  take(response: ServerResponse): Effect.Effect<void, Refused> {
    return Effect.suspend(() => {
      if (this.taken.size >= this.most) return refuse(429, this.beyond)
      // It is closed in any case: after its end, or with its connection.
      this.taken.add(response)
      response.once("close", () => this.taken.delete(response))
      return Effect.void
    })
  }
}

/** Looks at each request before anything is done for it, and at connections that are silent. */
export class Gate {
  private readonly open = new Set<ServerResponse>()
  private readonly inLine = new WeakMap<Socket, number>()
  private readonly mostOpen: number

  constructor(pages: number) {
    this.mostOpen = MOST_ANSWERS + pages
  }

  /** Has the server know its bounds. */
  guard(server: Server, patience: number): void {
    server.maxConnections = MOST_CONNECTIONS
    server.setTimeout(patience, (socket) => this.silent(socket, patience))
    // There may be no file descriptor left for one more connection, which is no reason to end the program.
    server.on("error", () => {})
  }

  /** Lets a request in, or says why not. */
  enter({ socket }: IncomingMessage, response: ServerResponse): Refused | undefined {
    const before = this.inLine.get(socket) ?? 0
    if (before >= MOST_IN_LINE) {
      // Even refusals cost memory as long as they are in line.
      socket.destroy()
      return refuse(429, TOO_MANY_ANSWERS)
    }
    this.inLine.set(socket, before + 1)
    response.once("close", () => this.inLine.set(socket, this.inLine.get(socket)! - 1))
    // Node tells of the end of a connection only the response whose turn it is.
    if (before > 0) socket.once("close", () => response.emit("close"))
    // A client that goes away while it is answered is nobody's error.
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

  /** A connection on which nothing has happened for a while: that may be because we have nothing to tell. */
  private silent(socket: Socket, patience: number): void {
    const waits = (this.inLine.get(socket) ?? 0) > 0 && socket.writableLength === 0
    if (waits) socket.setTimeout(patience)
    else socket.destroy()
  }
}

const TOO_MANY_ANSWERS =
  "the inspector answers too many requests already; try again when some of them have been answered"
const TOO_MANY_BYTES =
  "clients of the inspector have not read what they asked for, so there is no room for more; try again"
