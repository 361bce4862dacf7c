/** The cells of a line of the list: of a group, or of an instance. */
import type { Column } from "../model/columns.ts"
import type { Line, Order } from "../model/lines.ts"
import type { Figures, Group, Item, Model } from "../model/model.ts"
import { lagOf, nameOf, placeOf, stateText } from "../model/row.ts"
import { h } from "./dom.ts"
import * as format from "./format.ts"
import { shares, sparkline } from "./spark.ts"

/** The columns: name, title, and tooltip. */
const columns: ReadonlyArray<readonly [Column, ReadonlyArray<HTMLElement | string>, string?]> = [
  ["name", ["Actor"]],
  ["status", ["State"]],
  ["running", ["Running"], "Calls that hold a permit"],
  ["waiting", ["Queue"], "Waiting calls: now, and over the last minute"],
  ["rate", ["Calls/s"], "Settled calls per second"],
  ["p50", ["p50"], "Half of the calls ran for less than this"],
  ["p99", ["p99"], "99 of 100 calls ran for less than this"],
  [
    "split",
    [h("i.amber"), "Wait ", h("i.teal"), "Run"],
    "Time that calls spent waiting, against time that they spent running"
  ],
  [
    "errors",
    ["Errors"],
    "Calls that failed, died or timed out, and how many per second. Bold while there are new ones"
  ],
  ["refused", ["Refused"], "Calls rejected because maxPendingCalls was reached. Bold while there are new ones"],
  ["restarts", ["Restarts"]],
  ["place", ["Home"], "Where instances live, if not in this process"]
]

/** How the list is sorted. */
export interface Sorting {
  readonly order: Order
  readonly reverse: boolean
}

/** Names are sorted from A to Z at first, and figures from the largest to the smallest. */
const ascends = ({ order, reverse }: Sorting): boolean => ["name", "status", "place"].includes(order) !== reverse

export const heading = (sorting: Sorting): HTMLElement =>
  h("div.columns", { role: "row" }, ...columns.map((column) => headingCell(column, sorting)))

const headingCell = ([name, title, hint]: (typeof columns)[number], sorting: Sorting): HTMLElement => {
  const isSorted = name === sorting.order
  const direction = ascends(sorting) ? "ascending" : "descending"
  return h(
    `div.cell.${name}`,
    { role: "columnheader", title: hint, "aria-sort": isSorted ? direction : "none" },
    // Those who use the keyboard have the field "by", and need not pass all columns on their way to the list.
    h(`button.sort${isSorted ? `.${direction}` : ""}`, { type: "button", tabindex: -1, "data-order": name }, ...title)
  )
}

/** The cells below the heading. */
export const cellsOf = (line: Line, model: Model): ReadonlyArray<HTMLElement> =>
  line.kind === "group" ? groupCells(line, model) : itemCells(line.item, line.group, line.kind === "solo", model)

export const stateOf = (item: Item): HTMLElement => {
  const text = stateText(item.row)
  return h(`span.state.${text}`, {}, h("i", { "aria-hidden": "true" }), text)
}

const cell = (name: string, ...children: ReadonlyArray<any>): HTMLElement =>
  h(`div.cell.${name}`, { role: "gridcell" }, ...children)

const zero = (n: number, text: string): HTMLElement => h(n === 0 ? "span.zero" : "span", {}, text)

const runningCell = (figures: Figures, limit: number | undefined): HTMLElement => {
  const narrow = limit !== undefined && limit < 1000
  return cell(
    "running",
    zero(figures.running, format.count(figures.running)),
    narrow && h("span.limit", {}, ` / ${limit}`),
    narrow &&
      h(
        "span.meter",
        { "aria-hidden": "true" },
        h("i", { style: { width: `${Math.min(100, (figures.running / limit) * 100)}%` } })
      )
  )
}

const groupCells = (line: Line & { readonly kind: "group" }, model: Model): ReadonlyArray<HTMLElement> => {
  const { group, shown } = line
  const all = group.items.length
  // There may be others that the page does not know.
  const known = model.isPartial ? `${format.count(all)}+` : format.count(all)
  const limited =
    shown === all ? known : shown > all ? `${format.count(shown)} found` : `${format.count(shown)} of ${known}`
  const dead = group.items.length - group.living
  return [
    cell(
      "name",
      h("span.twisty", { "aria-hidden": "true" }),
      h("span.label", { title: group.actor }, ...actorName(group.actor)),
      h("span.badge", { title: badgeTitle(dead, model.isPartial) }, limited)
    ),
    cell("status", groupState(group)),
    runningCell(group, undefined),
    ...figures(group, model),
    ...times(group, model),
    ...troubles(group),
    cell("restarts", zero(group.restarts, format.count(group.restarts))),
    cell("place", groupPlace(group))
  ]
}

const badgeTitle = (dead: number, isPartial: boolean): string =>
  `instances${isPartial ? ", and maybe others that are not shown" : ""}${dead > 0 ? `; ${dead} of them dead` : ""}`

const groupState = ({ items, living }: Group): HTMLElement => {
  const busy = items.filter(({ running }) => running > 0).length
  const restarting = items.filter(({ row }) => row.state === "restarting").length
  if (restarting > 0)
    return h("span.state.restarting", {}, h("i"), h("span.n", {}, `${format.count(restarting)} `), "restarting")
  if (living === 0) return h("span.state.dead", {}, h("i"), "dead")
  return busy === 0
    ? h("span.state.idle", {}, h("i"), "idle")
    : h("span.state.running", {}, h("i"), h("span.n", {}, `${format.count(busy)} `), "running")
}

const itemCells = (item: Item, group: Group, solo: boolean, model: Model): ReadonlyArray<HTMLElement> => [
  cell(
    "name",
    !solo && h("span.indent"),
    solo && h("span.twisty.none"),
    h(
      "span.label",
      { title: `${item.row.actor} ${nameOf(item.row)}` },
      ...(solo ? actorName(item.row.actor) : group.by === "place" ? [...actorName(item.row.actor), " "] : []),
      !solo && h("span.key-of", {}, nameOf(item.row))
    ),
    solo && item.row.name !== undefined && h("span.given", {}, item.row.name)
  ),
  cell("status", stateOf(item)),
  runningCell(item, item.row.limit),
  ...figures(item, model),
  ...(solo ? times(group, model) : [cell("p50"), cell("p99"), cell("split")]),
  ...troubles(item),
  cell("restarts", zero(item.restarts, format.count(item.restarts))),
  cell("place", itemPlace(item))
]

/** The part up to the last slash is less important, and dimmed. */
export const actorName = (actor: string): ReadonlyArray<HTMLElement | string> => {
  const slash = actor.lastIndexOf("/")
  return slash < 0 ? [actor] : [h("span.path", {}, actor.slice(0, slash + 1)), actor.slice(slash + 1)]
}

const figures = (it: Figures, { tick }: Model): ReadonlyArray<HTMLElement> => [
  cell(
    "waiting",
    h(it.waiting === 0 ? "span.zero" : "span.now", {}, format.count(it.waiting)),
    sparkline(it.depth.read(tick), { width: 88, height: 22, tone: "amber", least: 4 })
  ),
  cell("rate", zero(it.rate, format.rate(it.rate)))
]

const troubles = (it: Figures): ReadonlyArray<HTMLElement> => [
  cell(
    "errors",
    trouble(it.bad, it.badRate, "failed, died or timed out"),
    it.badRate > 0 && h("span.per", {}, `${format.rate(it.badRate)}/s`)
  ),
  cell("refused", trouble(it.refused, it.refusedRate, "rejected because maxPendingCalls was reached"))
]

/** Errors are red, and bold while there are new ones. */
const trouble = (n: number, rate: number, what: string): HTMLElement => {
  if (n === 0) return h("span.zero", {}, "0")
  const now = rate > 0 ? `${format.rate(rate)} per second now` : "no new ones"
  return h(rate > 0 ? "span.bad.fresh" : "span.bad", { title: `${format.count(n)} ${what}; ${now}` }, format.count(n))
}

const times = (group: Group, model: Model): ReadonlyArray<HTMLElement> => {
  const known = model.timesOf(group.actor)
  if (known === undefined) return [cell("p50"), cell("p99"), cell("split")]
  const { p50, p99, ran, waited } = known
  const whole = waited + ran
  const share = whole === 0 ? 0 : Math.round((waited / whole) * 100)
  const split = h(
    "span",
    { title: `Calls spent ${share}% of the time waiting, ${100 - share}% running` },
    shares(waited, ran)
  )
  return [cell("p50", format.duration(p50)), cell("p99", format.duration(p99)), cell("split", split)]
}

const itemPlace = (item: Item): HTMLElement | string => {
  const place = placeOf(item.row)
  const lag = lagOf(item.row)
  if (place === "" && lag === undefined) return ""
  const late = lag !== undefined && lag >= 50
  return h(
    "span.home",
    { title: String(item.row.home?.kind ?? "") },
    place,
    lag !== undefined && h(late ? "span.lag.late" : "span.lag", {}, `lag ${format.duration(lag)}`)
  )
}

const groupPlace = ({ items }: Group): string => {
  const places = new Set(items.flatMap(({ row }) => (row.home === undefined ? [] : [placeOf(row)])))
  if (places.size === 0) return ""
  return places.size === 1 ? [...places][0]! : format.plural(places.size, "place")
}
