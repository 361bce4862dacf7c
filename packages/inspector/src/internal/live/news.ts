/**
 * What happened to instances: restarts with their reasons, deaths, moves.
 *
 * It is the difference between two snapshots, so it costs calls nothing, and a page that opens late misses nothing. Two
 * restarts between two updates are one piece of news, though, and when something happened before the first page was
 * opened is not always known.
 */
import type { Instance } from "@troupe/core/ActorSystem"
import { MOST_OF_AN_ERROR, shown } from "../base/shown.ts"
import type { News, Row } from "./frame.ts"
import { hasMoved, labelOf, placeOf } from "./rows.ts"

const MOST_NEWS = 300

type Told = News & { readonly version: number }

/** The snapshot that is compared, and when the one before it was made, if there was one. */
export interface Comparison {
  readonly version: number
  readonly at: number
  readonly before: number | undefined
}

export class NewsDesk {
  private readonly told: Array<Told> = []
  private last = 0

  /** Compares an instance with what it was, if it was there. */
  compare(before: Row | undefined, now: Row, instance: Instance, comparison: Comparison): void {
    const tell = (kind: News["kind"], text: string, at: number | undefined) => {
      const { actor, id } = now
      const told = {
        seq: ++this.last,
        actor,
        instance: id,
        label: labelOf(now),
        kind,
        text,
        version: comparison.version
      }
      this.told.push(at === undefined ? told : { ...told, at })
    }
    // It was there before the first page was opened, so what it has done may be long ago.
    const isOld = before === undefined && !(comparison.before !== undefined && instance.since >= comparison.before)
    const when = isOld ? undefined : comparison.at
    const reason = instance.lastError === undefined ? "" : shown(instance.lastError.message, MOST_OF_AN_ERROR)
    const restarts = now.restarts - (before?.restarts ?? 0)
    const began = now.state === "restarting" && before?.state !== "restarting"
    if (restarts > 0) tell("restarted", restartText(restarts, isOld, reason), when)
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

/** Of an instance that was there before the first page was opened, the last error need not be the reason. */
const restartText = (restarts: number, isOld: boolean, reason: string): string => {
  const times = restarts === 1 ? "" : `${restarts} times`
  if (isOld) return `${times} before this page was opened`.trim()
  return [times, reason].filter(Boolean).join(": ") || "once"
}
