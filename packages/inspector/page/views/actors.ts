/** The view of actors: the list, and the fields that search, filter, sort and group it. */
import type { Filter, Line, Order } from "../model/lines.ts"
import { linesOf } from "../model/lines.ts"
import { type By, Item, type Model } from "../model/model.ts"
import type { Page, View } from "../page.ts"
import { byId, h, setText, show } from "../parts/dom.ts"
import * as format from "../parts/format.ts"
import type { State } from "../state.ts"
import { List } from "./list.ts"

export class ActorsView implements View {
  private readonly page: Page
  private readonly list: List
  /** Lines keep their order for a while, so that nothing moves away under the reader's hand. */
  private order: ReadonlyMap<string, number> | undefined
  private orderedAt = 0
  private reverse = false

  constructor(page: Page) {
    this.page = page
    this.list = new List(byId("list"), byId("rows"), {
      onOpen: (group) => page.change({ _tag: "Toggled", group }),
      onSelect: (line) =>
        page.select(line.kind === "group" ? { actor: line.group.actor } : { instance: line.item.row.id }),
      onSort: (order) => this.sort(order)
    })
    byId("tools").addEventListener("submit", (event) => event.preventDefault())
    for (const id of ["filter", "order", "by"]) byId(id).addEventListener("input", () => this.reorder(false))
    byId<HTMLInputElement>("search").addEventListener("input", () => {
      this.order = undefined
      page.change({ _tag: "Searched", search: value("search") })
      page.ask()
    })
    byId("search").addEventListener("keydown", ({ key }) => {
      if (key === "ArrowDown") byId("list").focus()
    })
  }

  /** By the column that was clicked; the other way around, if that was so already. */
  private sort(order: Order): void {
    const isAgain = value("order") === order
    byId<HTMLSelectElement>("order").value = order
    this.reorder(isAgain && !this.reverse)
  }

  private reorder(reverse: boolean): void {
    this.reverse = reverse
    this.order = undefined
    this.page.draw()
  }

  draw(): void {
    const { model, open, place, search } = this.page.state
    if (place.tab !== "actors") return
    const { reverse } = this
    const filter = value<Filter>("filter")
    const by = value<By>("by")
    const order = value<Order>("order")
    const found = foundItems(this.page.state)
    const lines = this.steady(linesOf(model, { by, search, filter, order, reverse, open, found }))
    this.list.show(lines, model, selectedLine(place.selection), { order, reverse })
    byId("partial").hidden = !model.isPartial
    if (model.isPartial) setText(byId("partial"), partialText(this.page.state))
    // There is nothing to group by if all instances are in one place.
    byId("by-label").hidden = model.places.size < 2 && by === "actor"
    show(byId("nothing"), ...(lines.length === 0 ? emptiness(model.items.size, search.trim(), filter) : []))
  }

  private steady(lines: Array<Line>): ReadonlyArray<Line> {
    const isBusy = byId("list").matches(":hover, :focus-within")
    const { order } = this
    const isOld = performance.now() - this.orderedAt > (isBusy ? 20_000 : 4000)
    if (order !== undefined && !isOld && value("order") !== "name") {
      return sortTree(lines, ({ id }) => order.get(id) ?? Number.MAX_SAFE_INTEGER)
    }
    this.order = new Map(lines.map(({ id }, i) => [id, i]))
    this.orderedAt = performance.now()
    return lines
  }
}

const value = <A extends string>(id: string): A => byId<HTMLSelectElement>(id).value as A

const foundItems = ({ found, search }: State): ReadonlyArray<Item> =>
  found === undefined || search.trim() === "" ? [] : found.rows.map((row) => new Item(row))

/** What is in the list, if that is not everything. */
const partialText = ({ found, model, search }: State): string => {
  if (search.trim() === "" || found === undefined) return `${partOf(model)} A search looks through all of them.`
  const { rows, total } = found
  const of = `of ${format.exact(model.listed)} instances`
  if (total <= rows.length) return `All ${of} were searched: ${format.plural(total, "match", "matches")}.`
  return `All ${of} were searched: the list has the first ${format.exact(rows.length)} of ${format.exact(total)} matches.`
}

const partOf = ({ items, listed }: Model): string =>
  `The list has the first ${format.exact(items.size)} of ${format.exact(listed)} instances, those with calls ` +
  "before idle ones, and the figures are of these."

const selectedLine = (selection: Page["state"]["place"]["selection"]): string => {
  if (selection === undefined || "trace" in selection) return ""
  return "actor" in selection ? `g${selection.actor}` : `i${selection.instance}`
}

/** Sorts groups, and the instances below each. */
const sortTree = (lines: ReadonlyArray<Line>, key: (line: Line) => number): ReadonlyArray<Line> => {
  const tops: Array<{ readonly line: Line; readonly below: Array<Line> }> = []
  for (const line of lines) {
    if (line.kind === "item") tops.at(-1)?.below.push(line)
    else tops.push({ line, below: [] })
  }
  tops.sort((a, b) => key(a.line) - key(b.line))
  return tops.flatMap(({ below, line }) => [line, ...below.sort((a, b) => key(a) - key(b))])
}

const filtered: Record<Filter, string> = {
  all: "instances",
  busy: "busy instances",
  waiting: "instances with a queue",
  failing: "failing instances",
  dead: "dead instances"
}

/** Why the list is empty, and what could fill it. */
const emptiness = (instances: number, search: string, filter: Filter): ReadonlyArray<HTMLElement> => {
  if (instances === 0) {
    return [
      h("p", {}, "No actor has been started yet. The list fills as the program starts them."),
      h("p.note", {}, "The page shows the ActorSystem in context where Inspector.layer is built.")
    ]
  }
  if (search === "") return [h("p", {}, `There are no ${filtered[filter]} right now.`)]
  return [
    h("p", {}, `Nothing matches "${search}".`),
    ...(filter === "all" ? [] : [h("p.note", {}, `Only ${filtered[filter]} are shown.`)])
  ]
}
