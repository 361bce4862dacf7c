/**
 * The inspectors of a cluster find each other: each tells the cluster where it is.
 */
import type { Cluster } from "@troupe/core/ClusterView"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { hostname, isLoopback } from "./access.ts"
import type { Peer } from "./nodes.ts"

/** The host of a node, as others of its cluster reach it. */
export const hostOf = (node: string): string => hostname(node) ?? node.replace(/:\d+$/, "")

/** Where others of the cluster find an inspector that listens at `host`. */
export const addressFor = (host: string, port: number, node: string): string => {
  const at = host === "0.0.0.0" || host === "::" ? hostOf(node) : host
  return `http://${at.includes(":") ? `[${at}]` : at}:${port}/`
}

/** The inspectors of the other nodes. They are asked with the token of this one. */
export const others = ({ node: self, nodes }: Cluster, token: string | undefined): Effect.Effect<ReadonlyArray<Peer>> =>
  Effect.map(
    Effect.orElseSucceed(nodes, () => []),
    (all) =>
      all
        .filter(({ node }) => node !== self)
        .map(({ inspector, node }): Peer => {
          const why = inspector === undefined ? NONE : isOutOfReach(inspector, node, self) ? OUT_OF_REACH : undefined
          return {
            address: inspector ?? node,
            node,
            why,
            token: token === undefined ? undefined : Redacted.make(token)
          }
        })
  )

const NONE = "it has no inspector: provide Inspector.layer on this node, too"
const OUT_OF_REACH = "its inspector listens where only its own machine can reach it: give `host` to Inspector.layer"

/** Behind a loopback address is the inspector of whoever asks. */
const isOutOfReach = (inspector: string, node: string, self: string | undefined): boolean => {
  const at = hostname(new URL(inspector).host)
  const there = hostOf(node)
  return at !== undefined && isLoopback(at) && !isLoopback(there) && (self === undefined || hostOf(self) !== there)
}
