/**
 * Connections to nodes: authenticated, and without Nagle's delay.
 */

import * as Net from "node:net"
import * as Tls from "node:tls"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import { type Address, nameOf } from "./address.ts"
import * as handshake from "./handshake.ts"

/** Certificates in PEM. Each side shows one, and accepts any that the authority has signed. */
export interface TlsOptions {
  readonly key: string
  readonly cert: string
  readonly ca: string
}

export interface ConnectionOptions {
  readonly secret: string
  readonly tls: TlsOptions | undefined
}

/** How long it takes to give up connecting: a node on the way answers in a fraction of it. */
const OPEN_TIMEOUT = "2 seconds"
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
  options: ConnectionOptions,
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
export const probe = (address: Address, options: ConnectionOptions): Effect.Effect<void, unknown> =>
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

export const prepare = (connection: Net.Socket): void => {
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
