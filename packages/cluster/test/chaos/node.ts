/**
 * One node of a chaos run, a process of its own. Its first argument says, as JSON, what it is to be.
 */

import { Socket } from "node:net"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as ClusterHome from "@troupe/cluster/ClusterHome"
import * as DurableState from "@troupe/cluster/DurableState"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Ledger } from "./Ledger.ts"
import { LedgerLive } from "./LedgerLive.ts"

export interface NodeSettings {
  readonly port: number
  readonly storage: { readonly file: string } | { readonly url: string }
  readonly failover: number
  /** How wrong the clock of this node is, in milliseconds. */
  readonly skew: number
}

const settings: NodeSettings = JSON.parse(process.argv[2] ?? "{}")

const { now } = Date
Date.now = () => now() + settings.skew

const node = ClusterHome.layerNode({
  host: "127.0.0.1",
  port: settings.port,
  storage: settings.storage,
  failover: settings.failover
})

const ready = Layer.effectDiscard(Effect.sync(() => process.send?.("ready")))

const Live = ready.pipe(
  Layer.provide(ClusterHome.layer(Ledger, Layer.provide(LedgerLive, DurableState.layer))),
  Layer.provide(node)
)

process.on("message", (message: { readonly cut: ReadonlyArray<number> }) => cut(new Set(message.cut)))
// Whoever started this node is gone: nobody would ever end it.
process.on("disconnect", () => process.exit(1))

/** Breaks all connections of this process to and from some ports. */
const cut = (ports: ReadonlySet<number>): void => {
  for (const handle of (process as any)._getActiveHandles()) {
    if (!(handle instanceof Socket)) continue
    if (ports.has(handle.remotePort ?? 0) || ports.has(handle.localPort ?? 0)) handle.resetAndDestroy()
  }
}

NodeRuntime.runMain(Layer.launch(Live))
