/**
 * A table that fits into a width: the least important columns make room first.
 */
import { cut, pad, type Style, widthOf } from "./text.ts"

export interface Cell {
  readonly text: string
  readonly paint?: ((text: string) => string) | undefined
}

export interface Column<Row> {
  readonly title: string
  readonly align: "left" | "right"
  /** If there is no room for all columns, those with the lowest numbers go first. */
  readonly worth: number
  /** The column may be cut to this width before another one goes. Without it, the column is never cut. */
  readonly least?: number
  /** How it is cut. By default at its end. */
  readonly cut?: (text: string, width: number) => string
  readonly cell: (row: Row) => Cell | string
}

interface Sized<Row> {
  readonly column: Column<Row>
  readonly cells: ReadonlyArray<Cell>
  readonly width: number
  readonly least: number
}

const GAP = 2

const sized = <Row>(column: Column<Row>, rows: ReadonlyArray<Row>): Sized<Row> => {
  const cells = rows.map(column.cell).map((cell) => (typeof cell === "string" ? { text: cell } : cell))
  const width = cells.reduce((most, { text }) => Math.max(most, widthOf(text)), column.title.length)
  return { column, cells, width, least: Math.min(width, column.least ?? width) }
}

const total = (widths: ReadonlyArray<number>): number => widths.reduce((sum, width) => sum + width + GAP, -GAP)

/** The columns that fit at their least widths. */
const fitting = <Row>(columns: ReadonlyArray<Sized<Row>>, width: number): ReadonlyArray<Sized<Row>> => {
  let kept = [...columns]
  while (kept.length > 1 && total(kept.map(({ least }) => least)) > width) {
    const worst = kept.reduce((a, b) => (b.column.worth < a.column.worth ? b : a))
    kept = kept.filter((one) => one !== worst)
  }
  return kept
}

/** Gives the room that is left to the columns that would be cut, in order of worth. */
const widthsOf = <Row>(columns: ReadonlyArray<Sized<Row>>, width: number): ReadonlyMap<Sized<Row>, number> => {
  let left = Math.max(0, width - total(columns.map(({ least }) => least)))
  const widths = new Map<Sized<Row>, number>()
  for (const one of [...columns].sort((a, b) => b.column.worth - a.column.worth)) {
    const more = Math.min(left, one.width - one.least)
    widths.set(one, Math.min(width, one.least + more))
    left -= more
  }
  return widths
}

/** The head of the table and its rows, as lines of at most `width` characters. Empty columns are left out. */
export const table = <Row>(
  columns: ReadonlyArray<Column<Row>>,
  rows: ReadonlyArray<Row>,
  width: number,
  style: Style
): ReadonlyArray<string> => {
  const filled = columns
    .map((column) => sized(column, rows))
    .filter(({ cells }) => cells.some(({ text }) => text !== "") || rows.length === 0)
  const shown = fitting(filled, width)
  const widths = widthsOf(shown, width)
  const line = (cell: (one: Sized<Row>) => Cell) =>
    shown
      .map((one, index) => {
        const { paint = (text: string) => text, text } = cell(one)
        const room = widths.get(one)!
        const short = (one.column.cut ?? cut)(text, room)
        // Nothing follows the last column, so it needs no padding.
        const last = index === shown.length - 1 && one.column.align === "left"
        return paint(last ? short : pad(short, room, one.column.align))
      })
      .join(" ".repeat(GAP))
      .trimEnd()
  const head = line(({ column }) => ({ text: column.title, paint: style.bold }))
  return [head, ...rows.map((_, index) => line(({ cells }) => cells[index]!))]
}
