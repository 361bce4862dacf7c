/** The view of waits: which actor waits for which. */
import type { Waits } from "../../src/internal/live/waits.ts"
import { nameOf } from "../model/row.ts"
import type { Page, View } from "../page.ts"
import { causeList } from "../parts/causes.ts"
import { byId, h, show } from "../parts/dom.ts"
import * as format from "../parts/format.ts"
import { type Arrow, type Placed, picture } from "./graph.ts"

const WIDTH = 178
const HEIGHT = 46
const BETWEEN = 96
const ABOVE = 26
const EDGE = 24

const shorten = (text: string, most: number): string => (text.length <= most ? text : `…${text.slice(1 - most)}`)

interface Shape {
  readonly upright: boolean
}

const at = ({ x, y }: Placed, { upright }: Shape): { x: number; y: number } =>
  upright
    ? { x: EDGE + y * (WIDTH + 20), y: EDGE + x * (HEIGHT + 56) }
    : { x: EDGE + x * (WIDTH + BETWEEN), y: EDGE + y * (HEIGHT + ABOVE) }

/** Arrows to the right run from side to side; others go around below. */
const pathOf = ({ from, to }: Arrow, shape: Shape): string => {
  const a = at(from, shape)
  const b = at(to, shape)
  if (from === to) {
    const x = a.x + WIDTH - 30
    return `M${x} ${a.y} C${x - 6} ${a.y - 24} ${x + 30} ${a.y - 24} ${x + 16} ${a.y - 1}`
  }
  if (shape.upright) return uprightPath(a, b)
  if (to.x > from.x) {
    const [x1, y1, x2, y2] = [a.x + WIDTH, a.y + HEIGHT / 2, b.x, b.y + HEIGHT / 2]
    const bend = Math.max(30, (x2 - x1) / 2)
    return `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`
  }
  const [x1, y1, x2, y2] = [a.x + WIDTH / 2, a.y + HEIGHT, b.x + WIDTH / 2, b.y + HEIGHT]
  const low = Math.max(y1, y2) + 34
  return `M${x1} ${y1} C${x1} ${low} ${x2} ${low} ${x2} ${y2}`
}

const uprightPath = (a: { x: number; y: number }, b: { x: number; y: number }): string => {
  if (b.y > a.y) {
    const [x1, y1, x2, y2] = [a.x + WIDTH / 2, a.y + HEIGHT, b.x + WIDTH / 2, b.y]
    return `M${x1} ${y1} C${x1} ${y1 + 30} ${x2} ${y2 - 30} ${x2} ${y2}`
  }
  const [x1, y1, x2, y2] = [a.x + WIDTH, a.y + HEIGHT / 2, b.x + WIDTH, b.y + HEIGHT / 2]
  const far = Math.max(x1, x2) + 40
  return `M${x1} ${y1} C${far} ${y1} ${far} ${y2} ${x2} ${y2}`
}

const marker = (kind: Arrow["kind"]): HTMLElement =>
  h(
    "marker",
    {
      id: `arrow-${kind}`,
      viewBox: "0 0 8 8",
      refX: 7,
      refY: 4,
      markerWidth: 9,
      markerHeight: 9,
      markerUnits: "userSpaceOnUse",
      orient: "auto"
    },
    h(`path.${kind}`, { d: "M0 0.5L7.5 4L0 7.5Z" })
  )

const arrowOf = (arrow: Arrow, now: number, shape: Shape): HTMLElement => {
  const more = arrow.calls > 1 ? ` (${format.count(arrow.calls)} such calls)` : ""
  return h(
    `g.arrow.${arrow.kind}`,
    {},
    h("path", {
      d: pathOf(arrow, shape),
      "marker-end": `url(#arrow-${arrow.kind})`,
      "stroke-width": Math.min(4, 1.4 + Math.log2(arrow.calls) * 0.5)
    }),
    h("title", {}, `${arrow.example}${more}, for ${format.duration(Math.max(0, now - arrow.since))}`)
  )
}

const countsOf = ({ calls, inLine }: Placed): string =>
  [inLine > 0 && `${format.count(inLine)} in line`, calls > 0 && `${format.count(calls)} waiting`]
    .filter(Boolean)
    .join(", ")

const nodeOf = (node: Placed, names: (instance: number) => string, shape: Shape): HTMLElement => {
  const { x, y } = at(node, shape)
  const name = node.instance === undefined ? format.plural(node.instances, "instance") : names(node.instance)
  const counts = countsOf(node)
  const what = counts === "" ? name : `${name} · ${counts}`
  // The counts have to fit, whatever the name is.
  const shown = counts === "" ? shorten(name, 28) : `${shorten(name, Math.max(6, 25 - counts.length))} · ${counts}`
  const slash = node.actor.lastIndexOf("/")
  return h(
    node.cycle ? "g.node.cycle" : "g.node",
    {
      transform: `translate(${x} ${y})`,
      ...(node.instance !== undefined && {
        tabindex: 0,
        role: "button",
        "data-do": "instance",
        "data-id": node.instance,
        "aria-label": `${node.actor}, ${what}${node.cycle ? ", in a cycle of waits" : ""}`
      })
    },
    h("rect", { width: WIDTH, height: HEIGHT, rx: 8 }),
    h("text.actor", { x: 12, y: 20 }, shorten(node.actor.slice(slash + 1), 22)),
    h("text.what", { x: 12, y: 36 }, shown)
  )
}

const cycleOf = (calls: ReadonlyArray<string>): HTMLElement => {
  const told = calls.flatMap((call, i) => [
    i > 0 && h("span.to", { "aria-label": "waits for" }, " → "),
    h("span.step", {}, call)
  ])
  return h("li", {}, ...told)
}

const alarm = (cycles: Waits["cycles"]): HTMLElement =>
  h(
    "div.alarm",
    { role: "alert", "data-key": "alarm" },
    h("h2", {}, cycles.length === 1 ? "A cycle of waits" : `${cycles.length} cycles of waits`),
    h("p", {}, "Each of these calls waits for the next. Only a timeout, a cancellation or a kill can end this."),
    h("ul", {}, ...cycles.slice(0, 10).map(cycleOf))
  )

export class WaitsView implements View {
  private readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  draw(): void {
    const { model, place, waits } = this.page.state
    if (place.tab !== "waits" || waits === undefined) return
    const view = byId("view-waits")
    const names = (id: number): string => {
      const row = model.items.get(id)?.row
      return row === undefined ? `#${id}` : nameOf(row)
    }
    show(view, ...content(waits, { now: model.at, width: view.clientWidth, names }))
  }
}

interface Options {
  readonly now: number
  readonly width: number
  readonly names: (instance: number) => string
}

const content = (waits: Waits, options: Options): ReadonlyArray<HTMLElement> => {
  const { causes, cycles, edges } = waits
  const jams = causeList(causes, options.now)
  if (edges.length === 0) {
    return [...jams, h("p.empty", {}, "No call is waiting for a call of another actor right now.")]
  }
  const shape = { upright: options.width < 640 }
  const { arrows, columns, left, nodes, rows } = picture(waits)
  const [across, down] = shape.upright ? [rows, columns] : [columns, rows]
  const width = 2 * EDGE + across * WIDTH + (across - 1) * (shape.upright ? 20 : BETWEEN) + 20
  const height = 2 * EDGE + down * HEIGHT + (down - 1) * (shape.upright ? 56 : ABOVE) + 20
  const sorted = arrows.toSorted((a, b) => Number(a.kind === "cycle") - Number(b.kind === "cycle"))
  const drawing = h(
    "svg.waits",
    { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Which actor waits for which" },
    h("defs", {}, marker("free"), marker("stuck"), marker("cycle")),
    ...sorted.map((arrow) => arrowOf(arrow, options.now, shape)),
    ...nodes.map((node) => nodeOf(node, options.names, shape))
  )
  const legend = h(
    "p.note.legend",
    {},
    h("span.key.free", {}, "waits for"),
    h("span.key.stuck", {}, "leads to a cycle"),
    h("span.key.cycle", {}, "closes a cycle"),
    left > 0 && `and ${format.plural(left, "more actor")} not drawn for lack of room`
  )
  return [
    ...(cycles.length > 0 ? [alarm(cycles)] : []),
    ...jams,
    h("div.scrolling", { "data-key": "graph", tabindex: 0, role: "region", "aria-label": "Wait graph" }, drawing),
    legend
  ]
}
