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
import { Warnings } from "../base/warnings.ts"
import { RpcClient, RpcSerialization, type RunnerAddress, Runners } from "../engine.ts"
import { type Address, nameOf } from "./address.ts"
import * as handshake from "./handshake.ts"
import { Strangers } from "./strangers.ts"

/** Certificates in PEM. Each side shows one, and accepts any that the authority has signed. */
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
/** A connection that is silent for twice this time is given up. */
const PING_INTERVAL = "2 seconds"
/** A node that comes back is found again within a second. */
const retryPolicy = Schedule.min([Schedule.exponential("100 millis", 1.5), Schedule.spaced("1 second")])
/** What a certificate may take to be shown, in milliseconds. */
const TLS_TIMEOUT = 5000

/** What is known of the connections to one address. */
export interface Peer {
  open: boolean
  /** How often a connection was opened. */
  opened: number
  /** Why there is no connection, if one is wanted. */
  trouble: string | undefined
}

/** The connections of this process to nodes, by address. */
export class Peers {
  private readonly peers = new Map<string, Peer>()

  at(address: Address): Peer {
    const name = nameOf(address)
    const known = this.peers.get(name)
    if (known !== undefined) return known
    const peer: Peer = { open: false, opened: 0, trouble: undefined }
    this.peers.set(name, peer)
    return peer
  }

  /** Why calls may find no node. */
  trouble(): string | undefined {
    const troubles: Array<string> = []
    for (const [name, { trouble }] of this.peers) {
      if (trouble !== undefined && troubles.length < MAX_TROUBLES) troubles.push(`${name}: ${trouble}`)
    }
    return troubles.length === 0 ? undefined : troubles.join("; ")
  }
}

/** An error of a call names as many nodes that cannot be reached. */
const MAX_TROUBLES = 3

const socketError = (cause: unknown, kind: "Unknown" | "Timeout" = "Unknown"): Socket.SocketError =>
  new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind, cause }) })

/** What went wrong when a connection was to be opened. */
export const whyOf = ({ reason }: Socket.SocketError): string => {
  const cause = reason.cause as Partial<Error> | undefined
  return cause?.message || reason.message
}

/** Whether a node answered that does not let us in, or that we do not trust: another try would not change that. */
export const isRefusal = (error: unknown): error is Socket.SocketError => {
  if (!Socket.isSocketError(error)) return false
  const { cause } = error.reason
  if (cause instanceof handshake.HandshakeError) return cause.stranger
  // OpenSSL's words for certificates, our own and those of the other side.
  return /CERT|^ERR_SSL|^UNABLE_TO/.test(String((cause as { readonly code?: unknown } | undefined)?.code))
}

/** Opens a connection to a node and proves who we are. It is closed with the Scope. */
export const open = (
  address: Address,
  options: TransportOptions,
  purpose: handshake.Purpose
): Effect.Effect<Net.Socket, Socket.SocketError, Scope.Scope> =>
  Effect.gen(function* () {
    const connection = yield* Effect.acquireRelease(
      // Both throw: an address that is none, which the storage may say, and a certificate that is none.
      Effect.try({ try: () => dial(address, options.tls), catch: (cause) => socketError(cause) }),
      (connection) => Effect.sync(() => (connection.writable ? connection.destroySoon() : connection.destroy()))
    )
    yield* connected(connection, options.tls === undefined ? "connect" : "secureConnect").pipe(
      Effect.timeoutOrElse({
        duration: OPEN_TIMEOUT,
        orElse: () => Effect.fail(socketError(new Error(`${nameOf(address)} does not answer`), "Timeout"))
      })
    )
    yield* Effect.mapError(handshake.connect(connection, options.secret, purpose), (cause) => socketError(cause))
    return connection
  })

/** How long a node takes at most to answer a handshake that is all there is. */
const PROBE_TIMEOUT = "2 seconds"

/** A node is there if it answers a handshake: its socket is open, its event loop turns, and it has the secret. */
export const probe = (address: Address, options: TransportOptions): Effect.Effect<void, unknown> =>
  Effect.scoped(open(address, options, "probe")).pipe(Effect.timeout(PROBE_TIMEOUT), Effect.asVoid)

const dial = ({ host, port }: Address, tls: TlsOptions | undefined): Net.Socket => {
  const connection =
    tls === undefined
      ? Net.connect({ host, port, noDelay: true })
      : // The authority alone says who may join: nodes come and go under all kinds of names.
        Tls.connect({ host, port, ...tls, checkServerIdentity: () => undefined })
  prepare(connection)
  // An error without a listener would end the process.
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
  peers: Peers
): Layer.Layer<Runners.RpcClientProtocol, never, RpcSerialization.RpcSerialization> =>
  Layer.effect(Runners.RpcClientProtocol)(
    Effect.map(RpcSerialization.RpcSerialization, (serialization) => ({
      codecFor: serialization.codecFor,
      make: (address: RunnerAddress.RunnerAddress) =>
        Effect.gen(function* () {
          const peer = peers.at(address)
          yield* Effect.addFinalizer(() =>
            Effect.sync(() => {
              peer.trouble = undefined
            })
          )
          const opened = Effect.mapBoth(open(address, options, "messages"), {
            onFailure: (error) => {
              peer.trouble = whyOf(error)
              return error
            },
            onSuccess: (connection) => {
              peer.opened++
              peer.open = true
              peer.trouble = undefined
              connection.once("close", () => {
                peer.open = false
              })
              return connection
            }
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

/** Listens for other processes. One that does not prove itself is cut off before anything that it sent is decoded. */
export const layerServer = (
  { host, port }: Address,
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
          handshakeTimeout: TLS_TIMEOUT,
          requestCert: true,
          rejectUnauthorized: true
        })
  return Layer.effect(SocketServer.SocketServer)(
    Effect.map(listening, (server) =>
      SocketServer.SocketServer.of({
        address: server.address,
        run: (handler) => server.run(authenticated(handler, options.secret)) as any
      })
    )
  )
}

/**
 * What ends a connection ends nothing else. A connection that breaks since a process died need not be reported: the
 * callers that wait for an answer hear of it.
 */
const closed =
  (address: string, warnings: Warnings) =>
  (cause: Cause.Cause<unknown>): Effect.Effect<void> =>
    Socket.isSocketError(Cause.squash(cause))
      ? Effect.logDebug("The connection of a process of the cluster broke", cause)
      : Effect.andThen(
          Effect.logDebug("A connection was closed", cause),
          warnings.warn(
            `${address} closed`,
            `A connection from ${address} was closed: it sent something that no node sends`
          )
        )

/** Handles connections of processes that have proved to be of the cluster, and refuses the others. */
const authenticated = <R, E, A>(handler: (socket: Socket.Socket) => Effect.Effect<A, E, R>, secret: string) => {
  const strangers = new Strangers()
  const warnings = new Warnings()
  return (socket: Socket.Socket): Effect.Effect<void, E, R> =>
    Effect.gen(function* () {
      const connection = yield* NodeSocket.NetSocket
      prepare(connection)
      const { remoteAddress = "unknown" } = connection
      strangers.enter(remoteAddress, connection)
      const purpose = yield* handshake.accept(connection, secret).pipe(
        Effect.ensuring(Effect.sync(() => strangers.leave(remoteAddress, connection))),
        Effect.onError(() => Effect.sync(() => connection.destroy())),
        Effect.catch(({ message }) =>
          Effect.as(
            warnings.warn(remoteAddress, `A connection from ${remoteAddress} was refused. ${message}`),
            undefined
          )
        )
      )
      if (purpose === "messages") yield* Effect.catchCause(handler(socket), closed(remoteAddress, warnings))
      else connection.end()
    }) as Effect.Effect<void, E, R>
}
