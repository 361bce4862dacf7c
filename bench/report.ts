/** What a row reports, and how it is printed. */
import type { Contender } from "./contenders/contender.ts"
import type { Timings } from "./harness.ts"

export interface Report {
  readonly tables: ReadonlyArray<Table>
  readonly targets: ReadonlyArray<Target>
}

export interface Table {
  readonly title: string
  /** The first column is text, the others are numbers. */
  readonly columns: ReadonlyArray<string>
  readonly lines: ReadonlyArray<Line>
  readonly notes?: ReadonlyArray<string>
}

export interface Line {
  readonly name: string
  readonly cells: ReadonlyArray<number | string | undefined>
  readonly note?: string | undefined
}

export interface Target {
  readonly what: string
  /** Absent when the contenders it needs were left out. */
  readonly figure: number | undefined
  readonly limit: number
  readonly rule: "at least" | "at most" | "above"
}

const met = ({ figure, limit, rule }: Target): boolean =>
  figure !== undefined && (rule === "at most" ? figure <= limit : rule === "above" ? figure > limit : figure >= limit)

/** A target without a figure is neither met nor missed. */
export const missed = (target: Target): boolean => target.figure !== undefined && !met(target)

/** Microseconds per call of every contender, with the ratios that the targets speak of. */
export const timingTable = (
  row: string,
  title: string,
  timings: Timings,
  contenders: ReadonlyArray<Contender>
): Table =>
  laneTable(
    title,
    timings,
    contenders.map(({ name, notes }) => ({ name, note: notes?.[row] }))
  )

/** The same for lanes. */
export const laneTable = (
  title: string,
  timings: Timings,
  lanes: ReadonlyArray<Pick<Line, "name" | "note">>,
  unit = "us/call"
): Table => ({
  title,
  columns: ["contender", unit, "fastest", "slowest", "x raw", "vs by hand"],
  lines: lanes.map(({ name, note }) => {
    const { median, least, most } = timings.get(name)!
    return {
      name,
      cells: [median, least, most, timeRatio(timings, name, "raw"), timeRatio(timings, "by hand", name)],
      note
    }
  })
})

/** How many times the time of `b` is the time of `a`. */
export const timeRatio = (timings: Timings, a: string, b: string): number | undefined => {
  const [x, y] = [timings.get(a), timings.get(b)]
  return x && y && x.median / y.median
}

export const fasterThan = (row: string, timings: Timings, rival: string, limit: number): Target => ({
  what: `${row}: times faster than ${rival}`,
  figure: timeRatio(timings, rival, "troupe"),
  limit,
  rule: "at least"
})

export const slowerThan = (row: string, timings: Timings, rival: string, limit: number): Target => ({
  what: `${row}: times the time of ${rival}`,
  figure: timeRatio(timings, "troupe", rival),
  limit,
  rule: "at most"
})

/** `a` takes at most so many times the time of `b`. */
export const atMost = (what: string, timings: Timings, a: string, b: string, limit: number): Target => ({
  what,
  figure: timeRatio(timings, a, b),
  limit,
  rule: "at most"
})

export const aheadOf = (row: string, timings: Timings, rivals: ReadonlyArray<string>): ReadonlyArray<Target> =>
  rivals.map((rival) => ({ ...fasterThan(row, timings, rival, 1), rule: "above" }))

export const printTable = ({ title, columns, lines, notes = [] }: Table): string => {
  const footnotes = [...new Set(lines.flatMap((line) => line.note ?? []))]
  const mark = ({ name, note }: Line) => (note === undefined ? name : `${name} [${footnotes.indexOf(note) + 1}]`)
  const body = lines.map((line) => [mark(line), ...line.cells.map(show)])
  return [
    title,
    ...align([[...columns], ...body]).map((line) => `  ${line}`),
    ...footnotes.map((note, i) => `  [${i + 1}] ${note}`),
    ...notes.map((note) => `  ${note}`),
    ""
  ].join("\n")
}

export const printTargets = (targets: ReadonlyArray<Target>): string => {
  const verdict = (target: Target) => (met(target) ? "PASS" : missed(target) ? "MISS" : "-")
  const body = targets.map((target) => [
    target.what,
    show(target.figure),
    `${target.rule} ${show(target.limit)}`,
    verdict(target)
  ])
  const lines = align([["target", "figure", "wanted", ""], ...body]).map((line) => `  ${line}`)
  const count = `  ${targets.filter(met).length} met, ${targets.filter(missed).length} missed`
  return ["targets", ...lines, count, ""].join("\n")
}

/** The first column to the left, the others to the right. */
const align = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd()
  )
}

/** Three significant digits, never in exponent notation. */
export const show = (cell: number | string | undefined): string => {
  if (cell === undefined) return "-"
  if (typeof cell === "string") return cell
  if (cell >= 100) return Math.round(cell).toLocaleString("en-US")
  return cell.toFixed(cell >= 10 ? 1 : cell >= 0.1 || cell === 0 ? 2 : 4)
}
