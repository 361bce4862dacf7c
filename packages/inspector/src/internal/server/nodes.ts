/**
 * What the nodes of a cluster tell of themselves: this one, and those whose inspectors it was told of or has found. They
 * are asked only while a page shows them.
 */
import * as ActorSystem from "@troupe/core/ActorSystem"
import { CurrentCluster } from "@troupe/core/ClusterView"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { MOST_OF_AN_ERROR, shown } from "../base/shown.ts"
import type { Info, NodeView, Row } from "../live/frame.ts"
import { rowOf } from "../live/rows.ts"

/** Another node's inspector. */
export interface Peer {
  readonly address: string
  readonly token: Redacted.Redacted<string> | undefined
  /** Which node of the cluster is to answer there, if that is known. */
  readonly node?: string | undefined
  /** Why it cannot be asked. */
  readonly why?: string | undefined
}

export type Peers = Effect.Effect<ReadonlyArray<Peer>>

/** How many actors a node tells of. */
const MOST_ACTORS = 200
/** Of how many shards, and how many residents of each it names. */
const MOST_SHARDS = 2000
const MOST_NAMED = 3
/** How many nodes are asked, and for how long. */
const MOST_NODES = 100
const PATIENCE = "2 seconds"
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
  /** How many shards of the cluster it has. */
  shards: Schema.optionalKey(Schema.Int),
  /** Which ones, and who lives there. */
  held: Schema.optionalKey(
    Schema.Array(Schema.Struct({ shard: Schema.String, residents: Schema.Int, some: Schema.Array(Schema.String) }))
  ),
  /** There are so many instances that the figures are of some of them. */
  partial: Schema.Boolean,
  ...Figures,
  actors: Schema.Array(Schema.Struct({ actor: Schema.String, ...Figures }))
})

type Counts = { -readonly [K in keyof typeof Figures]: number }

const none = (): Counts => ({ instances: 0, running: 0, waiting: 0, bad: 0, restarts: 0 })

/** The figures of this node. An instance of a caller lives elsewhere, and counts there. */
export const summary = ({ pid, title }: Info, limit: number): Effect.Effect<typeof Summary.Type> =>
  Effect.gen(function* () {
    const cluster = yield* CurrentCluster
    const { instances, totals } = yield* ActorSystem.snapshot({ limit })
    const here = instances.map(rowOf).filter(({ home, state }) => state !== "dead" && home?.role !== "caller")
    const all = none()
    const actors = new Map<string, Counts>()
    for (const row of here) {
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
    const node = cluster?.node ?? here.map(({ home }) => home?.node).find((node) => typeof node === "string")
    const held = heldBy(here, cluster?.shards() ?? [])
    const largest = [...actors].sort(([, a], [, b]) => b.instances - a.instances).slice(0, MOST_ACTORS)
    return {
      title,
      pid,
      ...(node !== undefined && { node: String(node) }),
      ...(held.length > 0 && { shards: held.length, held: held.slice(0, MOST_SHARDS) }),
      partial: totals.instances + totals.dead > instances.length,
      ...all,
      actors: largest.map(([actor, counts]) => ({ actor, ...counts }))
    }
  })

/** Shards with their residents: those that the node has, and those that residents say they are in. */
const heldBy = (
  here: ReadonlyArray<Row>,
  shards: ReadonlyArray<string>
): NonNullable<(typeof Summary.Type)["held"]> => {
  const residents = new Map<string, Array<Row>>(shards.map((shard) => [shard, []]))
  for (const row of here) {
    const shard = row.home?.shard
    if (shard === undefined) continue
    const rows = residents.get(String(shard)) ?? []
    residents.set(String(shard), rows)
    rows.push(row)
  }
  return [...residents].map(([shard, rows]) => ({
    shard,
    residents: rows.length,
    some: rows.slice(0, MOST_NAMED).map(({ actor, key }) => shown(key === undefined ? actor : `${actor}(${key})`))
  }))
}

/** All nodes, this one first. Those that do not answer say why. */
export const views = (peers: Peers, own: Effect.Effect<typeof Summary.Type>): Effect.Effect<ReadonlyArray<NodeView>> =>
  Effect.gen(function* () {
    const told = yield* each(peers, (peer) => ask(peer, "api/node", Summary))
    const nodes = told.map(({ answer, peer, why }): NodeView => {
      const address = peer.address
      if (answer === undefined) return { address, why, ...(peer.node !== undefined && { node: peer.node }) }
      return peer.node === undefined || answer.node === peer.node
        ? { address, summary: answer }
        : { address, node: peer.node, why: `another program answers at ${address}` }
    })
    return [{ address: "this node", summary: yield* own }, ...nodes]
  })

export interface Answered<A> {
  readonly peer: Peer
  readonly answer?: A
  readonly why?: string
}

/** Asks all other nodes at the same time. */
export const each = <A>(peers: Peers, ask: (peer: Peer) => Effect.Effect<A, unknown>) =>
  Effect.flatMap(peers, (others) =>
    Effect.forEach(
      others.slice(0, MOST_NODES),
      (peer): Effect.Effect<Answered<A>> =>
        peer.why !== undefined
          ? Effect.succeed({ peer, why: peer.why })
          : Effect.match(ask(peer), {
              onSuccess: (answer) => ({ peer, answer }),
              onFailure: (error) => ({ peer, why: whyOf(error) })
            }),
      { concurrency: "unbounded" }
    )
  )

/** What an inspector answers. */
export const ask = <A>(
  { address, token }: Peer,
  path: string,
  schema: Schema.Codec<A, any>
): Effect.Effect<A, unknown> =>
  // A token goes to its address, and nowhere else.
  Effect.tryPromise((signal) =>
    fetch(new URL(path, address), { headers: headersOf(token), redirect: "error", signal })
  ).pipe(
    Effect.flatMap((response) =>
      Effect.map(
        Effect.tryPromise(() => response.text()),
        (text) => ({ response, text })
      )
    ),
    Effect.flatMap(({ response, text }) =>
      response.ok && text.length <= MOST_OF_AN_ANSWER
        ? Schema.decodeUnknownEffect(Schema.fromJsonString(schema))(text)
        : Effect.fail(new Error(`it answered ${response.status}: ${text}`))
    ),
    Effect.timeout(PATIENCE)
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
