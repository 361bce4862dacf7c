/**
 * What snapshots cannot tell, only events: times and outcomes by method, and the last calls.
 *
 * While a page is open it hears of every call, or of a sample if there are very many. So it allocates nothing for most of
 * them, and everything has a bound.
 */
import type { Event, UnsettledCall } from "@troupe/core/ActorSystem"
import { methodOf } from "../base/names.ts"
import type { Bar, MethodRow } from "./frame.ts"
import { Histogram } from "./histogram.ts"

type Settled = Extract<Event, { readonly _tag: "Settled" }>
type Refused = Extract<Event, { readonly _tag: "Refused" }>

/** Methods beyond this are counted together. */
const MOST_METHODS = 500
const OTHERS = "(others)"
/** How many settled calls are kept for the timeline. */
const MOST_BARS = 6000
/**
 * How many of them may be from the same tenth of a second, so that a busy second does not push out all others. There is
 * as much room again for those that matter: that went wrong, or ran for longer than that.
 */
const BARS_PER_SLICE = 120
const SLICE = 100
/** The length of a quantile window, in milliseconds. */
const WINDOW = 15_000

class Method {
  calls = 0
  errors = 0
  cancelled = 0
  refused = 0
  unsettled = 0
  waited = 0
  ran = 0
  /** The same since the last update, not yet weighted: it may be a sample. */
  private heard = { calls: 0, errors: 0, cancelled: 0, refused: 0, waited: 0, ran: 0 }
  changed = 0
  readonly running = new Histogram()
  readonly waiting = new Histogram()
  readonly actor: string
  readonly method: string

  constructor(actor: string, method: string) {
    this.actor = actor
    this.method = method
  }

  note({ outcome, ran, waited }: Settled): void {
    const { heard } = this
    heard.calls++
    if (outcome === "cancelled") heard.cancelled++
    else if (outcome !== "succeeded") heard.errors++
    // It was in flight before we listened, so its times are unknown.
    if (ran === undefined && outcome === "succeeded") return
    heard.waited += waited
    this.waiting.record(waited)
    if (ran === undefined) return
    heard.ran += ran
    this.running.record(ran)
  }

  noteRefused(): void {
    this.heard.refused++
  }

  /** Adds what was heard to the totals. Each call that was heard of stands for `weight` calls. */
  count(weight: number): void {
    const { heard } = this
    if (heard.calls === 0 && heard.refused === 0) return
    this.calls += Math.round(heard.calls * weight)
    this.errors += Math.round(heard.errors * weight)
    this.cancelled += Math.round(heard.cancelled * weight)
    this.refused += Math.round(heard.refused * weight)
    this.waited += heard.waited * weight
    this.ran += heard.ran * weight
    heard.calls = heard.errors = heard.cancelled = heard.refused = heard.waited = heard.ran = 0
  }

  toRow(): MethodRow {
    const [p50, p99] = this.running.quantiles([0.5, 0.99])
    const [wait50, wait99] = this.waiting.quantiles([0.5, 0.99])
    return {
      actor: this.actor,
      method: this.method,
      calls: this.calls,
      errors: this.errors,
      cancelled: this.cancelled,
      refused: this.refused,
      unsettled: this.unsettled,
      waited: this.waited,
      ran: this.ran,
      p50: p50!,
      p99: p99!,
      wait50: wait50!,
      wait99: wait99!
    }
  }
}

export class Stats {
  /** By actor and name. */
  private readonly byActor = new Map<string, Map<string, Method>>()
  private readonly methods: Array<Method> = []
  private turned = Number.NEGATIVE_INFINITY
  /** The version of the next frame, which will tell of what is noted now. */
  version = 1

  private readonly bars: Array<Bar> = []
  private lastBar = 0
  private slice = 0
  private inSlice = 0
  dropped = 0

  /** How many settled and refused calls were heard of since the last update. */
  heard = 0

  settled(event: Settled): void {
    this.heard++
    const method = this.methodOf(event.actor, event.name)
    method.changed = this.version
    method.note(event)
    this.keep(event)
  }

  refused(event: Refused): void {
    this.heard++
    const method = this.methodOf(event.actor, event.name)
    method.changed = this.version
    method.noteRefused()
  }

  private methodOf(actor: string, name: string): Method {
    const known = this.byActor.get(actor)?.get(name)
    if (known !== undefined) return known
    if (this.methods.length >= MOST_METHODS && name !== OTHERS) return this.methodOf("", OTHERS)
    const methods = this.byActor.get(actor) ?? new Map<string, Method>()
    const method = new Method(actor, name)
    methods.set(name, method)
    this.byActor.set(actor, methods)
    this.methods.push(method)
    return method
  }

  /** Counts the calls of each method that have not settled. A method may have no others. */
  unsettled(calls: ReadonlyArray<UnsettledCall>): void {
    const counts = new Map<Method, number>()
    for (const call of calls) {
      const method = this.methodOf(call.actor, methodOf(call))
      counts.set(method, (counts.get(method) ?? 0) + 1)
    }
    for (const method of this.methods) {
      const count = counts.get(method) ?? 0
      if (count !== method.unsettled) method.changed = this.version
      method.unsettled = count
    }
  }

  private keep(event: Settled): void {
    const slice = Math.floor(event.at / SLICE)
    if (slice !== this.slice) {
      this.slice = slice
      this.inSlice = 0
    }
    const { actor, at, call, instance, method, outcome, ran, waited } = event
    const matters = (outcome !== "succeeded" && outcome !== "cancelled") || (ran ?? 0) > SLICE
    if (this.inSlice >= (matters ? 2 : 1) * BARS_PER_SLICE) {
      this.dropped++
      return
    }
    this.inSlice++
    const started = ran === undefined ? undefined : at - ran
    const submitted = (started ?? at) - waited
    const seq = ++this.lastBar
    const begun = started !== undefined && { started }
    this.bars.push({ seq, call, instance, actor, method, submitted, ...begun, ended: at, outcome })
    if (this.bars.length >= 2 * MOST_BARS) this.bars.splice(0, this.bars.length - MOST_BARS)
  }

  /** The settled calls after the one with this number, and the number of the last. */
  barsSince(seq: number): { readonly seq: number; readonly settled: ReadonlyArray<Bar> } {
    const first = this.bars[0]?.seq ?? 0
    // The page has an older process's number: it has outlived a restart.
    const from = seq > this.lastBar ? 0 : Math.max(0, seq - first + 1)
    return { seq: this.lastBar, settled: this.bars.slice(from).slice(-MOST_BARS) }
  }

  /** Closes the time since the last update. `now` is monotonic. */
  tick(now: number, weight: number): void {
    for (const method of this.methods) method.count(weight)
    this.heard = 0
    this.turn(now)
  }

  /** Starts a new quantile window when it is time. That changes all methods. */
  private turn(now: number): void {
    if (now - this.turned < WINDOW) return
    this.turned = now
    for (const method of this.methods) {
      method.running.turn()
      method.waiting.turn()
      method.changed = this.version
    }
  }

  /** The methods that have changed after a version. */
  rowsSince(version: number): ReadonlyArray<MethodRow> {
    const rows: Array<MethodRow> = []
    for (const method of this.methods) if (method.changed > version) rows.push(method.toRow())
    return rows
  }
}
