/**
 * The state that all pages share while at least one is open.
 *
 * Each change has the version in which it came. A page says which version it has, and gets what came after it.
 */
import type * as ActorSystem from "@troupe/core/ActorSystem"
import type { Frame, News, Recent } from "./frame.ts"
import { labelOf, placeOf, Rows } from "./rows.ts"
import { Stats } from "./stats.ts"
import { type Waits, waitsOf } from "./waits.ts"

const MOST_NEWS = 300

type Told = News & { readonly version: number }

export class Live {
  version = 0
  waits: Waits = { nodes: [], edges: [], circles: [] }
  readonly stats = new Stats()
  private readonly rows = new Rows()
  private readonly news: Array<Told> = []
  private lastNews = 0
  private latest: ActorSystem.Snapshot | undefined = undefined
  private letters = ""
  private lettersVersion = 0
  private interval = 0
  /** What it cost to make the state, in milliseconds. */
  cost = 0
  /** The present frame as text, by the version after which it tells: pages that keep up share it. */
  private readonly encoded = new Map<number, string>()

  /** Hears of everything that happens, on the stack of whoever does it. */
  hear(event: ActorSystem.Event): void {
    switch (event._tag) {
      case "Settled":
        return this.stats.settled(event)
      case "InstanceRestarting":
        return this.tell(event, "restarting", event.error)
      case "InstanceRestarted":
        return this.tell(event, "restarted", `restart ${event.restarts} of this instance`)
      case "InstanceDied":
        return this.tell(event, "died", withError(event.why, event.error))
    }
  }

  private tell(about: Pick<News, "actor" | "instance" | "at">, kind: News["kind"], text: string, label?: string): void {
    const { actor, at, instance } = about
    const name = label ?? labelOf(this.rows.get(instance) ?? { actor, id: instance })
    this.news.push({ seq: ++this.lastNews, at, actor, instance, label: name, kind, text, version: this.version + 1 })
    if (this.news.length >= 2 * MOST_NEWS) this.news.splice(0, this.news.length - MOST_NEWS)
  }

  /** Takes in what there is now. */
  update(snapshot: ActorSystem.Snapshot, interval: number): void {
    if (this.latest === undefined) this.recall(snapshot)
    const version = this.version + 1
    this.rows.update(snapshot.instances, version, (row, from, to) =>
      this.tell({ actor: row.actor, instance: row.id, at: snapshot.at }, "moved", `${placeOf(from)} → ${placeOf(to)}`)
    )
    this.waits = waitsOf(snapshot.calls)
    const last = snapshot.deadLetters.at(-1)
    const letters = `${snapshot.deadLetters.length} ${last?.id} ${last?.at}`
    if (letters !== this.letters) this.lettersVersion = version
    this.letters = letters
    this.stats.tick(snapshot.at)
    this.stats.version = version + 1
    this.latest = snapshot
    this.interval = interval
    this.version = version
    this.encoded.clear()
  }

  /** The deaths from before anybody watched. */
  private recall({ instances }: ActorSystem.Snapshot): void {
    for (const it of instances) {
      if (it.death === undefined) continue
      const about = { actor: it.actor, instance: it.instance, at: it.death.at }
      this.tell(about, "died", withError(it.death.why, it.death.error), labelOf({ ...it, id: it.instance }))
    }
  }

  /** What came after a version, as text. */
  since(version: number): string {
    const known = this.encoded.get(version)
    if (known !== undefined) return known
    const text = JSON.stringify(this.frame(version))
    this.encoded.set(version, text)
    return text
  }

  private frame(since: number): Frame {
    const { at, deadLetters, totals } = this.latest!
    const { gone, reset, rows } = this.rows.since(since)
    const fresh = (version: number) => reset || version > since
    return {
      version: this.version,
      at,
      reset,
      interval: this.interval,
      rows,
      gone,
      methods: this.stats.rowsSince(reset ? 0 : since),
      news: this.news.filter((one) => fresh(one.version) && one.version <= this.version),
      deadLetters: fresh(this.lettersVersion) ? deadLetters : undefined,
      totals,
      circles: this.waits.circles.length,
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

const withError = (why: string, error: string | undefined): string => (error === undefined ? why : `${why}: ${error}`)
