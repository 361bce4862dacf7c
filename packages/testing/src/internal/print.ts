/**
 * A failing schedule as people read it: who did what, in which order, in lines that fit a terminal.
 */
import { plural } from "./show.ts"
import { sourceLine } from "./source.ts"
import { type Place, samePlace, type TraceEvent } from "./trace.ts"

export const WIDTH = 100
const LABEL_WIDTH = 26
/** How many notes on one and the same are shown in a row. */
const NOTES = 40
/** How many rows of one thread are shown in a row, and how many in all. */
const GROUP = 8
const TOTAL = 64
/** Where a simulation says what happens, each of its lines may be the one that matters. */
const TOTAL_OF_SIMULATION = 200

interface Row {
  readonly label: string
  readonly text: string
  /** How much time passes here, in milliseconds. */
  readonly later?: number
  readonly noted?: boolean
}

export const cut = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`

/** What tells labels apart is at their end. */
const cutLeft = (text: string, width: number): string =>
  text.length <= width ? text : `…${text.slice(text.length - width + 1)}`

const round = (n: number): number => Number(n.toPrecision(3))

const where = ({ file, line }: Place): string => `${file.replace(/^.*[\\/]/, "")}:${line}`

const at = (place: Place): string => `${where(place)}  ${sourceLine(place) ?? ""}`.trimEnd()

const duration = (millis: number): string =>
  millis < 1000
    ? `${round(millis)} ms`
    : millis < 120_000
      ? `${round(millis / 1000)} s`
      : `${round(millis / 60_000)} min`

const later = (millis: number): Row => ({ label: "", text: `-- ${duration(millis)} later --`, later: millis })

const rowOf = (event: TraceEvent): Row | undefined => {
  switch (event._tag) {
    case "At":
      return event.place && { label: event.thread.name, text: at(event.place) }
    case "Preempted":
      return {
        label: event.thread.name,
        text: `  -- preempted before ${event.place === undefined ? `operation ${event.operation}` : at(event.place)}`
      }
    case "Call":
      return event.what === "submits"
        ? { label: event.thread.name, text: `submits ${event.call}` }
        : { label: event.call, text: event.what }
    case "Note":
      return { label: event.who, text: event.what, noted: true }
    case "Time":
      return later(event.to - event.from)
  }
}

/** A line of source that is many operations is one row, unless somebody else was there in between. */
const rowsOf = (events: ReadonlyArray<TraceEvent>): Array<Row> => {
  let last: TraceEvent | undefined
  return events.flatMap((event) => {
    if (event._tag === "At" && event.place !== undefined) {
      const before = last
      last = event
      if (before?._tag === "At" && before.thread === event.thread && samePlace(before.place, event.place)) return []
    } else if (event._tag !== "Call" || event.thread !== (last?._tag === "At" ? last.thread : undefined))
      last = undefined
    return rowOf(event) ?? []
  })
}

/** Time that passes in steps passes once, where all that is seen in between is the same line again, which polls. */
const joined = (rows: ReadonlyArray<Row>): Array<Row> => {
  const joined: Array<Row> = []
  for (const row of rows) {
    const [line, time] = [joined.at(-2), joined.at(-1)]
    if (time?.later === undefined) joined.push(row)
    else if (row.later !== undefined) joined[joined.length - 1] = later(time.later + row.later)
    else if (row.noted || row.label !== line?.label || row.text !== line.text) joined.push(row)
  }
  return joined
}

/** Rows that follow each other and have the same label. */
const grouped = (rows: ReadonlyArray<Row>): Array<Array<Row>> => {
  const groups: Array<Array<Row>> = []
  for (const row of rows) {
    const last = groups[groups.length - 1]
    if (last !== undefined && last[0]!.label === row.label) last.push(row)
    else groups.push([row])
  }
  return groups
}

const shortened = <A>(items: ReadonlyArray<A>, max: number, more: (count: number) => A): ReadonlyArray<A> => {
  if (items.length <= max) return items
  const tail = Math.ceil((max - 1) * 0.6)
  const head = max - 1 - tail
  return [...items.slice(0, head), more(items.length - head - tail), ...items.slice(items.length - tail)]
}

/** The interleaving, one line per event. */
export const interleaving = (events: ReadonlyArray<TraceEvent>): ReadonlyArray<string> => {
  const rows = joined(rowsOf(events))
  const width = Math.min(LABEL_WIDTH, Math.max(0, ...rows.map(({ label }) => label.length)))
  const lines = grouped(rows).flatMap((group) =>
    shortened(group, group[0]!.noted ? NOTES : GROUP, (count) => ({
      label: group[0]!.label,
      text: `… ${count} more …`
    })).map(({ label, text }, i) => {
      const head = i === 0 ? cutLeft(label, width) : ""
      return cut(`  ${head.padEnd(width)}  ${text}`, WIDTH).trimEnd()
    })
  )
  const total = events.some(({ _tag }) => _tag === "Note") ? TOTAL_OF_SIMULATION : TOTAL
  return shortened(lines, total, (count) => `  … ${plural(count, "more line")} …`)
}
