/**
 * The instances as the page knows them, each with the version in which it last changed: a client gets what is new to it,
 * however long it has been away.
 */
import type { Instance, Permits } from "@troupe/core/ActorSystem"
import { shown } from "../base/shown.ts"
import type { HomeFacts, Row } from "./frame.ts"

/** How many departures are remembered. A client that has missed more of them starts over. */
const MOST_GONE = 20_000

interface Entry {
  row: Row
  version: number
  seen: number
}

const add = (permits: Iterable<Permits>, what: "running" | "waiting"): number => {
  let sum = 0
  for (const one of permits) sum += one[what]
  return sum
}

export const rowOf = (it: Instance): Row => {
  const groups = Object.values(it.groups)
  const running = it.permits.running + add(groups, "running")
  const { settled } = it
  return {
    id: it.instance,
    actor: it.actor,
    ...(it.name !== undefined && { name: shown(it.name) }),
    ...(it.key !== undefined && { key: shown(it.key) }),
    state: it.state,
    since: it.since,
    running,
    waiting: Math.max(0, it.pending - running) + it.suspended,
    ...(it.permits.limit !== undefined && { limit: it.permits.limit }),
    ...(groups.length > 0 && lanesOf([it.permits, ...groups])),
    good: settled.succeeded,
    bad: settled.failed + settled.died + settled.timedOut + settled.unavailable + settled.actorDied,
    refused: it.refused,
    restarts: it.restarts,
    ...(it.death !== undefined && { death: it.death.why }),
    ...(it.home !== undefined && { home: factsOf(it.home) })
  }
}

const lanesOf = (permits: ReadonlyArray<Permits>): { readonly lanes?: number } => {
  const lanes = permits.reduce((sum, { limit = Infinity }) => sum + limit, 0)
  return lanes === Infinity ? {} : { lanes }
}

/** Strings, numbers and booleans only: a home is foreign code, and may tell of things that JSON cannot hold. */
const factsOf = (home: HomeFacts): HomeFacts => {
  const facts: Record<string, string | number | boolean> = {}
  for (const [name, fact] of Object.entries(home)) {
    if (typeof fact === "string") facts[shown(name)] = shown(fact)
    else if (typeof fact === "number" || typeof fact === "boolean") facts[shown(name)] = fact
  }
  return facts
}

/** What people call an instance. */
export const labelOf = ({ actor, id, key, name }: Pick<Row, "actor" | "id" | "key" | "name">): string =>
  key !== undefined ? `${actor}(${key})` : name !== undefined ? `${actor} “${name}”` : `${actor} #${id}`

const sameHome = (a: HomeFacts | undefined, b: HomeFacts | undefined): boolean => {
  if (a === undefined || b === undefined) return a === b
  for (const fact in b) if (a[fact] !== b[fact]) return false
  return true
}

const same = (a: Row, b: Row): boolean =>
  a.running === b.running &&
  a.waiting === b.waiting &&
  a.good === b.good &&
  a.bad === b.bad &&
  a.refused === b.refused &&
  a.state === b.state &&
  a.restarts === b.restarts &&
  a.limit === b.limit &&
  a.lanes === b.lanes &&
  a.death === b.death &&
  sameHome(a.home, b.home)

export class Rows {
  private readonly entries = new Map<number, Entry>()
  private gone: Array<{ readonly id: number; readonly version: number }> = []
  /** Departures up to this version are forgotten. */
  private horizon = 0

  /** Takes in a snapshot, and reports the instances that have changed. */
  update(
    instances: ReadonlyArray<Instance>,
    version: number,
    changed: (before: Row | undefined, now: Row, instance: Instance) => void
  ): void {
    for (const instance of instances) {
      const row = rowOf(instance)
      const entry = this.entries.get(row.id)
      if (entry === undefined) {
        this.entries.set(row.id, { row, version, seen: version })
        changed(undefined, row, instance)
        continue
      }
      entry.seen = version
      if (same(entry.row, row)) continue
      changed(entry.row, row, instance)
      entry.row = row
      entry.version = version
    }
    for (const [id, { seen }] of this.entries) if (seen !== version) this.leave(id, version)
  }

  private leave(id: number, version: number): void {
    this.entries.delete(id)
    this.gone.push({ id, version })
    if (this.gone.length < 2 * MOST_GONE) return
    const forgotten = this.gone.length - MOST_GONE
    this.horizon = this.gone[forgotten - 1]!.version
    this.gone = this.gone.slice(forgotten)
  }

  get(id: number): Row | undefined {
    return this.entries.get(id)?.row
  }

  since(version: number): { readonly reset: boolean; readonly rows: Array<Row>; readonly gone: Array<number> } {
    const reset = version === 0 || version < this.horizon
    const rows: Array<Row> = []
    for (const entry of this.entries.values()) if (reset || entry.version > version) rows.push(entry.row)
    const gone = reset ? [] : this.gone.filter((one) => one.version > version).map(({ id }) => id)
    return { reset, rows, gone }
  }
}

/** The facts of a home that say where it is, as opposed to how it does. */
const PLACES = ["node", "runner", "address", "shard", "threadId", "thread"]

export const hasMoved = (from: HomeFacts, to: HomeFacts): boolean =>
  PLACES.some((fact) => fact in from && fact in to && from[fact] !== to[fact])

export const placeOf = (home: HomeFacts): string =>
  PLACES.filter((fact) => fact in home)
    .map((fact) => `${fact} ${String(home[fact])}`)
    .join(", ")
