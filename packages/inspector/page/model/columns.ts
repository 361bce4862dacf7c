/** The columns of the list. No DOM in here. */
import type { Order } from "./lines.ts"
import type { Model } from "./model.ts"

/** The list can be sorted by each column. */
export type Column = Exclude<Order, "busiest" | "errorRate" | "newest">

/** Columns that have nothing to tell, and are hidden. */
export const emptyColumns = ({ all, methods }: Model): ReadonlyArray<Column> => {
  const isTimed = [...methods.values()].some((some) => [...some.values()].some(({ row }) => row.calls > 0))
  const empty: Partial<Record<Column, boolean>> = {
    p50: !isTimed,
    p99: !isTimed,
    split: !isTimed,
    refused: all.refused === 0,
    restarts: all.restarts === 0,
    place: all.items.every(({ row }) => row.home === undefined)
  }
  return (Object.keys(empty) as Array<Column>).filter((column) => empty[column])
}
