/**
 * A trace on all nodes: the unsettled calls that belong to it.
 */
import * as ActorSystem from "@troupe/core/ActorSystem"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { shown } from "../base/shown.ts"
import type { TraceView } from "../live/frame.ts"
import { ask, each, type Peers } from "./nodes.ts"

/** How many calls of a trace a node tells of. */
const MOST = 100

/** The calls of a trace on one node. */
export const Calls = Schema.Struct({
  node: Schema.String,
  calls: Schema.Array(
    Schema.Struct({
      id: Schema.Int,
      instance: Schema.Int,
      method: Schema.String,
      stage: Schema.String,
      since: Schema.Number
    })
  )
})

/** Those of this node. */
export const here = (trace: string, node: string, limit: number): Effect.Effect<typeof Calls.Type> =>
  Effect.map(ActorSystem.snapshot({ limit }), ({ calls }) => ({
    node,
    calls: calls
      .filter((call) => call.trace === trace)
      .toSorted((a, b) => a.since - b.since)
      .slice(0, MOST)
      .map(({ id, instance, method, since, stage }) => ({ id, instance, method: shown(method), stage, since }))
  }))

/** Those of all nodes, this one first. */
export const everywhere = (
  trace: string,
  peers: Peers,
  own: Effect.Effect<typeof Calls.Type>
): Effect.Effect<TraceView> =>
  Effect.gen(function* () {
    const told = yield* each(peers, (peer) => ask(peer, `api/trace/${trace}?nodes=here`, Calls))
    const nodes = told.map(({ answer, peer, why }) => answer ?? { node: peer.node ?? peer.address, calls: [], why })
    return { trace, nodes: [yield* own, ...nodes] }
  })
