/** Turns the events of a timeline into lines of text: lanes for a terminal, a log for everything else. */
import type { Terminal } from "effect"
import type { Style } from "../Screen.ts"
import type { Event } from "./Timeline.ts"

export interface View {
  readonly events: ReadonlyArray<Event>
  readonly lanes: ReadonlyArray<string>
  /** The width of the timeline, in milliseconds. It stretches when the program takes longer. */
  readonly span: number
  /** The present, in milliseconds on the same clock as the events. */
  readonly now: number
  readonly size: Terminal.Size
  readonly style: Style
}

/** One lane per call and a line of totals. Lanes that do not fit below each other share the lines. */
export const drawLanes = (view: View): ReadonlyArray<string> => {
  const { lanes, size, style } = view
  const columns = [1, 2].find((n) => Math.ceil(lanes.length / n) <= size.rows - 2) ?? 3
  const rows = Math.ceil(lanes.length / columns)
  const nameWidth = Math.max(...lanes.map((name) => name.length))
  const timeWidth = columns === 1 ? 8 : 0
  // Spans of equal length look equal when the width has many divisors.
  const room = Math.min(Math.floor((size.columns - 2) / columns) - nameWidth - timeWidth - 3, 60)
  const barWidth = Math.max(Math.floor(room / 10) * 10, 10)
  const draw = laneDrawer(view, barWidth)
  const lines = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => lanes[column * rows + row])
      .filter((name) => name !== undefined)
      .map((name) => {
        const { bar, time } = draw(name)
        return `  ${style.dim(name.padStart(nameWidth))} ${bar}${columns === 1 ? style.dim(time.padStart(timeWidth)) : ""}`
      })
      .join("")
  )
  return [...lines, `  ${style.dim(totals(view))}`]
}

const laneDrawer = ({ events, lanes, span, now, style }: View, width: number) => {
  const start = events[0]?.at ?? now
  const perCell = Math.max(span, now - start) / width
  const lastEvent = new Map<string, { from: number; event: Event }>()
  for (const event of events) {
    lastEvent.set(event.lane, {
      from: lastEvent.get(event.lane)?.from ?? event.at,
      event
    })
  }
  const allEnded = lanes.every((name) => (lastEvent.get(name)?.event.type ?? "start") !== "start")

  return (name: string): { readonly bar: string; readonly time: string } => {
    const lane = lastEvent.get(name)
    const from = lane?.from ?? now
    const to = lane === undefined || lane.event.type === "start" ? now : lane.event.at
    const cell = (at: number) => Math.min(Math.round((at - start) / perCell), width)
    const dots = cell(from)
    // However short the work was, it leaves a mark.
    const work = lane === undefined ? 0 : Math.max(cell(to) - dots, allEnded || to > from ? 1 : 0)
    const paint = lane?.event.type === "end" ? style.green : lane?.event.type === "failure" ? style.red : style.cyan
    return {
      bar:
        style.dim("·".repeat(dots)) +
        paint("━".repeat(Math.min(work, width - dots))) +
        " ".repeat(Math.max(width - dots - work, 0)),
      time: lane === undefined ? "" : `${seconds(to - from)} s`
    }
  }
}

const totals = ({ events, lanes, now }: View): string => {
  const begun = events.filter((event) => event.type === "start").length
  const over = events.length - begun
  const time = seconds(now - (events[0]?.at ?? now))
  if (over === lanes.length) return `${over} calls ended in ${seconds(events.at(-1)!.at - events[0]!.at)} s`
  return `${time} s   ${begun - over} running   ${over} ended   ${lanes.length - begun} not started`
}

const seconds = (millis: number): string => (millis / 1000).toFixed(1)

/** The log of events that happened at about the same time: which calls ended, which started. */
export const logLines = (events: ReadonlyArray<Event>, start: number): ReadonlyArray<string> => {
  const at = `${seconds((events[0]?.at ?? start) - start)} s`
  return (["end", "failure", "start"] as const)
    .map((type) => ({
      type,
      lanes: events.filter((event) => event.type === type).map((event) => event.lane)
    }))
    .filter(({ lanes }) => lanes.length > 0)
    .map(({ type, lanes }, i) => `  ${(i === 0 ? at : "").padStart(6)}  ${type.padEnd(7)}  ${ranges(lanes)}`)
}

/** Writes consecutive numbers among the names as ranges: `1-10`. */
const ranges = (names: ReadonlyArray<string>): string => {
  const parts: Array<{ first: string; last: string }> = []
  for (const name of names) {
    const before = parts.at(-1)
    if (before !== undefined && Number(name) === Number(before.last) + 1) before.last = name
    else parts.push({ first: name, last: name })
  }
  return parts.map(({ first, last }) => (first === last ? first : `${first}-${last}`)).join(", ")
}
