/** The view of actors: the list, and the fields that search, filter, sort and group it. */
import type { Filter, Line, Order } from "../model/lines.ts"
import { linesOf } from "../model/lines.ts"
import type { By } from "../model/model.ts"
import type { Page, View } from "../page.ts"
import { byId, h, show } from "../parts/dom.ts"
import { List } from "./list.ts"

export class ActorsView implements View {
  private readonly page: Page
  private readonly list: List
  /** Lines keep their order for a while, so that nothing moves away under the reader's hand. */
  private order: ReadonlyMap<string, number> | undefined
  private orderedAt = 0

  constructor(page: Page) {
    this.page = page
    this.list = new List(byId("list"), byId("rows"), {
      onOpen: (group) => page.change({ _tag: "Toggled", group }),
      onSelect: (line) =>
        page.select(line.kind === "group" ? { actor: line.group.actor } : { instance: line.item.row.id })
    })
    byId("tools").addEventListener("submit", (event) => event.preventDefault())
    for (const id of ["search", "filter", "order", "by"]) {
      byId(id).addEventListener("input", () => {
        this.order = undefined
        page.draw()
      })
    }
    byId("search").addEventListener("keydown", ({ key }) => {
      if (key === "ArrowDown") byId("list").focus()
    })
  }

  draw(): void {
    const { model, open, place } = this.page.state
    if (place.tab !== "actors") return
    const search = byId<HTMLInputElement>("search").value
    const filter = value<Filter>("filter")
    const by = value<By>("by")
    const lines = this.steady(linesOf(model, { by, search, filter, order: value<Order>("order"), open }))
    this.list.show(lines, model, selectedLine(place.selection))
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

const selectedLine = (selection: Page["state"]["place"]["selection"]): string => {
  if (selection === undefined) return ""
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
