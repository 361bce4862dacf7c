/** The instances and methods that the server has told of, and the figures that follow from them. No DOM in here. */
import type { DeadLetter } from "@troupe/core/ActorSystem"
import type { FailedCall, Frame, MethodRow, News, Row, ShownCall } from "../../src/internal/live/frame.ts"
import { lagOf, whereOf } from "./row.ts"
import { Track } from "./track.ts"

/** What instances are grouped by. */
export type By = "actor" | "place"

export interface Figures {
  running: number
  waiting: number
  /** Settled calls per second. */
  rate: number
  /** Calls per second that failed, died or timed out. */
  badRate: number
  bad: number
  /** Calls that were rejected because `maxPendingCalls` was reached, and how many per second. */
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
  /** Grows with activity and fades without. The list can be sorted by it. */
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
  /** The actor or the place that its instances share. */
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

  /** Its only instance, if there is nothing more to see when it is opened. */
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

const MOST_NEWS = 300
const MOST_ERRORS = 100
const FIGURES = ["running", "rate", "badRate", "refusedRate"] as const

export class Model {
  readonly items = new Map<number, Item>()
  readonly groups = new Map<string, Group>()
  /** The same instances by place: node, thread, this process. */
  readonly places = new Map<string, Group>()
  readonly methods = new Map<string, Map<string, Method>>()
  news: Array<News> = []
  /** The calls that failed last, the newest last. */
  errors: ReadonlyArray<FailedCall> = []
  results: ReadonlyArray<ShownCall> = []
  deadLetters: ReadonlyArray<DeadLetter> = []
  totals = { instances: 0, dead: 0, calls: 0 }
  cycles = 0
  /** The number of this update, which histories count by. */
  tick = 0
  at = 0
  interval = 500
  cost = 0
  /** Since when methods are counted. */
  watchedSince = 0
  /** Whether the figures of methods are from a sample of the calls. */
  sampled = false
  readonly all = new Group("", "place")
  /** How the figures of all instances went. That of waiting calls is `all.depth`. */
  readonly history = { running: new Track(), rate: new Track(), badRate: new Track(), refusedRate: new Track() }

  apply(frame: Frame): void {
    const seconds = this.at === 0 ? frame.interval / 1000 : Math.max(0.05, (frame.at - this.at) / 1000)
    if (frame.reset) this.forget()
    // Another process, or the same one after a time without pages: it counts from zero.
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
    this.errors = [...this.errors, ...frame.errors].slice(-MOST_ERRORS)
    this.results = [...this.results, ...frame.results].slice(-MOST_ERRORS)
    for (const id of frame.gone) this.items.delete(id)
    for (const row of frame.rows) this.take(row)
    this.advance(seconds)
    this.takeMethods(frame.methods, seconds)
  }

  /** Keeps the histories: losing the connection for a moment should not empty the page. */
  private forget(): void {
    this.news = []
    this.errors = []
    this.results = []
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
    for (const name of FIGURES) this.history[name].push(this.tick, this.all[name])
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

  /** How many instances there are, dead ones included. */
  get listed(): number {
    return this.totals.instances + this.totals.dead
  }

  /** Whether there are more instances than the page is told of. */
  get isPartial(): boolean {
    return this.listed > this.items.size
  }

  /** All methods of an actor, the busiest first. */
  methodsOf(actor: string): ReadonlyArray<Method> {
    const methods = [...(this.methods.get(actor)?.values() ?? [])]
    return methods.sort((a, b) => b.row.calls - a.row.calls || (a.row.method < b.row.method ? -1 : 1))
  }

  /** Times of an actor: the median of its most called method, the p99 of its slowest one, and sums over all methods. */
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
