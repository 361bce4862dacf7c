/**
 * The state that all pages share while at least one is open.
 *
 * Each change has the version in which it came. A page says which version it has, and gets what came after it.
 */
import type * as ActorSystem from "@troupe/core/ActorSystem"
import type { Frame, Recent } from "./frame.ts"
import { NewsDesk } from "./news.ts"
import { Rows } from "./rows.ts"
import { Stats } from "./stats.ts"
import { type Waits, waitsOf } from "./waits.ts"

/** How a state came about. */
export interface About {
  /** Milliseconds until the next one. */
  readonly interval: number
  /** How many calls each of those that were heard of stands for: more than one, if only a sample was. */
  readonly weight: number
  /** When it was made, in milliseconds by a clock that only goes forwards. */
  readonly moment: number
}

const encoder = new TextEncoder()

export class Live {
  version = 0
  waits: Waits = { nodes: [], edges: [], cycles: [] }
  readonly stats = new Stats()
  private readonly rows = new Rows()
  private readonly news = new NewsDesk()
  private latest: ActorSystem.Snapshot | undefined = undefined
  private letters = ""
  private lettersVersion = 0
  private watchedSince = 0
  private about: About = { interval: 0, weight: 1, moment: 0 }
  /** What it cost to make the state, and to write it down for pages, in milliseconds. */
  cost = 0
  /** The part of it that writing down has taken since the last update. */
  encoding = 0
  /** The present frame as an event for pages, by the version after which it tells: pages that keep up share it. */
  private readonly encoded = new Map<number, Uint8Array>()

  /** Hears of calls, on the stack of whoever makes them. */
  hear(event: ActorSystem.Event): void {
    if (event._tag === "Settled") this.stats.settled(event)
    else if (event._tag === "Refused") this.stats.refused(event)
  }

  /** Takes in what there is now. */
  update(snapshot: ActorSystem.Snapshot, about: About): void {
    const version = this.version + 1
    if (this.latest === undefined) this.watchedSince = snapshot.at
    const comparison = { version, at: snapshot.at, before: this.latest?.at }
    this.rows.update(snapshot.instances, version, (before, now, instance) =>
      this.news.compare(before, now, instance, comparison)
    )
    this.waits = waitsOf(snapshot.calls)
    const last = snapshot.deadLetters.at(-1)
    const letters = `${snapshot.deadLetters.length} ${last?.id} ${last?.at}`
    if (letters !== this.letters) this.lettersVersion = version
    this.letters = letters
    this.stats.tick(about.moment, about.weight)
    this.stats.version = version + 1
    this.latest = snapshot
    this.about = about
    this.version = version
    this.encoded.clear()
  }

  /** What came after a version, as the bytes of a server-sent event. */
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
      deadLetters: this.lettersVersion > from ? deadLetters : undefined,
      totals,
      cycles: this.waits.cycles.length,
      cost: this.cost
    }
  }

  /** What the timeline draws: calls that settled after the one with this number, and those that run now. */
  recent(seq: number, snapshot: ActorSystem.Snapshot): Recent {
    const under = snapshot.calls
      .filter(({ stage }) => stage === "running" || stage === "ending")
      .map(({ actor, id, instance, method, since }) => {
        return { seq: 0, call: id, instance, actor, method, submitted: since, started: since }
      })
    return { at: snapshot.at, dropped: this.stats.dropped, under, ...this.stats.barsSince(seq) }
  }
}
