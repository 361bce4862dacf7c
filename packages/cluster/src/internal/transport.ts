/**
 * The sockets between nodes: authenticated, without Nagle's delay, and counted.
 */

import * as Net from "node:net"
import * as Tls from "node:tls"
import * as NodeSocket from "@effect/platform-node-shared/NodeSocket"
import * as NodeSocketServer from "@effect/platform-node-shared/NodeSocketServer"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as SocketServer from "effect/socket/SocketServer"
import { RpcClient, RpcSerialization, type RunnerAddress, Runners } from "./engine.ts"
import * as handshake from "./handshake.ts"

/** Certificates in PEM. Both sides show one, and accept those that the authority has signed. */
export interface TlsOptions {
  readonly key: string
  readonly cert: string
  readonly ca: string
}

export interface TransportOptions {
  readonly secret: string
  readonly tls: TlsOptions | undefined
}

/** How long it takes to give up connecting: a node on the way answers in a fraction of it. */
const OPEN_TIMEOUT = "2 seconds"
/** A connection without a sign of life is given up after twice this time. */
const PING_INTERVAL = "2 seconds"
/** A node that comes back is found again within a second. */
const retryPolicy = Schedule.min([Schedule.exponential("100 millis", 1.5), Schedule.spaced("1 second")])
/** Connections that have not proved themselves yet. Beyond it, new ones are refused. */
const MAX_STRANGERS = 128

/** What is known of the connections to one address. */
export interface Line {
  open: boolean
  /** How often a connection was opened. */
  opened: number
}

/** The connections of this process to nodes, by address. */
export class Lines {
  private readonly lines = new Map<string, Line>()

  to({ host, port }: { readonly host: string; readonly port: number }): Line {
    const name = `${host}:${port}`
    const known = this.lines.get(name)
    if (known !== undefined) return known
    const line = { open: false, opened: 0 }
    this.lines.set(name, line)
    return line
  }
}

const socketError = (cause: unknown, kind: "Unknown" | "Timeout" = "Unknown"): Socket.SocketError =>
  new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind, cause }) })

/** Opens a connection to a node and proves who we are. It is closed with the Scope. */
export const open = (
  { host, port }: { readonly host: string; readonly port: number },
  options: TransportOptions,
  purpose: handshake.Purpose
): Effect.Effect<Net.Socket, Socket.SocketError, Scope.Scope> =>
  Effect.gen(function* () {
    const connection = yield* Effect.acquireRelease(
      Effect.sync(() => dial(host, port, options.tls)),
      (connection) => Effect.sync(() => (connection.writable ? connection.destroySoon() : connection.destroy()))
    )
    yield* connected(connection, options.tls === undefined ? "connect" : "secureConnect").pipe(
      Effect.timeoutOrElse({
        duration: OPEN_TIMEOUT,
        orElse: () => Effect.fail(socketError(new Error(`${host}:${port} does not answer`), "Timeout"))
      })
    )
    yield* Effect.mapError(handshake.connect(connection, options.secret, purpose), (cause) => socketError(cause))
    return connection
  })

const dial = (host: string, port: number, tls: TlsOptions | undefined): Net.Socket => {
  const connection =
    tls === undefined
      ? Net.connect({ host, port, noDelay: true })
      : // Who may join is said by the authority alone: nodes come and go under all kinds of names.
        Tls.connect({ host, port, ...tls, checkServerIdentity: () => undefined })
  prepare(connection)
  // There is always somebody who hears of an error, or the process would end.
  connection.on("error", () => {})
  return connection
}

const prepare = (connection: Net.Socket): void => {
  connection.setNoDelay(true)
  // Each message that waits for a slow peer listens for its turn: that is no leak.
  connection.setMaxListeners(0)
}

const connected = (connection: Net.Socket, event: string): Effect.Effect<void, Socket.SocketError> =>
  Effect.callback((resume) => {
    const opened = () => {
      leave()
      resume(Effect.void)
    }
    const failed = (cause: unknown) => {
      leave()
      resume(Effect.fail(socketError(cause)))
    }
    const closed = () => failed(new Error("the connection was closed while it was being opened"))
    const leave = () => {
      connection.off(event, opened)
      connection.off("error", failed)
      connection.off("close", closed)
    }
    connection.once(event, opened)
    connection.once("error", failed)
    connection.once("close", closed)
    return Effect.sync(leave)
  })

/** How the engine gets connections to other nodes. */
export const layerClient = (
  options: TransportOptions,
  lines: Lines
): Layer.Layer<Runners.RpcClientProtocol, never, RpcSerialization.RpcSerialization> =>
  Layer.effect(Runners.RpcClientProtocol)(
    Effect.map(RpcSerialization.RpcSerialization, (serialization) => ({
      codecFor: serialization.codecFor,
      make: (address: RunnerAddress.RunnerAddress) =>
        Effect.gen(function* () {
          const line = lines.to(address)
          const opened = Effect.map(open(address, options, "messages"), (connection) => {
            line.opened++
            line.open = true
            connection.once("close", () => {
              line.open = false
            })
            return connection
          })
          const socket = yield* NodeSocket.fromDuplex(opened)
          return yield* RpcClient.makeProtocolSocket({
            pingInterval: PING_INTERVAL,
            pingTimeout: PING_INTERVAL,
            retryPolicy
          }).pipe(
            Effect.provideService(Socket.Socket, socket),
            Effect.provideService(RpcSerialization.RpcSerialization, serialization)
          )
        })
    }))
  )

/** Listens for other nodes. Whoever does not prove to be one is cut off before anything it sent is decoded. */
export const layerServer = (
  { host, port }: { readonly host: string; readonly port: number },
  options: TransportOptions
): Layer.Layer<SocketServer.SocketServer, SocketServer.SocketServerError> => {
  const listening =
    options.tls === undefined
      ? NodeSocketServer.make({ host, port, noDelay: true })
      : NodeSocketServer.makeTls({
          host,
          port,
          noDelay: true,
          ...options.tls,
          requestCert: true,
          rejectUnauthorized: true
        })
  return Layer.effect(SocketServer.SocketServer)(
    Effect.map(listening, (server) =>
      SocketServer.SocketServer.of({
        address: server.address,
        run: (handler) => server.run(guard(handler, options.secret)) as any
      })
    )
  )
}

/** Connections break when a process dies, which is nothing to report. Who waited for an answer hears of it. */
const unlessBroken = (cause: Cause.Cause<unknown>): Effect.Effect<void, never> =>
  Socket.isSocketError(Cause.squash(cause))
    ? Effect.logDebug("The connection of a process of the cluster broke", cause)
    : (Effect.failCause(cause) as Effect.Effect<never>)

const guard = <R, E, A>(handler: (socket: Socket.Socket) => Effect.Effect<A, E, R>, secret: string) => {
  let strangers = 0
  return (socket: Socket.Socket): Effect.Effect<void, E, R> =>
    Effect.gen(function* () {
      const connection = yield* NodeSocket.NetSocket
      prepare(connection)
      const { remoteAddress } = connection
      if (strangers >= MAX_STRANGERS) return void connection.destroy()
      strangers++
      const purpose = yield* handshake.accept(connection, secret).pipe(
        Effect.ensuring(
          Effect.sync(() => {
            strangers--
          })
        ),
        Effect.onError(() => Effect.sync(() => connection.destroy())),
        Effect.catch((error) =>
          Effect.as(Effect.logWarning(`A connection from ${remoteAddress} was refused. ${error.message}`), undefined)
        )
      )
      if (purpose === "messages") yield* Effect.catchCause(handler(socket), unlessBroken)
      else connection.end()
    }) as Effect.Effect<void, E, R>
}
