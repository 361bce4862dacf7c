/** What the page knows: the instances and methods that it was told of, and what follows from them. No DOM in here. */
import type { DeadLetter } from "@troupe/core/ActorSystem"
import type { Frame, MethodRow, News, Row } from "../../src/internal/live/frame.ts"
import { Track } from "./track.ts"

/** What instances are put together by. */
export type By = "actor" | "place"

export interface Figures {
  running: number
  waiting: number
  /** Settled calls per second. */
  rate: number
  /** Those of them that came to a bad end. */
  badRate: number
  bad: number
  /** Submissions that were not accepted, and how many per second. */
  refused: number
  refusedRate: number
  restarts: number
  readonly depth: Track
}

export class Item implements Figures {
  row: Row
  rate = 0
  badRate = 0
  refusedRate = 0
  /** Grows with what goes on, and fades: the order of the list follows it. */
  heat = 0
  readonly depth = new Track()
  readonly lag = new Track()
  private good = 0
  private wasBad = 0
  private wasRefused = 0

  constructor(row: Row) {
    this.row = row
    this.good = row.good
    this.wasBad = row.bad
    this.wasRefused = row.refused
  }

  get running(): number {
    return this.row.running
  }
  get waiting(): number {
    return this.row.waiting
  }
  get bad(): number {
    return this.row.bad
  }
  get refused(): number {
    return this.row.refused
  }
  get restarts(): number {
    return this.row.restarts
  }

  advance(seconds: number): void {
    const { bad, good, refused, running, waiting } = this.row
    const bads = Math.max(0, bad - this.wasBad)
    this.rate = smooth(this.rate, (Math.max(0, good - this.good) + bads) / seconds)
    this.badRate = smooth(this.badRate, bads / seconds)
    this.refusedRate = smooth(this.refusedRate, Math.max(0, refused - this.wasRefused) / seconds)
    this.good = good
    this.wasBad = bad
    this.wasRefused = refused
    this.heat = smooth(this.heat, running + 2 * waiting + this.rate, 0.15)
  }
}

export class Group implements Figures {
  /** The actor, or the place, that its instances have in common. */
  readonly actor: string
  readonly by: By
  items: Array<Item> = []
  running = 0
  waiting = 0
  rate = 0
  badRate = 0
  bad = 0
  refused = 0
  refusedRate = 0
  restarts = 0
  heat = 0
  living = 0
  readonly depth = new Track()

  constructor(actor: string, by: By) {
    this.actor = actor
    this.by = by
  }

  /** Its one instance, if it is not a group worth opening. */
  get solo(): Item | undefined {
    if (this.by === "place") return undefined
    const [only, another] = this.items
    return another === undefined && only?.row.key === undefined ? only : undefined
  }

  sum(): void {
    this.running = this.waiting = this.rate = this.bad = this.badRate = this.refused = this.refusedRate = 0
    this.restarts = this.heat = this.living = 0
    for (const item of this.items) {
      this.running += item.running
      this.waiting += item.waiting
      this.rate += item.rate
      this.badRate += item.badRate
      this.bad += item.bad
      this.refused += item.refused
      this.refusedRate += item.refusedRate
      this.restarts += item.restarts
      this.heat += item.heat
      if (item.row.state !== "dead") this.living++
    }
  }
}

const smooth = (before: number, now: number, share = 0.35): number => {
  const value = before + (now - before) * share
  return value < 0.05 ? 0 : value
}

export interface Method {
  row: MethodRow
  rate: number
  errorRate: number
}

export const MOST_NEWS = 300

export class Model {
  readonly items = new Map<number, Item>()
  readonly groups = new Map<string, Group>()
  /** The same instances by where they live: nodes, threads, this process. */
  readonly places = new Map<string, Group>()
  readonly methods = new Map<string, Map<string, Method>>()
  news: Array<News> = []
  deadLetters: ReadonlyArray<DeadLetter> = []
  totals = { instances: 0, calls: 0 }
  cycles = 0
  /** The number of this update. Histories are told by it. */
  tick = 0
  at = 0
  interval = 500
  cost = 0
  /** Since when methods are counted. */
  watchedSince = 0
  /** Whether methods are told from a sample of the calls. */
  sampled = false
  readonly all = new Group("", "place")

  apply(frame: Frame): void {
    const seconds = this.at === 0 ? frame.interval / 1000 : Math.max(0.05, (frame.at - this.at) / 1000)
    if (frame.reset) this.forget()
    // Another process, or the same after nobody had watched for a while: it counts anew.
    if (frame.watchedSince !== this.watchedSince) this.methods.clear()
    this.watchedSince = frame.watchedSince
    this.tick++
    this.at = frame.at
    this.interval = frame.interval
    this.cost = frame.cost
    this.sampled = frame.sampled
    this.totals = frame.totals
    this.cycles = frame.cycles
    if (frame.deadLetters !== undefined) this.deadLetters = frame.deadLetters
    this.news = [...this.news, ...frame.news].slice(-MOST_NEWS)
    for (const id of frame.gone) this.items.delete(id)
    for (const row of frame.rows) this.take(row)
    this.advance(seconds)
    this.takeMethods(frame.methods, seconds)
  }

  /** Histories are kept: a connection that was lost for a moment should not empty the page. */
  private forget(): void {
    this.news = []
    const before = new Map(this.items)
    this.items.clear()
    this.kept = before
  }
  private kept = new Map<number, Item>()

  private take(row: Row): void {
    const item = this.items.get(row.id) ?? this.kept.get(row.id)
    if (item === undefined) return void this.items.set(row.id, new Item(row))
    item.row = row
    this.items.set(row.id, item)
  }

  private advance(seconds: number): void {
    this.kept.clear()
    for (const item of this.items.values()) {
      item.advance(seconds)
      item.depth.push(this.tick, item.waiting)
      const lag = lagOf(item.row)
      if (lag !== undefined) item.lag.push(this.tick, lag)
    }
    this.gather(this.groups, "actor", ({ actor }) => actor)
    this.gather(this.places, "place", whereOf)
    this.all.items = [...this.items.values()]
    for (const group of [...this.groups.values(), ...this.places.values(), this.all]) {
      group.sum()
      group.depth.push(this.tick, group.waiting)
    }
  }

  private gather(groups: Map<string, Group>, by: By, keyOf: (row: Row) => string): void {
    for (const group of groups.values()) group.items = []
    for (const item of this.items.values()) {
      const key = keyOf(item.row)
      const group = groups.get(key) ?? new Group(key, by)
      groups.set(key, group)
      group.items.push(item)
    }
    for (const [key, { items }] of groups) if (items.length === 0) groups.delete(key)
  }

  private takeMethods(rows: ReadonlyArray<MethodRow>, seconds: number): void {
    const told = new Set<Method>()
    for (const row of rows) {
      const methods = this.methods.get(row.actor) ?? new Map<string, Method>()
      this.methods.set(row.actor, methods)
      const known = methods.get(row.method)
      const method: Method = known ?? { row, rate: 0, errorRate: 0 }
      if (known !== undefined) {
        method.rate = smooth(method.rate, Math.max(0, row.calls - method.row.calls) / seconds)
        method.errorRate = smooth(method.errorRate, Math.max(0, row.errors - method.row.errors) / seconds)
        method.row = row
      }
      methods.set(row.method, method)
      told.add(method)
    }
    for (const methods of this.methods.values()) {
      for (const method of methods.values()) {
        if (told.has(method)) continue
        method.rate = smooth(method.rate, 0)
        method.errorRate = smooth(method.errorRate, 0)
      }
    }
  }

  /** All methods of an actor, the busiest first. */
  methodsOf(actor: string): ReadonlyArray<Method> {
    const methods = [...(this.methods.get(actor)?.values() ?? [])]
    return methods.sort((a, b) => b.row.calls - a.row.calls || (a.row.method < b.row.method ? -1 : 1))
  }

  /** Times of an actor over all of its methods: those of the method that is called most stand for the others. */
  timesOf(actor: string): { p50: number; p99: number; waited: number; ran: number } | undefined {
    const methods = this.methodsOf(actor)
    const main = methods[0]
    if (main === undefined || main.row.calls === 0) return undefined
    const sum = { waited: 0, ran: 0 }
    for (const { row } of methods) {
      sum.waited += row.waited
      sum.ran += row.ran
    }
    return { p50: main.row.p50, p99: Math.max(...methods.map(({ row }) => row.p99)), ...sum }
  }
}

/** How late the event loop of an instance's thread is, in milliseconds, if its home tells. */
export const lagOf = ({ home }: Row): number | undefined => {
  const lag = home?.lagMillis ?? home?.lagMs
  return typeof lag === "number" ? lag : undefined
}

/** The place that an instance shares with others. */
const whereOf = ({ home }: Row): string => {
  if (home === undefined) return "this process"
  const { kind, node, runner, thread } = home
  const where = node ?? runner
  if (where !== undefined) return `node ${String(where)}`
  return thread === undefined ? String(kind ?? "elsewhere") : `thread ${String(thread)}`
}

/** Where an instance lives, in few words. */
export const placeOf = ({ home }: Row): string => {
  if (home === undefined) return ""
  const { kind, lagMillis, lagMs, ...facts } = home
  const told = Object.entries(facts).map(([name, value]) => `${name} ${String(value)}`)
  return told.length === 0 ? String(kind ?? "") : told.join(" · ")
}

/** What people call the state: who could run something, but does not, is idle. */
export const stateText = ({ row: { running, state } }: Item): string =>
  state === "running" && running === 0 ? "idle" : state

export const nameOf = ({ id, key, name }: Row): string => key ?? name ?? `#${id}`

// --- the list --------------------------------------------------------------------------------------------------------

export type Filter = "all" | "busy" | "waiting" | "failing" | "dead"
export type Order = "busiest" | "name" | "waiting" | "errors" | "newest"

export interface ListOptions {
  readonly by: By
  readonly search: string
  readonly filter: Filter
  readonly order: Order
  readonly open: ReadonlySet<string>
}

export type Line =
  | {
      readonly kind: "group"
      readonly id: string
      readonly group: Group
      readonly open: boolean
      readonly shown: number
    }
  | { readonly kind: "solo"; readonly id: string; readonly group: Group; readonly item: Item }
  | { readonly kind: "item"; readonly id: string; readonly group: Group; readonly item: Item }

const passes: Record<Filter, (item: Item) => boolean> = {
  all: () => true,
  busy: ({ rate, running, waiting }) => running > 0 || waiting > 0 || rate > 0,
  waiting: ({ waiting }) => waiting > 0,
  failing: ({ badRate, refusedRate, row }) =>
    badRate > 0 || refusedRate > 0 || row.state === "restarting" || row.restarts > 0,
  dead: ({ row }) => row.state === "dead" || row.state === "stopping"
}

interface Sortable extends Figures {
  readonly heat: number
}

const collator = new Intl.Collator("en", { numeric: true })

const compare: Record<Exclude<Order, "name" | "newest">, (a: Sortable, b: Sortable) => number> = {
  busiest: (a, b) => b.heat - a.heat,
  waiting: (a, b) => b.waiting - a.waiting,
  errors: (a, b) => b.bad + b.refused - (a.bad + a.refused)
}

const sortItems = (items: Array<Item>, order: Order): Array<Item> => {
  const byName = (a: Item, b: Item) => collator.compare(nameOf(a.row), nameOf(b.row))
  if (order === "name") return items.sort(byName)
  if (order === "newest") return items.sort((a, b) => b.row.since - a.row.since || b.row.id - a.row.id)
  return items.sort((a, b) => compare[order](a, b) || byName(a, b))
}

const newest = ({ items }: Group): number => items.reduce((latest, { row }) => Math.max(latest, row.since), 0)

const sortGroups = (groups: Array<Group>, order: Order): Array<Group> => {
  const byName = (a: Group, b: Group) => collator.compare(a.actor, b.actor)
  if (order === "name") return groups.sort(byName)
  if (order === "newest") return groups.sort((a, b) => newest(b) - newest(a) || byName(a, b))
  return groups.sort((a, b) => compare[order](a, b) || byName(a, b))
}

const words = (search: string): ReadonlyArray<string> => search.toLowerCase().split(/\s+/).filter(Boolean)

/** `#12` is the instance with this number; other words may be anywhere in what it is called. */
const matches = (item: Item, search: ReadonlyArray<string>): boolean => {
  if (search.length === 0) return true
  const { actor, id, key = "", name = "" } = item.row
  const text = `${actor} ${key} ${name} ${stateText(item)} ${placeOf(item.row)}`.toLowerCase()
  return search.every((word) => (word.startsWith("#") && word === `#${id}`) || text.includes(word))
}

/** The lines of the list, from top to bottom. A search opens what it finds, unless it finds everything. */
export const linesOf = (model: Model, { by, filter, open, order, search }: ListOptions): Array<Line> => {
  const wanted = words(search)
  const lines: Array<Line> = []
  const groups = by === "place" ? model.places : model.groups
  for (const group of sortGroups([...groups.values()], order)) {
    const items = group.items.filter((item) => passes[filter](item) && matches(item, wanted))
    if (items.length === 0) continue
    const { actor, solo } = group
    if (solo !== undefined) {
      lines.push({ kind: "solo", id: `i${solo.row.id}`, group, item: solo })
      continue
    }
    const found = wanted.length > 0 && !wanted.every((word) => actor.toLowerCase().includes(word))
    const isOpen = found || open.has(actor)
    lines.push({ kind: "group", id: `g${actor}`, group, open: isOpen, shown: items.length })
    if (!isOpen) continue
    for (const item of sortItems(items, order)) lines.push({ kind: "item", id: `i${item.row.id}`, group, item })
  }
  return lines
}

// --- events ----------------------------------------------------------------------------------------------------------

/** By when it happened, not by when it was told of. What is of an unknown time is from before all that is known. */
export const newestFirst = <A extends { readonly at?: number }>(events: ReadonlyArray<A>): ReadonlyArray<A> =>
  events.toReversed().sort((a, b) => (b.at ?? 0) - (a.at ?? 0))
