/**
 * The state that all pages share while at least one is open.
 *
 * Each change has the version in which it came. A page says which version it has, and gets the changes after it.
 */
import type * as ActorSystem from "@troupe/core/ActorSystem"
import type { Inspect } from "../base/inspect.ts"
import { ErrorDesk } from "./errors.ts"
import type { Frame, Recent } from "./frame.ts"
import { NewsDesk } from "./news.ts"
import { ResultDesk } from "./results.ts"
import { Rows } from "./rows.ts"
import { Stats } from "./stats.ts"
import { type Waits, waitsOf } from "./waits.ts"

/** How an update was made. */
export interface About {
  /** Milliseconds until the next one. */
  readonly interval: number
  /** How many calls each call that we heard of stands for: more than one if that was a sample. */
  readonly weight: number
  /** When it was made, in milliseconds of the monotonic clock. */
  readonly moment: number
}

const encoder = new TextEncoder()

export class Live {
  version = 0
  waits: Waits = { nodes: [], edges: [], cycles: [], causes: [] }
  readonly stats = new Stats()
  readonly errors: ErrorDesk
  readonly results: ResultDesk
  private readonly rows = new Rows()
  private readonly news = new NewsDesk()
  private latest: ActorSystem.Snapshot | undefined = undefined
  private letters = ""
  private lettersVersion = 0
  private watchedSince = 0
  private about: About = { interval: 0, weight: 1, moment: 0 }
  /** Milliseconds that the last update took, including its encoding for pages. */
  cost = 0
  /** Milliseconds that encoding has taken since the last update. */
  encoding = 0
  /** The present frame as an event, by the version that it starts from: pages that keep up share it. */
  private readonly encoded = new Map<number, Uint8Array>()

  constructor(inspect?: Inspect) {
    this.errors = new ErrorDesk(inspect)
    this.results = new ResultDesk(inspect)
  }

  /** Notes a call. Runs on the stack of its caller. */
  hear(event: ActorSystem.Event): void {
    if (event._tag === "Settled") this.stats.settled(event)
    else if (event._tag === "Refused") this.stats.refused(event)
  }

  /** Takes in the present state. */
  update(snapshot: ActorSystem.Snapshot, about: About): void {
    const version = this.version + 1
    if (this.latest === undefined) this.watchedSince = snapshot.at
    const comparison = { version, at: snapshot.at, before: this.latest?.at }
    this.rows.update(snapshot.instances, version, (before, now, instance) =>
      this.news.compare(before, now, instance, comparison)
    )
    this.waits = waitsOf(snapshot.calls, snapshot.at)
    const last = snapshot.deadLetters.at(-1)
    const letters = `${snapshot.deadLetters.length} ${last?.id} ${last?.at}`
    if (letters !== this.letters) this.lettersVersion = version
    this.letters = letters
    this.errors.tell(version)
    this.results.tell(version)
    this.stats.unsettled(snapshot.calls)
    this.stats.tick(about.moment, about.weight)
    this.stats.version = version + 1
    this.latest = snapshot
    this.about = about
    this.version = version
    this.encoded.clear()
  }

  /** The changes after a version, as the bytes of a server-sent event. */
  since(version: number): Uint8Array {
    const known = this.encoded.get(version)
    if (known !== undefined) return known
    const bytes = encoder.encode(`data: ${JSON.stringify(this.frame(version))}\n\n`)
    this.encoded.set(version, bytes)
    return bytes
  }

  private frame(since: number): Frame {
    const { at, deadLetters, totals } = this.latest!
    const { gone, reset, rows } = this.rows.since(since)
    const from = reset ? 0 : since
    return {
      version: this.version,
      at,
      watchedSince: this.watchedSince,
      reset,
      interval: this.about.interval,
      sampled: this.about.weight > 1,
      rows,
      gone,
      methods: this.stats.rowsSince(from),
      news: this.news.since(from),
      errors: this.errors.since(from),
      results: this.results.since(from),
      deadLetters: this.lettersVersion > from ? deadLetters : undefined,
      totals,
      cycles: this.waits.cycles.length,
      cost: this.cost
    }
  }

  /** What the timeline draws: the calls that settled after number `seq`, and those that run now. */
  recent(seq: number, snapshot: ActorSystem.Snapshot): Recent {
    const under = snapshot.calls
      .filter(({ stage }) => stage === "running" || stage === "ending")
      .map(({ actor, id, instance, method, since }) => {
        return { seq: 0, call: id, instance, actor, method, submitted: since, started: since }
      })
    return { at: snapshot.at, dropped: this.stats.dropped, under, ...this.stats.barsSince(seq) }
  }
}
