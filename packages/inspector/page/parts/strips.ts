/** Where the timeline draws calls: one strip per instance, with a lane for each call at a time. No DOM in here. */
import type { Bar } from "../../src/internal/live/frame.ts"
import type { RecentCalls, Span } from "../model/recentCalls.ts"

export const LANE = 10
/** The band above the lanes of a strip: the more calls wait, the stronger its color. */
export const BAND = 5
const STRIP_GAP = 8
const TOP = 24
const MOST_LANES = 12
const MOST_STRIPS = 80

export interface Strip {
  readonly label: string
  readonly lanes: Array<Array<Bar>>
  readonly waits: Array<Bar>
  /** How many calls there is no lane for. */
  hidden: number
  top: number
}

export type LabelOf = (instance: number, actor: string) => string

/** The strips from top to bottom. */
export const layOut = ({ bars, running }: RecentCalls, span: Span, labelOf: LabelOf): ReadonlyArray<Strip> => {
  const strips = new Map<number, Strip>()
  const shown = [...bars.filter(({ ended }) => ended! >= span.from), ...running].filter(
    ({ submitted }) => submitted <= span.to
  )
  shown.sort((a, b) => (a.started ?? a.submitted) - (b.started ?? b.submitted))
  for (const bar of shown) {
    let strip = strips.get(bar.instance)
    if (strip === undefined) {
      strip = { label: labelOf(bar.instance, bar.actor), lanes: [], waits: [], hidden: 0, top: 0 }
      strips.set(bar.instance, strip)
    }
    add(strip, bar, span)
  }
  const sorted = [...strips.values()].sort((a, b) => (a.label < b.label ? -1 : 1)).slice(0, MOST_STRIPS)
  let top = TOP
  for (const strip of sorted) {
    strip.top = top
    top += heightOf(strip) + STRIP_GAP
  }
  return sorted
}

const add = (strip: Strip, bar: Bar, { from, now, to }: Span): void => {
  const { started, submitted } = bar
  // A call that never started is in the band only.
  if (started === undefined) return void strip.waits.push(bar)
  if (started - submitted > (to - from) / 1000) strip.waits.push(bar)
  const lane = strip.lanes.find((lane) => (lane.at(-1)!.ended ?? now) <= started)
  if (lane !== undefined) lane.push(bar)
  else if (strip.lanes.length < MOST_LANES) strip.lanes.push([bar])
  else strip.hidden++
}

const heightOf = ({ lanes }: Strip): number => Math.max(BAND + lanes.length * LANE, 14)

/** The height of all strips together. */
export const totalHeight = (strips: ReadonlyArray<Strip>): number => {
  const last = strips.at(-1)
  return last === undefined ? 0 : last.top + heightOf(last) + STRIP_GAP + 8
}

export const isBad = ({ outcome }: Bar): boolean =>
  outcome !== undefined && outcome !== "succeeded" && outcome !== "cancelled"
