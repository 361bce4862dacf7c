/**
 * How a node listens for other processes.
 */
import * as NodeSocket from "@effect/platform-node-shared/NodeSocket"
import * as NodeSocketServer from "@effect/platform-node-shared/NodeSocketServer"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Socket from "effect/socket/Socket"
import * as SocketServer from "effect/socket/SocketServer"
import { Warnings } from "../base/warnings.ts"
import type { Address } from "./address.ts"
import { type ConnectionOptions, prepare } from "./connection.ts"
import * as frames from "./frames.ts"
import * as handshake from "./handshake.ts"
import { Strangers } from "./strangers.ts"

/** What a certificate may take to be shown, in milliseconds. */
const TLS_TIMEOUT = 5000

/** Listens for other processes. One that does not prove itself is cut off before anything that it sent is decoded. */
export const layer = (
  { host, port }: Address,
  options: ConnectionOptions
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
      if (purpose !== "messages") return connection.end()
      const framed = frames.together(socket, () => connection)
      yield* Effect.catchCause(handler(framed), closed(remoteAddress, warnings))
    }) as Effect.Effect<void, E, R>
}
