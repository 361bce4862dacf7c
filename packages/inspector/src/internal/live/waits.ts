/**
 * Which calls wait for which, and where waits form a cycle.
 *
 * A call is stuck if nothing that it waits for can go on: refs that only stuck calls can settle, permits that only stuck
 * calls hold. What we know nothing of, such as a ref that is settled from outside, can go on, so there are no false
 * alarms. Only stuck calls are searched for cycles, since a call may wait in line behind a call that it does not depend
 * on.
 */
import type { UnsettledCall } from "@troupe/core/ActorSystem"
import { causesOf, type RootCause } from "./causes.ts"

export interface WaitNode {
  readonly instance: number
  readonly actor: string
  /** How many of its calls wait for calls of others. The calls in its own line are not among them. */
  readonly calls: number
  /** How many of its calls are in line. */
  readonly inLine: number
  readonly cycle: boolean
}

export interface WaitEdge {
  readonly from: number
  readonly to: number
  readonly calls: number
  /** When the oldest of these waits began. */
  readonly since: number
  /** `cycle`: it is part of a cycle. `stuck`: it leads to one. */
  readonly kind: "free" | "stuck" | "cycle"
  /** One of these waits: `A.f #3 waits for B.g #4`. */
  readonly example: string
}

export interface Waits {
  readonly nodes: ReadonlyArray<WaitNode>
  readonly edges: ReadonlyArray<WaitEdge>
  /** The calls of each cycle in order, with the first of them again at the end. */
  readonly cycles: ReadonlyArray<ReadonlyArray<string>>
  /** What most calls wait for in the end. */
  readonly causes: ReadonlyArray<RootCause>
}

type Id = number | string

const lineOf = ({ group, instance }: UnsettledCall): string => `${instance}/${group ?? ""}`
const labelOf = ({ id, method }: UnsettledCall): string => `${method} #${id}`

/** What each call needs one of to go on. Lines are nodes too: otherwise each waiting call would have an edge to each running one. */
const needsOf = (calls: ReadonlyMap<number, UnsettledCall>): Map<Id, ReadonlyArray<Id>> => {
  const needs = new Map<Id, ReadonlyArray<Id>>()
  const holders = new Map<string, Array<number>>()
  for (const call of calls.values()) {
    if (call.stage === "running" || call.stage === "ending") {
      const line = lineOf(call)
      const list = holders.get(line)
      if (list === undefined) holders.set(line, [call.id])
      else list.push(call.id)
    }
  }
  for (const call of calls.values()) {
    if (call.stage === "waiting") needs.set(call.id, [lineOf(call)])
    else needs.set(call.id, call.stage === "suspended" ? [] : call.waitingOn.map(({ ref }) => ref))
  }
  for (const [line, ids] of holders) needs.set(line, ids)
  return needs
}

/** The nodes that cannot go on, with what they need. */
const stuckAmong = (needs: ReadonlyMap<Id, ReadonlyArray<Id>>): Map<Id, ReadonlyArray<Id>> => {
  const dependents = new Map<Id, Array<Id>>()
  const going: Array<Id> = []
  for (const [id, needed] of needs) {
    if (needed.length === 0 || needed.some((one) => !needs.has(one))) going.push(id)
    for (const one of needed) {
      const list = dependents.get(one)
      if (list === undefined) dependents.set(one, [id])
      else list.push(id)
    }
  }
  const goes = new Set<Id>(going)
  for (let id = going.pop(); id !== undefined; id = going.pop()) {
    for (const dependent of dependents.get(id) ?? []) {
      if (goes.has(dependent)) continue
      goes.add(dependent)
      going.push(dependent)
    }
  }
  const stuck = new Map<Id, ReadonlyArray<Id>>()
  for (const [id, needed] of needs) {
    if (!goes.has(id)) stuck.set(id, needed)
  }
  return stuck
}

/** The cycles of a graph in which every node has a successor: a walk from each node until it meets itself. */
const cyclesOf = (stuck: ReadonlyMap<Id, ReadonlyArray<Id>>): Array<Array<Id>> => {
  const cycles: Array<Array<Id>> = []
  const done = new Set<Id>()
  for (const start of stuck.keys()) {
    const path: Array<Id> = []
    const place = new Map<Id, number>()
    let at: Id = start
    while (!done.has(at) && !place.has(at)) {
      place.set(at, path.length)
      path.push(at)
      at = stuck.get(at)![0]!
    }
    if (place.has(at)) cycles.push(path.slice(place.get(at)))
    for (const id of path) done.add(id)
  }
  return cycles
}

interface MutableEdge {
  from: number
  to: number
  calls: number
  since: number
  kind: WaitEdge["kind"]
  example: string
}

const rank = { free: 0, stuck: 1, cycle: 2 }

export const waitsOf = (unsettled: ReadonlyArray<UnsettledCall>, at: number): Waits => {
  const calls = new Map(unsettled.map((call) => [call.id, call]))
  const stuck = stuckAmong(needsOf(calls))
  const cycles = stuck.size === 0 ? [] : cyclesOf(stuck)
  const inCycle = new Set(cycles.flat())
  const edges = new Map<string, MutableEdge>()
  const nodes = new Map<number, { instance: number; actor: string; calls: number; inLine: number; cycle: boolean }>()
  const touch = (call: UnsettledCall) => {
    const { actor, instance } = call
    const node = nodes.get(instance) ?? { instance, actor, calls: 0, inLine: 0, cycle: false }
    nodes.set(instance, node)
    if (inCycle.has(call.id)) node.cycle = true
    return node
  }
  for (const call of calls.values()) {
    const others = call.waitingOn.map(({ ref }) => calls.get(ref)).filter((other) => other !== undefined)
    if (others.length > 0) touch(call).calls++
    for (const other of others) {
      touch(other)
      const cycle = inCycle.has(call.id) && inCycle.has(other.id)
      const kind = cycle ? "cycle" : stuck.has(call.id) ? "stuck" : "free"
      const id = `${call.instance}>${other.instance}`
      const edge = edges.get(id)
      const example = `${labelOf(call)} waits for ${labelOf(other)}`
      if (edge === undefined) {
        edges.set(id, { from: call.instance, to: other.instance, calls: 1, since: call.since, kind, example })
        continue
      }
      edge.calls++
      edge.since = Math.min(edge.since, call.since)
      if (rank[kind] > rank[edge.kind]) {
        edge.kind = kind
        edge.example = example
      }
    }
  }
  for (const { instance, stage } of calls.values()) {
    const node = nodes.get(instance)
    if (node !== undefined && (stage === "waiting" || stage === "suspended")) node.inLine++
  }
  return {
    nodes: [...nodes.values()],
    edges: [...edges.values()],
    cycles: cycles.map((ids) => told(ids, calls)),
    causes: causesOf(unsettled, at)
  }
}

/** A cycle in words: `A.f #1`, `B.g #2`, `A.h #3 in line`, `A.f #1`. */
const told = (ids: ReadonlyArray<Id>, calls: ReadonlyMap<number, UnsettledCall>): Array<string> => {
  const words: Array<string> = []
  for (const id of ids) {
    const call = typeof id === "number" ? calls.get(id) : undefined
    if (call !== undefined) words.push(call.stage === "waiting" ? `${labelOf(call)} in line` : labelOf(call))
  }
  return words.length === 0 ? words : [...words, words[0]!]
}
