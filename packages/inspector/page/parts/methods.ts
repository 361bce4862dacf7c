/** The table of an actor's methods. */

import type { Method } from "../model/model.ts"
import { h } from "./dom.ts"
import * as format from "./format.ts"
import { shares } from "./spark.ts"

interface Column {
  readonly name: string
  readonly cell: (method: Method) => HTMLElement
}

const number = (text: string, tone = ""): HTMLElement => h(`td.number${tone}`, {}, text)
/** A dash for a method that has not been called. */
const time = (known: Method, millis: number): HTMLElement =>
  number(known.row.calls === 0 ? "–" : format.duration(millis))
const trouble = (n: number): HTMLElement => number(format.count(n), n > 0 ? ".bad" : "")

const columns: ReadonlyArray<Column> = [
  { name: "in flight", cell: ({ row }) => number(format.count(row.unsettled), row.unsettled > 0 ? "" : ".none") },
  { name: "calls/s", cell: ({ rate }) => number(format.rate(rate)) },
  { name: "errors", cell: ({ row }) => trouble(row.errors) },
  { name: "refused", cell: ({ row }) => trouble(row.refused) },
  { name: "p50", cell: (known) => time(known, known.row.p50) },
  { name: "p99", cell: (known) => time(known, known.row.p99) },
  { name: "waits p99", cell: (known) => time(known, known.row.wait99) }
]

/** Few actors ever reject calls, and there is not much room. */
const columnsFor = (methods: ReadonlyArray<Method>): ReadonlyArray<Column> =>
  methods.some(({ row }) => row.refused > 0) ? columns : columns.filter(({ name }) => name !== "refused")

export const methodTable = (methods: ReadonlyArray<Method>): HTMLElement => {
  if (methods.length === 0) return h("p.note", {}, "No call has settled since then, and none is in flight.")
  const shown = columnsFor(methods)
  return h(
    "div.scrolling",
    { tabindex: 0, role: "region", "aria-label": "Methods" },
    h(
      "table.data.methods",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, "Method"),
          ...shown.map(({ name }) => h("th.number", { scope: "col" }, name)),
          h("th", { scope: "col" }, h("span.unseen", {}, "waiting against running"))
        )
      ),
      h("tbody", {}, ...methods.map((method) => methodRow(method, shown)))
    )
  )
}

const methodRow = (known: Method, shown: ReadonlyArray<Column>): HTMLElement => {
  const { calls, cancelled, method, ran, waited } = known.row
  const average = calls === 0 ? 0 : waited / calls
  const told = `${format.plural(calls, "call")}, ${cancelled} cancelled; on average ${format.duration(average)} waiting, ${format.duration(calls === 0 ? 0 : ran / calls)} running`
  return h(
    "tr",
    { title: told },
    h("th", { scope: "row" }, method),
    ...shown.map(({ cell }) => cell(known)),
    h("td", {}, shares(waited, ran))
  )
}
