/** The tree of actors and their instances. Only the lines that can be seen are in the page, however many there are. */

import {
  type Figures,
  type Group,
  type Item,
  type Line,
  lagOf,
  type Model,
  nameOf,
  placeOf,
  stateText
} from "../model/model.ts"
import { h, morph } from "../parts/dom.ts"
import * as format from "../parts/format.ts"
import { shares, sparkline } from "../parts/spark.ts"

const HEIGHT = 36
/** Lines above and below what can be seen, so that scrolling shows no gaps. */
const MARGIN = 6

export const stateOf = (item: Item): HTMLElement => {
  const text = stateText(item)
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

/** The columns: class, name, and what a pointer is told. */
const columns: ReadonlyArray<readonly [string, ReadonlyArray<HTMLElement | string>, string?]> = [
  ["name", ["Actor"]],
  ["status", ["State"]],
  ["running", ["Running"], "Calls that hold a permit"],
  ["waiting", ["Queue"], "Calls that wait: now, and in the last minute"],
  ["rate", ["Calls/s"], "Settled calls per second"],
  ["p50", ["p50"], "Half of the calls ran for less"],
  ["p99", ["p99"], "All but one in a hundred ran for less"],
  ["split", [h("i.amber"), "Wait ", h("i.teal"), "Run"], "Time that calls waited, against time that they ran"],
  ["errors", ["Errors"], "Calls that failed, died or timed out. Bold: some of them just now"],
  ["refused", ["Refused"], "Submissions that were not accepted for want of room. Bold: some of them just now"],
  ["restarts", ["Restarts"]],
  ["place", ["Home"], "Where instances live that are not in this process"]
]

const heading = (): HTMLElement =>
  h(
    "div.columns",
    { role: "row" },
    ...columns.map(([name, title, hint]) => h(`div.cell.${name}`, { role: "columnheader", title: hint }, ...title))
  )

export interface ListEvents {
  readonly onOpen: (actor: string) => void
  readonly onSelect: (line: Line) => void
}

export class List {
  private lines: ReadonlyArray<Line> = []
  private model: Model | undefined
  private current = ""
  private selected = ""
  private readonly rows = new Map<string, HTMLElement>()
  private readonly scroller: HTMLElement
  private readonly body: HTMLElement
  private readonly events: ListEvents

  constructor(scroller: HTMLElement, body: HTMLElement, events: ListEvents) {
    this.scroller = scroller
    this.body = body
    this.events = events
    scroller.prepend(heading())
    scroller.addEventListener("scroll", () => this.draw(), { passive: true })
    new ResizeObserver(() => this.draw()).observe(scroller)
    body.addEventListener("click", (event) => this.click(event))
    scroller.addEventListener("keydown", (event) => this.key(event))
  }

  show(lines: ReadonlyArray<Line>, model: Model, selected: string): void {
    this.lines = lines
    this.model = model
    this.selected = selected
    this.body.style.height = `${lines.length * HEIGHT}px`
    this.scroller.setAttribute("aria-rowcount", String(lines.length))
    // A narrow screen has room for that column only where there is something in it.
    this.scroller.classList.toggle("refusing", model.all.refused > 0)
    this.draw()
  }

  focus(): void {
    this.scroller.focus()
  }

  private draw(): void {
    const { model } = this
    if (model === undefined || this.scroller.offsetParent === null) return
    const first = Math.max(0, Math.floor((this.scroller.scrollTop - this.body.offsetTop) / HEIGHT) - MARGIN)
    const last = Math.min(this.lines.length, first + Math.ceil(this.scroller.clientHeight / HEIGHT) + 2 * MARGIN)
    const seen = new Set<string>()
    for (let i = first; i < last; i++) {
      const line = this.lines[i]!
      seen.add(line.id)
      const wanted = this.row(line, i, model)
      const row = this.rows.get(line.id)
      if (row === undefined) {
        this.rows.set(line.id, wanted)
        this.body.append(wanted)
      } else morph(row, wanted)
    }
    for (const [id, row] of this.rows) {
      if (seen.has(id)) continue
      row.remove()
      this.rows.delete(id)
    }
    if (seen.has(this.current)) this.scroller.setAttribute("aria-activedescendant", `line-${this.current}`)
    else this.scroller.removeAttribute("aria-activedescendant")
  }

  private row(line: Line, i: number, model: Model): HTMLElement {
    const { id, kind } = line
    const classes = ["row", kind]
    if (id === this.current) classes.push("current")
    if (kind !== "group" && line.item.row.state === "dead") classes.push("gone")
    return h(
      `div.${classes.join(".")}`,
      {
        id: `line-${id}`,
        role: "row",
        "data-line": i,
        "aria-rowindex": i + 1,
        "aria-level": kind === "item" ? 2 : 1,
        "aria-selected": id === this.selected ? "true" : "false",
        "aria-expanded": kind === "group" ? String(line.open) : undefined,
        style: { transform: `translateY(${i * HEIGHT}px)` }
      },
      kind === "group" ? groupCells(line, model) : itemCells(line.item, line.group, kind === "solo", model)
    )
  }

  private lineOf(event: Event): Line | undefined {
    const row = (event.target as Element).closest("[data-line]")
    return row === null ? undefined : this.lines[Number(row.getAttribute("data-line"))]
  }

  private click(event: Event): void {
    const line = this.lineOf(event)
    if (line === undefined) return
    this.current = line.id
    const twisty = (event.target as Element).closest(".twisty") !== null
    if (line.kind === "group" && twisty) this.events.onOpen(line.group.actor)
    else this.events.onSelect(line)
    this.draw()
  }

  private key(event: KeyboardEvent): void {
    const at = this.lines.findIndex(({ id }) => id === this.current)
    const line = this.lines[at]
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / HEIGHT) - 1)
    const moves: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page }
    const move = moves[event.key]
    if (move !== undefined) this.moveTo(at < 0 ? 0 : at + move)
    else if (event.key === "Home") this.moveTo(0)
    else if (event.key === "End") this.moveTo(this.lines.length - 1)
    else if (event.key === "Enter" || event.key === " ") line !== undefined && this.events.onSelect(line)
    else if (event.key === "ArrowRight") line?.kind === "group" && !line.open && this.events.onOpen(line.group.actor)
    else if (event.key === "ArrowLeft") this.close(line)
    else return
    event.preventDefault()
  }

  /** To the left: an open group closes, an instance goes to its group. */
  private close(line: Line | undefined): void {
    if (line?.kind === "group" && line.open) this.events.onOpen(line.group.actor)
    else if (line?.kind === "item") this.moveTo(this.lines.findIndex(({ id }) => id === `g${line.group.actor}`))
  }

  private moveTo(i: number): void {
    const to = Math.max(0, Math.min(this.lines.length - 1, i))
    const line = this.lines[to]
    if (line === undefined) return
    this.current = line.id
    const { clientHeight, scrollTop } = this.scroller
    const head = this.body.offsetTop
    const top = to * HEIGHT
    if (top < scrollTop) this.scroller.scrollTop = top
    else if (top + HEIGHT > scrollTop + clientHeight - head)
      this.scroller.scrollTop = top + HEIGHT - clientHeight + head
    this.draw()
  }
}

const groupCells = (line: Line & { readonly kind: "group" }, model: Model): ReadonlyArray<HTMLElement> => {
  const { group, shown } = line
  const limited = shown === group.items.length ? format.count(shown) : `${format.count(shown)} of ${group.items.length}`
  const dead = group.items.length - group.living
  return [
    cell(
      "name",
      h("span.twisty", { "aria-hidden": "true" }),
      h("span.label", { title: group.actor }, ...actorName(group.actor)),
      h("span.badge", { title: dead > 0 ? `${dead} of them dead` : "instances" }, limited)
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

const groupState = ({ items, living }: Group): HTMLElement => {
  const busy = items.filter(({ running }) => running > 0).length
  const restarting = items.filter(({ row }) => row.state === "restarting").length
  if (restarting > 0) return h("span.state.restarting", {}, h("i"), `${format.count(restarting)} restarting`)
  if (living === 0) return h("span.state.dead", {}, h("i"), "dead")
  return busy === 0
    ? h("span.state.idle", {}, h("i"), "idle")
    : h("span.state.running", {}, h("i"), `${format.count(busy)} running`)
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

/** The part before the last slash says less than the part behind it. */
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
  cell("errors", trouble(it.bad, it.badRate, "failed, died or timed out")),
  cell("refused", trouble(it.refused, it.refusedRate, "not accepted for want of room"))
]

/** What went wrong is red, and bold while it goes on. */
const trouble = (n: number, rate: number, what: string): HTMLElement => {
  if (n === 0) return h("span.zero", {}, "0")
  const now = rate > 0 ? `now ${format.rate(rate)} per second` : "none just now"
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
    { title: `${share}% of the time calls waited, ${100 - share}% they ran` },
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
