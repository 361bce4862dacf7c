/**
 * How the engine connects to other nodes.
 */
import type * as Net from "node:net"
import * as NodeSocket from "@effect/platform-node-shared/NodeSocket"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Socket from "effect/socket/Socket"
import { RpcClient, RpcSerialization, type RunnerAddress, Runners } from "../engine.ts"
import { type ConnectionOptions, open, whyOf } from "./connection.ts"
import * as frames from "./frames.ts"
import type { Peer, Peers } from "./peers.ts"

/** A connection that is silent for twice this time is given up. */
const PING_INTERVAL = "2 seconds"
/** A node that comes back is found again within a second. */
const retryPolicy = Schedule.min([Schedule.exponential("100 millis", 1.5), Schedule.spaced("1 second")])

export const layer = (
  options: ConnectionOptions,
  peers: Peers
): Layer.Layer<Runners.RpcClientProtocol, never, RpcSerialization.RpcSerialization> =>
  Layer.effect(Runners.RpcClientProtocol)(
    Effect.map(RpcSerialization.RpcSerialization, (serialization) => ({
      codecFor: serialization.codecFor,
      make: (address: RunnerAddress.RunnerAddress) =>
        Effect.gen(function* () {
          const peer = peers.at(address)
          yield* Effect.addFinalizer(() => Effect.sync(() => clear(peer)))
          let connection: Net.Socket | undefined
          const opening = Effect.tap(recorded(peer, open(address, options, "messages")), (opened) =>
            Effect.sync(() => {
              connection = opened
            })
          )
          const socket = frames.together(yield* NodeSocket.fromDuplex(opening), () => connection)
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

/** Keeps what is known of a peer while connections to it open, fail and close. */
const recorded = <R>(peer: Peer, opening: Effect.Effect<Net.Socket, Socket.SocketError, R>) =>
  Effect.mapBoth(opening, {
    onFailure: (error) => {
      peer.trouble = whyOf(error)
      return error
    },
    onSuccess: (connection) => {
      peer.opened++
      peer.open = true
      clear(peer)
      connection.once("close", () => {
        peer.open = false
      })
      return connection
    }
  })

const clear = (peer: Peer): void => {
  peer.trouble = undefined
}
