/** The view of all nodes: how each of them does, and where the instances of each actor are. */
import type { Counts, NodeView } from "../../src/internal/live/frame.ts"
import type { Page, View } from "../page.ts"
import { actorName } from "../parts/cells.ts"
import { byId, h, show } from "../parts/dom.ts"
import * as format from "../parts/format.ts"

export class NodesView implements View {
  private readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  draw(): void {
    const { nodes, place } = this.page.state
    if (place.tab === "nodes" && nodes !== undefined) show(byId("view-nodes"), ...content(nodes))
  }
}

const content = (nodes: ReadonlyArray<NodeView>): ReadonlyArray<HTMLElement> => [
  h("h2", {}, format.plural(nodes.length, "node")),
  scrolling("Nodes", nodeTable(nodes)),
  h("h2", {}, "Instances by node"),
  scrolling("Instances by node", actorTable(nodes))
]

const scrolling = (label: string, table: HTMLElement): HTMLElement =>
  h("div.scrolling", { tabindex: 0, role: "region", "aria-label": label }, table)

/** What its cluster calls it, or what it calls itself. */
const nameOf = ({ address, summary }: NodeView): string =>
  summary === undefined ? address : (summary.node ?? `${summary.title} · pid ${summary.pid}`)

const row = (name: string, cells: ReadonlyArray<HTMLElement>): HTMLElement =>
  h("tr", {}, h("th", { scope: "row" }, ...actorName(name)), ...cells)

const head = (first: string, names: ReadonlyArray<string>): HTMLElement =>
  h(
    "thead",
    {},
    h("tr", {}, h("th", { scope: "col" }, first), ...names.map((name) => h("th.number", { scope: "col" }, name)))
  )

const number = (n: number, tone = ""): HTMLElement => h(`td.number${n === 0 ? ".none" : tone}`, {}, format.count(n))

const figures = ({ bad, instances, restarts, running, waiting }: Counts): ReadonlyArray<HTMLElement> => [
  number(instances),
  number(running),
  number(waiting, ".waits"),
  number(bad, ".bad"),
  number(restarts)
]

const nodeTable = (nodes: ReadonlyArray<NodeView>): HTMLElement =>
  h(
    "table.data.nodes",
    {},
    head("Node", ["Instances", "Running", "Queue", "Errors", "Restarts", "Shards"]),
    h("tbody", {}, ...nodes.map(nodeRow))
  )

const nodeRow = (view: NodeView): HTMLElement => {
  const { summary, why } = view
  if (summary === undefined) return row(nameOf(view), [h("td.number.bad", { colspan: 6 }, why)])
  const shards = summary.shards === undefined ? "–" : format.count(summary.shards)
  const part = `There are more instances than its maxInstances: these figures are of ${format.exact(summary.instances)}`
  return h(
    "tr",
    { title: summary.partial ? part : view.address },
    h("th", { scope: "row" }, nameOf(view)),
    ...figures(summary),
    h("td.number", {}, shards)
  )
}

/** How many instances of each actor a node has. */
const actorTable = (nodes: ReadonlyArray<NodeView>): HTMLElement => {
  const known = nodes.filter(({ summary }) => summary !== undefined)
  const counts = known.map(({ summary }) => new Map(summary!.actors.map(({ actor, instances }) => [actor, instances])))
  const actors = [...new Set(counts.flatMap((some) => [...some.keys()]))].sort()
  return h(
    "table.data.nodes",
    {},
    head("Actor", known.map(nameOf)),
    h(
      "tbody",
      {},
      ...actors.map((actor) =>
        row(
          actor,
          counts.map((some) => number(some.get(actor) ?? 0))
        )
      )
    )
  )
}
