/** The panel about a trace: its unsettled calls, node by node. */
import type { TraceView } from "../../src/internal/live/frame.ts"
import { h } from "./dom.ts"
import * as format from "./format.ts"
import { heading, section } from "./panel.ts"

export const traceDetail = ({ nodes, trace }: TraceView): ReadonlyArray<HTMLElement> => {
  const calls = nodes.reduce((sum, node) => sum + node.calls.length, 0)
  const [own, ...others] = nodes
  const told = others.filter((node) => node.calls.length > 0 || node.why !== undefined)
  return [
    heading("Trace", `${trace} · ${format.plural(calls, "unsettled call")}`, undefined),
    ...[own!, ...told].map((node, index) => ofNode(node, index === 0))
  ]
}

const ofNode = ({ calls, node, why }: TraceView["nodes"][number], isOwn: boolean): HTMLElement =>
  section(
    isOwn ? `${node} (this node)` : node,
    why !== undefined && h("p.error", {}, why),
    why === undefined && calls.length === 0 && h("p.note", {}, "No call of this trace is unsettled here."),
    h(
      "ul.calls",
      {},
      ...calls.map(({ id, instance, method, since, stage }) =>
        h(
          `li.call.${stage === "running" || stage === "ending" ? "active" : "blocked"}`,
          { "data-key": id },
          h(
            "div.head",
            {},
            h("span.what", {}, h("span.method", {}, method), h("span.id", {}, `#${id}`)),
            h("span.since", {}, `since ${format.clock(since)}`)
          ),
          h(
            "div.sub",
            {},
            h(`span.phase.${stage}`, {}, stage),
            isOwn &&
              h("button.link", { type: "button", "data-do": "instance", "data-id": instance }, `instance #${instance}`)
          )
        )
      )
    )
  )
