/**
 * What happened to instances, for people: restarts with their reasons, deaths, moves.
 *
 * It is read off the difference between two snapshots, so it costs calls nothing, and nothing is missed when a page
 * opens late: only, what happens twice between two updates is told once, and of what was before it is not always known
 * when that was.
 */
import type { Instance } from "@troupe/core/ActorSystem"
import { MOST_OF_AN_ERROR, shown } from "../base/shown.ts"
import type { News, Row } from "./frame.ts"
import { hasMoved, labelOf, placeOf } from "./rows.ts"

const MOST_NEWS = 300

type Told = News & { readonly version: number }

/** The snapshot that is compared, and when the one before it was made, if there was one. */
export interface Looks {
  readonly version: number
  readonly at: number
  readonly before: number | undefined
}

export class NewsDesk {
  private readonly told: Array<Told> = []
  private last = 0

  /** An instance was like this before, or not there, and is like that now. */
  compare(before: Row | undefined, now: Row, instance: Instance, looks: Looks): void {
    const tell = (kind: News["kind"], text: string, at: number | undefined) => {
      const { actor, id } = now
      const told = { seq: ++this.last, actor, instance: id, label: labelOf(now), kind, text, version: looks.version }
      this.told.push(at === undefined ? told : { ...told, at })
    }
    // It was there while nobody watched: what it has done since it was started may be long ago.
    const isOld = before === undefined && !(looks.before !== undefined && instance.since >= looks.before)
    const when = isOld ? undefined : looks.at
    const reason = instance.lastError === undefined ? "" : shown(instance.lastError.message, MOST_OF_AN_ERROR)
    const restarts = now.restarts - (before?.restarts ?? 0)
    const began = now.state === "restarting" && before?.state !== "restarting"
    if (restarts > 0) {
      // Of an instance that was there before anybody watched, only the last error is known, which may be another one.
      const times = restarts === 1 ? "" : `${restarts} times`
      const text = [times, isOld ? "before this page was opened" : reason].filter(Boolean).join(": ")
      tell("restarted", text || "once", when)
    }
    if (began) tell("restarting", reason || "its home was lost", when)
    if (instance.death !== undefined && before?.death === undefined) {
      const { at, error, why } = instance.death
      tell("died", shown(error === undefined ? why : `${why}: ${error}`, MOST_OF_AN_ERROR), at)
    }
    if (before?.home !== undefined && now.home !== undefined && hasMoved(before.home, now.home)) {
      tell("moved", `${placeOf(before.home)} → ${placeOf(now.home)}`, when)
    }
    if (this.told.length >= 2 * MOST_NEWS) this.told.splice(0, this.told.length - MOST_NEWS)
  }

  /** What was told after a version. */
  since(version: number): ReadonlyArray<News> {
    return this.told.filter((one) => one.version > version)
  }
}
