/** The view of all nodes: how each of them does, and where the instances of each actor are. */
import type { ClusterView, Counts, Move, NodeView, StoredView } from "../../src/internal/live/frame.ts"
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
    const { cluster, place } = this.page.state
    if (place.tab === "nodes" && cluster !== undefined) show(byId("view-nodes"), ...content(cluster))
  }
}

const content = ({ moves, nodes, stored }: ClusterView): ReadonlyArray<HTMLElement> => [
  h("h2", {}, format.plural(nodes.length, "node")),
  scrolling("Nodes", nodeTable(nodes)),
  ...(stored === undefined ? [] : storedWork(stored)),
  h("h2", {}, "Instances by node"),
  scrolling("Instances by node", actorTable(nodes)),
  h("h2", {}, "Moves"),
  moves.length === 0
    ? h("p.note", {}, "Nothing has moved since this view was opened.")
    : h("ol.events", {}, ...moves.map(moveItem))
]

const moveItem = ({ at, seq, text }: Move): HTMLElement =>
  h("li.event.move", { "data-key": seq }, h("time", {}, format.clock(at)), h("div", {}, text))

/** What the storage holds: calls without a result, and reminders. */
const storedWork = (stored: StoredView): ReadonlyArray<HTMLElement> => {
  const title = h("h2", {}, "Stored work")
  if ("why" in stored) return [title, h("p.error", {}, `The storage does not answer: ${stored.why}`)]
  const { abandoned, due, failing, set } = stored.reminders
  const reminders = `${format.plural(set, "reminder")}: ${format.count(due)} due, ${format.count(failing)} failing, ${format.count(abandoned)} abandoned`
  return [
    title,
    stored.calls.length === 0
      ? h("p.note", {}, "No durable call is without a result.")
      : scrolling("Stored work", callTable(stored)),
    h("p.note.nodes", {}, set === 0 ? "No reminder is set." : reminders)
  ]
}

const callTable = ({ at, calls }: Extract<StoredView, { readonly calls: unknown }>): HTMLElement =>
  h(
    "table.data.nodes",
    {},
    head("Durable calls without a result", ["Stored", "Not read yet", "Oldest"]),
    h(
      "tbody",
      {},
      ...calls.map(({ actor, calls, oldest, waiting }) =>
        row(actor, [
          number(calls),
          number(waiting, ".waits"),
          h("td.number", { title: format.clock(oldest) }, format.duration(Math.max(0, at - oldest)))
        ])
      )
    )
  )

const scrolling = (label: string, table: HTMLElement): HTMLElement =>
  h("div.scrolling", { tabindex: 0, role: "region", "aria-label": label }, table)

/** What its cluster calls it, or what it calls itself. */
const nameOf = ({ address, node, summary }: NodeView): string =>
  summary === undefined ? (node ?? address) : (summary.node ?? `${summary.title} · pid ${summary.pid}`)

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
