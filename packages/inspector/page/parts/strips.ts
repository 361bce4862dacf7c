/** Where the timeline draws calls: one strip per instance, with a lane for each call at a time. No DOM in here. */
import type { Bar } from "../../src/internal/live/frame.ts"
import type { RecentCalls, Span } from "../model/recentCalls.ts"

export const LANE = 10
/** The band above the lanes of a strip: the more calls wait, the stronger its color. */
export const BAND = 5
const STRIP_GAP = 8
const TOP = 24
const MOST_LANES = 12
const MOST_STRIPS = 40
/**
 * How far the times of two calls may overlap although one ran after the other, in milliseconds: those of running calls
 * are dated by the wall clock, those of settled ones by a clock that only goes forwards.
 */
const ASTRAY = 1000
/** The same for two settled calls: times are sums, and rounded. */
const ROUNDED = 0.01

export interface Strip {
  readonly label: string
  readonly lanes: Array<Array<Bar>>
  readonly waits: Array<Bar>
  /** How many calls there is no lane for. */
  hidden: number
  failed: number
  /** The longest time that one of its calls has run, in milliseconds. */
  longest: number
  top: number
}

/** What is known of an instance besides its calls. */
export interface StripOf {
  readonly label: string
  /** How many calls of it can run at a time. */
  readonly limit: number
}

export interface LayoutOptions {
  readonly of: (bar: Bar) => StripOf
  /** The height that labels need above their strips. */
  readonly above: number
}

export interface Layout {
  readonly strips: ReadonlyArray<Strip>
  /** How many instances there was no room for, and how many calls of theirs. */
  readonly left: { readonly instances: number; readonly calls: number; readonly failed: number }
}

/** The strips from top to bottom, by name. If there are many, those that fail, then those with the longest calls. */
export const layOut = ({ bars, running }: RecentCalls, span: Span, { above, of }: LayoutOptions): Layout => {
  const strips = new Map<number, Strip>()
  const shown = [...bars.filter(({ ended }) => ended! >= span.from), ...running].filter(
    ({ submitted }) => submitted <= span.to
  )
  shown.sort((a, b) => (a.started ?? a.submitted) - (b.started ?? b.submitted))
  for (const bar of shown) {
    const { label, limit } = of(bar)
    let strip = strips.get(bar.instance)
    if (strip === undefined) {
      strip = { label, lanes: [], waits: [], hidden: 0, failed: 0, longest: 0, top: 0 }
      strips.set(bar.instance, strip)
    }
    add(strip, bar, span, limit)
  }
  const ranked = [...strips.values()].sort((a, b) => b.failed - a.failed || b.longest - a.longest || byLabel(a, b))
  const chosen = ranked.slice(0, MOST_STRIPS).sort(byLabel)
  let top = TOP
  for (const strip of chosen) {
    strip.top = top + above
    top += above + heightOf(strip) + STRIP_GAP
  }
  const left = ranked.slice(MOST_STRIPS)
  const sum = (of: (strip: Strip) => number) => left.reduce((sum, strip) => sum + of(strip), 0)
  return { strips: chosen, left: { instances: left.length, calls: sum(callsOf), failed: sum(({ failed }) => failed) } }
}

const byLabel = (a: Strip, b: Strip): number => (a.label < b.label ? -1 : a.label > b.label ? 1 : 0)

const callsOf = ({ hidden, lanes, waits }: Strip): number =>
  lanes.reduce((sum, lane) => sum + lane.length, hidden) + waits.filter(({ started }) => started === undefined).length

const add = (strip: Strip, bar: Bar, { from, now, to }: Span, limit: number): void => {
  const { ended = now, started, submitted } = bar
  if (isBad(bar)) strip.failed++
  // A call that never started is in the band only.
  if (started === undefined) return void strip.waits.push(bar)
  strip.longest = Math.max(strip.longest, ended - started)
  if (started - submitted > (to - from) / 1000) strip.waits.push(bar)
  const lane = laneFor(strip.lanes, started, now, limit)
  if (lane !== undefined) lane.push(bar)
  else if (strip.lanes.length < MOST_LANES) strip.lanes.push([bar])
  else strip.hidden++
}

/** The first lane that is free. If as many are taken as calls can run, it is the one that is free next. */
const laneFor = (lanes: Strip["lanes"], started: number, now: number, limit: number): Array<Bar> | undefined => {
  const endOf = (lane: ReadonlyArray<Bar>) => lane.at(-1)!.ended ?? now
  const free = lanes.find((lane) => endOf(lane) <= started + ROUNDED)
  if (free !== undefined || lanes.length < limit) return free
  const next = lanes.reduce((a, b) => (endOf(b) < endOf(a) ? b : a))
  return endOf(next) <= started + ASTRAY ? next : undefined
}

const heightOf = ({ lanes }: Strip): number => Math.max(BAND + lanes.length * LANE, 14)

/** The height of all strips together. */
export const totalHeight = (strips: ReadonlyArray<Strip>): number => {
  const last = strips.at(-1)
  return last === undefined ? 0 : last.top + heightOf(last) + STRIP_GAP + 8
}

export const isBad = ({ outcome }: Bar): boolean =>
  outcome !== undefined && outcome !== "succeeded" && outcome !== "cancelled"
