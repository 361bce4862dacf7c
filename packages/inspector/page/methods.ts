/** The table of an actor's methods. */
import { h } from "./dom.ts"
import * as format from "./format.ts"
import type { Method } from "./model.ts"
import { shares } from "./spark.ts"

export const methodTable = (methods: ReadonlyArray<Method>): HTMLElement =>
  methods.length === 0
    ? h("p.note", {}, "No call has settled since this page was opened.")
    : h(
        "div.scrolling",
        { tabindex: 0, role: "region", "aria-label": "Methods" },
        h(
          "table.data.methods",
          {},
          h("thead", {}, h("tr", {}, ...["Method", "calls/s", "errors", "p50", "p99", "waits p99", ""].map(head))),
          h("tbody", {}, ...methods.map(methodRow))
        )
      )

const head = (text: string, i: number): HTMLElement => h(i === 0 ? "th" : "th.number", { scope: "col" }, text)

const methodRow = ({ rate, row }: Method): HTMLElement => {
  const { calls, cancelled, errors, method, p50, p99, ran, wait99, waited } = row
  const average = calls === 0 ? 0 : waited / calls
  const told = `${format.plural(calls, "call")}, ${cancelled} cancelled; on average ${format.duration(average)} waiting, ${format.duration(calls === 0 ? 0 : ran / calls)} running`
  return h(
    "tr",
    { title: told },
    h("th", { scope: "row" }, method),
    h("td.number", {}, format.rate(rate)),
    h(errors > 0 ? "td.number.bad" : "td.number", {}, format.count(errors)),
    h("td.number", {}, format.duration(p50)),
    h("td.number", {}, format.duration(p99)),
    h("td.number", {}, format.duration(wait99)),
    h("td", {}, shares(waited, ran))
  )
}
