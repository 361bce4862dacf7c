/**
 * Metrics of connections: how many there are, how many were not let in, and how many were cut off.
 */
import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"

export type Protocol = "websocket" | "http"

/** Why a connection is not let in. Limits go by their names. */
export type Refusal = "origin" | "connectionsPerPeer"

/** Why one ends that its peer would have kept. */
export type Cut = "messageBytes" | "depth" | "unreadable" | "idleAfter" | "slowAfter" | "failed"

export class Traffic {
  private readonly context: Context.Context<never>

  constructor(context: Context.Context<never>) {
    this.context = context
  }

  /** Another one is open, or one less. */
  open(protocol: Protocol, change: 1 | -1): void {
    open[protocol].modifyUnsafe(change, this.context)
  }

  refused(reason: Refusal): void {
    refused(reason).updateUnsafe(1, this.context)
  }

  cut(reason: Cut): void {
    cut(reason).updateUnsafe(1, this.context)
  }
}

const openOf = (protocol: Protocol) =>
  Metric.gauge("troupe_remote_connections", {
    description: "WebSockets that are open, and requests that are answered",
    attributes: { protocol }
  })

const open = { websocket: openOf("websocket"), http: openOf("http") }

const refused = (reason: Refusal) =>
  Metric.counter("troupe_remote_connections_refused_total", {
    description: "Connections that were not let in",
    attributes: { reason },
    incremental: true
  })

const cut = (reason: Cut) =>
  Metric.counter("troupe_remote_connections_cut_total", {
    description: "Connections that were cut off",
    attributes: { reason },
    incremental: true
  })
