/**
 * What the nodes of a cluster tell of themselves: this one, and those whose inspectors it was told of. They are asked
 * only while a page shows them.
 */
import * as ActorSystem from "@troupe/core/ActorSystem"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { MOST_OF_AN_ERROR, shown } from "../base/shown.ts"
import type { Info, NodeView } from "../live/frame.ts"
import { rowOf } from "../live/rows.ts"

/** Another node's inspector. */
export interface Peer {
  readonly address: string
  readonly token: Redacted.Redacted<string> | undefined
}

export type Peers = Effect.Effect<ReadonlyArray<Peer>>

/** How many actors a node tells of. */
const MOST_ACTORS = 200
/** How many nodes are asked, and for how long. */
const MOST_NODES = 100
const PATIENCE = "2 seconds"
/** An answer serves all pages for this long. */
const FRESH = "1 second"
/** In characters. */
const MOST_OF_AN_ANSWER = 1_000_000

const Figures = {
  instances: Schema.Int,
  running: Schema.Int,
  waiting: Schema.Int,
  bad: Schema.Int,
  restarts: Schema.Int
}

/** What a node tells of itself. */
export const Summary = Schema.Struct({
  title: Schema.String,
  pid: Schema.Int,
  /** What its cluster calls it. */
  node: Schema.optionalKey(Schema.String),
  /** How many shards of the cluster have residents here. */
  shards: Schema.optionalKey(Schema.Int),
  /** There are so many instances that the figures are of some of them. */
  partial: Schema.Boolean,
  ...Figures,
  actors: Schema.Array(Schema.Struct({ actor: Schema.String, ...Figures }))
})

type Counts = { -readonly [K in keyof typeof Figures]: number }

const none = (): Counts => ({ instances: 0, running: 0, waiting: 0, bad: 0, restarts: 0 })

/** The figures of this node. An instance of a caller lives elsewhere, and counts there. */
export const summary = ({ pid, title }: Info, limit: number): Effect.Effect<typeof Summary.Type> =>
  Effect.map(ActorSystem.snapshot({ limit }), ({ instances, totals }) => {
    const all = none()
    const actors = new Map<string, Counts>()
    const nodes = new Set<string>()
    const shards = new Set<unknown>()
    for (const row of instances.map(rowOf)) {
      const { home } = row
      if (row.state === "dead" || home?.role === "caller") continue
      if (typeof home?.node === "string") nodes.add(home.node)
      if (home?.shard !== undefined) shards.add(home.shard)
      const own = actors.get(row.actor) ?? none()
      actors.set(row.actor, own)
      for (const counts of [all, own]) {
        counts.instances++
        counts.running += row.running
        counts.waiting += row.waiting
        counts.bad += row.bad
        counts.restarts += row.restarts
      }
    }
    const [node] = nodes
    const largest = [...actors].sort(([, a], [, b]) => b.instances - a.instances).slice(0, MOST_ACTORS)
    return {
      title,
      pid,
      ...(node !== undefined && { node }),
      ...(shards.size > 0 && { shards: shards.size }),
      partial: totals.instances > instances.length,
      ...all,
      actors: largest.map(([actor, counts]) => ({ actor, ...counts }))
    }
  })

/** All nodes, this one first. Those that do not answer say why. */
export const views = (peers: Peers, own: Effect.Effect<typeof Summary.Type>): Effect.Effect<ReadonlyArray<NodeView>> =>
  Effect.gen(function* () {
    const others = (yield* peers).slice(0, MOST_NODES)
    const told = yield* Effect.forEach(others, ask, { concurrency: "unbounded" })
    return [{ address: "this node", summary: yield* own }, ...told]
  })

/** The same, asked once for all pages that ask at about the same time. */
export const shared = (peers: Peers, own: Effect.Effect<typeof Summary.Type>) =>
  Effect.cachedWithTTL(views(peers, own), FRESH)

const ask = ({ address, token }: Peer): Effect.Effect<NodeView> =>
  Effect.tryPromise((signal) => fetch(new URL("api/node", address), { headers: headersOf(token), signal })).pipe(
    Effect.flatMap((response) =>
      Effect.map(
        Effect.tryPromise(() => response.text()),
        (text) => ({ response, text })
      )
    ),
    Effect.flatMap(({ response, text }) =>
      response.ok && text.length <= MOST_OF_AN_ANSWER
        ? Schema.decodeUnknownEffect(Schema.fromJsonString(Summary))(text)
        : Effect.fail(new Error(`it answered ${response.status}: ${text}`))
    ),
    Effect.timeout(PATIENCE),
    Effect.match({
      onSuccess: (summary): NodeView => ({ address, summary }),
      onFailure: (error): NodeView => ({ address, why: whyOf(error) })
    })
  )

const headersOf = (token: Peer["token"]): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${Redacted.value(token)}` }

/** `connect ECONNREFUSED` says more than "fetch failed", the message of the error around it. */
const whyOf = (error: unknown): string => {
  if (Cause.isTimeoutError(error)) return `it did not answer within ${PATIENCE}`
  let text = String(error)
  let cause = error
  for (let depth = 0; depth < 5 && cause instanceof Error; depth++) {
    text = cause.message === "" ? text : cause.message
    cause = cause.cause
  }
  return shown(text, MOST_OF_AN_ERROR)
}
