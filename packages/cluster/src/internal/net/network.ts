/**
 * What carries messages between processes: TCP, unless a test puts another network in its place.
 */
import type * as Net from "node:net"
import * as NodeSocket from "@effect/platform-node-shared/NodeSocket"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import type * as SocketServer from "effect/socket/SocketServer"
import type { Address } from "./address.ts"
import * as connections from "./connection.ts"
import * as frames from "./frames.ts"
import * as server from "./server.ts"

/** Told of the connections of a socket, each of which opens or fails, and closes once it has opened. */
export interface Opening {
  opened(): void
  failed(error: Socket.SocketError): void
  closed(): void
}

export interface Network {
  /** A socket to a node. It connects whenever it is read from. */
  dial(
    address: Address,
    options: connections.ConnectionOptions,
    opening: Opening
  ): Effect.Effect<Socket.Socket, never, Scope.Scope>
  listen(
    address: Address,
    options: connections.ConnectionOptions
  ): Layer.Layer<SocketServer.SocketServer, SocketServer.SocketServerError>
  /** Whether a node answers there. */
  probe(address: Address, options: connections.ConnectionOptions): Effect.Effect<void, unknown>
}

const tcp: Network = {
  dial: (address, options, opening) =>
    Effect.suspend(() => {
      let connection: Net.Socket | undefined
      const open = Effect.mapBoth(connections.open(address, options, "messages"), {
        onFailure: (error) => {
          opening.failed(error)
          return error
        },
        onSuccess: (opened) => {
          connection = opened
          opening.opened()
          opened.once("close", () => opening.closed())
          return opened
        }
      })
      return Effect.map(NodeSocket.fromDuplex(open), (socket) => frames.together(socket, () => connection))
    }),
  listen: server.layer,
  probe: connections.probe
}

export const Network: Context.Reference<Network> = Context.Reference<Network>("troupe/cluster/Network", {
  defaultValue: () => tcp
})
