/** The tree of actors and their instances. Only the visible lines are in the document, however many there are. */

import { emptyColumns } from "../model/columns.ts"
import type { Line, Order } from "../model/lines.ts"
import type { Model } from "../model/model.ts"
import { cellsOf, heading, type Sorting } from "../parts/cells.ts"
import { h, morph } from "../parts/dom.ts"

const HEIGHT = 36
/** Lines above and below the visible ones, so that scrolling shows no gaps. */
const MARGIN = 6

export interface ListEvents {
  readonly onOpen: (actor: string) => void
  readonly onSelect: (line: Line) => void
  readonly onSort: (order: Order) => void
}

export class List {
  private lines: ReadonlyArray<Line> = []
  private model: Model | undefined
  private current = ""
  private selected = ""
  private readonly rows = new Map<string, HTMLElement>()
  private readonly head = heading({ order: "busiest", reverse: false })
  private readonly scroller: HTMLElement
  private readonly body: HTMLElement
  private readonly events: ListEvents

  constructor(scroller: HTMLElement, body: HTMLElement, events: ListEvents) {
    this.scroller = scroller
    this.body = body
    this.events = events
    scroller.prepend(this.head)
    this.head.addEventListener("click", (event) => this.sort(event))
    scroller.addEventListener("scroll", () => this.draw(), { passive: true })
    new ResizeObserver(() => this.draw()).observe(scroller)
    body.addEventListener("click", (event) => this.click(event))
    scroller.addEventListener("keydown", (event) => this.key(event))
  }

  show(lines: ReadonlyArray<Line>, model: Model, selected: string, sorting: Sorting): void {
    this.lines = lines
    this.model = model
    this.selected = selected
    this.body.style.height = `${lines.length * HEIGHT}px`
    this.scroller.setAttribute("aria-rowcount", String(lines.length))
    morph(this.head, heading(sorting))
    const empty = emptyColumns(model).map((name) => `no-${name}`)
    this.scroller.className = ["grid", ...empty].join(" ")
    this.draw()
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
      cellsOf(line, model)
    )
  }

  private lineOf(event: Event): Line | undefined {
    const row = (event.target as Element).closest("[data-line]")
    return row === null ? undefined : this.lines[Number(row.getAttribute("data-line"))]
  }

  private sort(event: Event): void {
    const column = (event.target as Element).closest<HTMLElement>("[data-order]")
    if (column !== null) this.events.onSort(column.dataset.order as Order)
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
