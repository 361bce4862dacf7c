/**
 * How the engine connects to other nodes.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Socket from "effect/socket/Socket"
import { RpcClient, RpcSerialization, type RunnerAddress, Runners } from "../engine.ts"
import { type ConnectionOptions, whyOf } from "./connection.ts"
import { Network, type Opening } from "./network.ts"
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
    Effect.gen(function* () {
      const serialization = yield* RpcSerialization.RpcSerialization
      const network = yield* Network
      return {
        codecFor: serialization.codecFor,
        make: (address: RunnerAddress.RunnerAddress) =>
          Effect.gen(function* () {
            const peer = peers.at(address)
            yield* Effect.addFinalizer(() => Effect.sync(() => clear(peer)))
            const socket = yield* network.dial(address, options, recording(peer))
            return yield* RpcClient.makeProtocolSocket({
              pingInterval: PING_INTERVAL,
              pingTimeout: PING_INTERVAL,
              retryPolicy
            }).pipe(
              Effect.provideService(Socket.Socket, socket),
              Effect.provideService(RpcSerialization.RpcSerialization, serialization)
            )
          })
      }
    })
  )

/** Keeps what is known of a peer while connections to it open, fail and close. */
const recording = (peer: Peer): Opening => ({
  failed: (error) => {
    peer.trouble = whyOf(error)
  },
  opened: () => {
    peer.opened++
    peer.open = true
    clear(peer)
  },
  closed: () => {
    peer.open = false
  }
})

const clear = (peer: Peer): void => {
  peer.trouble = undefined
}
