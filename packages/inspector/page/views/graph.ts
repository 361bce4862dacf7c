/** The layout of the wait graph: each actor is to the left of those it waits for. No DOM in here. */
import type { WaitEdge, WaitNode, Waits } from "../../src/internal/live/waits.ts"

export interface Placed {
  readonly id: string
  readonly actor: string
  /** The instance that it stands for, or `undefined` if it stands for several instances of the actor. */
  readonly instance: number | undefined
  readonly instances: number
  readonly calls: number
  readonly inLine: number
  readonly cycle: boolean
  x: number
  y: number
}

export interface Arrow {
  readonly from: Placed
  readonly to: Placed
  calls: number
  since: number
  kind: WaitEdge["kind"]
  example: string
}

export interface Picture {
  readonly nodes: ReadonlyArray<Placed>
  readonly arrows: ReadonlyArray<Arrow>
  readonly columns: number
  readonly rows: number
  /** How many nodes there was no room for. */
  readonly left: number
}

/** Above this many nodes, instances of an actor are drawn as one, unless they are in a cycle. */
const MOST_INSTANCES = 24
const MOST_NODES = 60

const rank = { free: 0, stuck: 1, cycle: 2 }

type Draft = { -readonly [K in keyof Placed]: Placed[K] }

export const picture = ({ edges, nodes }: Waits): Picture => {
  const { byInstance, drafts } = draft(nodes)
  const kept = drafts.sort((a, b) => Number(b.cycle) - Number(a.cycle) || b.calls - a.calls).slice(0, MOST_NODES)
  const isKept = new Set(kept)
  const arrows = arrowsOf(edges, byInstance).filter(({ from, to }) => isKept.has(from) && isKept.has(to))
  const size = place(kept, arrows)
  return { nodes: kept, arrows, left: drafts.length - kept.length, ...size }
}

const draft = (nodes: ReadonlyArray<WaitNode>) => {
  const merge = nodes.length > MOST_INSTANCES
  const byId = new Map<string, Draft>()
  const byInstance = new Map<number, Draft>()
  for (const { actor, calls, cycle, inLine, instance } of nodes) {
    const id = merge && !cycle ? actor : `${actor}#${instance}`
    let node = byId.get(id)
    if (node === undefined) {
      node = { id, actor, instance, instances: 0, calls: 0, inLine: 0, cycle, x: 0, y: 0 }
      byId.set(id, node)
    }
    node.instances++
    node.calls += calls
    node.inLine += inLine
    if (node.instances > 1) node.instance = undefined
    byInstance.set(instance, node)
  }
  return { byInstance, drafts: [...byId.values()] }
}

const arrowsOf = (edges: ReadonlyArray<WaitEdge>, byInstance: ReadonlyMap<number, Draft>): ReadonlyArray<Arrow> => {
  const arrows = new Map<string, Arrow>()
  for (const { calls, example, from, kind, since, to } of edges) {
    const a = byInstance.get(from)
    const b = byInstance.get(to)
    if (a === undefined || b === undefined) continue
    const id = `${a.id}>${b.id}`
    const arrow = arrows.get(id)
    if (arrow === undefined) {
      arrows.set(id, { from: a, to: b, calls, since, kind, example })
      continue
    }
    arrow.calls += calls
    arrow.since = Math.min(arrow.since, since)
    if (rank[kind] > rank[arrow.kind]) {
      arrow.kind = kind
      arrow.example = example
    }
  }
  return [...arrows.values()]
}

/** A node is one column to the right of the rightmost node that waits for it. Arrows that lead back do not count. */
const place = (nodes: ReadonlyArray<Draft>, arrows: ReadonlyArray<Arrow>): { columns: number; rows: number } => {
  const next = new Map<Placed, Array<Placed>>()
  for (const { from, to } of arrows) {
    if (from === to) continue
    const list = next.get(from)
    if (list === undefined) next.set(from, [to])
    else list.push(to)
  }
  const entered = new Set(arrows.filter(({ from, to }) => from !== to).map(({ to }) => to))
  const sorted = nodes.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const starts = sorted.filter((node) => !entered.has(node))
  const order = depthFirst([...starts, ...sorted], next)
  const position = new Map(order.map((node, i) => [node, i]))
  for (const node of order) {
    for (const to of next.get(node) ?? []) {
      if (position.get(to)! > position.get(node)!) to.x = Math.max(to.x, node.x + 1)
    }
  }
  const columns: Array<number> = []
  for (const node of order) node.y = columns[node.x] = (columns[node.x] ?? -1) + 1
  return { columns: columns.length, rows: Math.max(0, ...columns.filter((n) => n !== undefined).map((n) => n + 1)) }
}

/** Each node before all nodes that it waits for, except in cycles. */
const depthFirst = (starts: ReadonlyArray<Placed>, next: ReadonlyMap<Placed, ReadonlyArray<Placed>>): Array<Placed> => {
  const seen = new Set<Placed>()
  const done: Array<Placed> = []
  const visit = (node: Placed): void => {
    if (seen.has(node)) return
    seen.add(node)
    for (const to of next.get(node) ?? []) visit(to)
    done.push(node)
  }
  for (const node of starts) visit(node)
  return done.reverse()
}
