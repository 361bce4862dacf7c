/** The table of an instance's permits, by concurrency group. */
import type { Instance, Permits } from "@troupe/core/ActorSystem"
import { h } from "./dom.ts"
import * as format from "./format.ts"

/** A dead instance has no permits and no limit. */
const noPermits = (name: string): HTMLElement =>
  h("tr", {}, h("th", { scope: "row" }, name), ...["–", "–", "", "–"].map((text) => h("td.number", {}, text)))

const permitRow = (name: string, group: string | undefined, permits: Permits, it: Instance, control: boolean) => {
  const { limit, running, waiting } = permits
  const share = limit === undefined ? 0 : Math.min(100, (running / limit) * 100)
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, name),
    h("td.number", {}, format.count(running)),
    h("td.number", {}, limit === undefined ? "no limit" : format.count(limit)),
    h("td", {}, h("span.meter", { "aria-hidden": "true" }, h("i", { style: { width: `${share}%` } }))),
    h(waiting > 0 ? "td.number.waits" : "td.number", {}, format.count(waiting)),
    control &&
      h(
        "td.resize",
        {},
        stepper("−", -1, Math.max(1, (limit ?? 2) - 1), it, group, limit === undefined || limit <= 1),
        stepper("+", 1, (limit ?? 0) + 1, it, group, limit === undefined)
      )
  )
}

const stepper = (sign: string, by: number, to: number, it: Instance, group: string | undefined, off: boolean) =>
  h(
    "button.small",
    {
      type: "button",
      disabled: off,
      "data-do": "resize",
      "data-id": it.instance,
      "data-limit": to,
      "data-group": group ?? "",
      "aria-label": `${by > 0 ? "One permit more" : "One permit less"}${group === undefined ? "" : ` for ${group}`}`
    },
    sign
  )

export const permits = (it: Instance, control: boolean): HTMLElement =>
  h("div.scrolling", { tabindex: 0, role: "region", "aria-label": "Permits" }, permitTable(it, control))

const permitTable = (it: Instance, control: boolean): HTMLElement =>
  h(
    "table.data",
    {},
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col" }, "Permits"),
        h("th.number", { scope: "col" }, "running"),
        h("th.number", { scope: "col" }, "of"),
        h("th", { scope: "col" }, h("span.unseen", {}, "share in use")),
        h("th.number", { scope: "col" }, "in line"),
        control && h("th", { scope: "col" }, h("span.unseen", {}, "change"))
      )
    ),
    h(
      "tbody",
      {},
      it.state === "dead"
        ? noPermits("the actor's own")
        : permitRow("the actor's own", undefined, it.permits, it, control),
      ...Object.entries(it.groups).map(([name, one]) => permitRow(name, name, one, it, control))
    )
  )
