/** The panel about one actor or one instance. */
import type { Instance, Permits } from "@troupe/core/ActorSystem"
import type { InstanceView } from "../../src/internal/server/views.ts"
import { type Group, type Item, type Model, stateText } from "../model/model.ts"
import { callList } from "../parts/callList.ts"
import { confirmButton } from "../parts/confirm.ts"
import { h } from "../parts/dom.ts"
import * as format from "../parts/format.ts"
import { methodTable } from "../parts/methods.ts"
import { sparkline } from "../parts/spark.ts"
import { actorName, stateOf } from "./list.ts"

const section = (title: string, ...children: ReadonlyArray<any>): HTMLElement =>
  h("section", { "data-key": title }, h("h3", {}, title), ...children)

const fact = (name: string, value: any): HTMLElement => h("div.fact", {}, h("dt", {}, name), h("dd", {}, value))

const heading = (actor: string, sub: string, state: HTMLElement | undefined): HTMLElement =>
  h(
    "header",
    {},
    h("div.title", {}, h("h2", { id: "detail-title", tabindex: -1 }, ...actorName(actor)), state),
    h("p.sub", {}, sub),
    h(
      "button.close",
      { type: "button", "data-do": "close", "aria-label": "Close (Escape)", title: "Close (Escape)" },
      "×"
    )
  )

/** Unlike the counts of instances, which are there whether anybody looks or not. */
const countedSince = (actor: string, { groups, watchedSince }: Model): string => {
  const since = `ince a page was opened, at ${format.clock(watchedSince)}`
  return (groups.get(actor)?.items.length ?? 0) > 1 ? `Of all instances, s${since}.` : `S${since}.`
}

const methodsOf = (actor: string, model: Model): HTMLElement =>
  section(
    "Methods",
    h("p.note", {}, countedSince(actor, model)),
    methodTable(model.methodsOf(actor)),
    model.sampled && h("p.note", {}, "There are very many calls: these are from a sample of them.")
  )

const history = (item: Item | Group, tick: number): HTMLElement =>
  h(
    "div.history",
    {},
    sparkline(item.depth.read(tick), { width: 340, height: 56, tone: "amber", least: 4 }),
    h(
      "span.caption",
      {},
      `${format.count(item.waiting)} waiting, ${format.count(item.running)} running`,
      item.refused > 0 && h("span.bad", {}, `, ${format.count(item.refused)} refused`),
      item.refusedRate > 0 && h("span.bad.fresh", {}, ` (${format.rate(item.refusedRate)} per second)`)
    )
  )

export const groupDetail = (group: Group, model: Model): ReadonlyArray<HTMLElement> => {
  const states = new Map<string, number>()
  for (const item of group.items) states.set(stateText(item), (states.get(stateText(item)) ?? 0) + 1)
  const told = [...states].map(([state, n]) => `${format.count(n)} ${state}`).join(", ")
  return [
    heading(group.actor, `${format.plural(group.items.length, "instance")}: ${told}`, undefined),
    section("Queue depth", history(group, model.tick)),
    ...(group.by === "actor" ? [methodsOf(group.actor, model)] : [])
  ]
}

/** What has ended has no permits any more, and no limit. */
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

const permits = (it: Instance, control: boolean): HTMLElement =>
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
        h("th", { scope: "col" }, h("span.unseen", {}, "share that is in use")),
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

const outcomes = ({ settled }: Instance): string => {
  const told = Object.entries(settled).filter(([, n]) => n > 0)
  const words: Record<string, string> = { timedOut: "timed out", actorDied: "failed since it was dead" }
  return told.length === 0 ? "none" : told.map(([what, n]) => `${format.count(n)} ${words[what] ?? what}`).join(", ")
}

const facts = (it: Instance, now: number): HTMLElement =>
  h(
    "dl.facts",
    {},
    fact("Up for", format.duration((it.death?.at ?? now) - it.since)),
    fact("Restarts", format.count(it.restarts)),
    fact(
      "Pending",
      it.maxPendingCalls === undefined
        ? format.count(it.pending)
        : `${format.count(it.pending)} of ${format.count(it.maxPendingCalls)}`
    ),
    it.suspended > 0 && fact("Wait for room", format.count(it.suspended)),
    it.refused > 0 && fact("Refused", h("span.bad", {}, `${format.count(it.refused)} for want of room`)),
    fact("Settled in all", outcomes(it))
  )

const home = ({ home }: Instance, item: Item | undefined, tick: number): HTMLElement | undefined => {
  if (home === undefined) return undefined
  const { kind, lagMillis, lagMs, ...rest } = home
  const lag = lagMillis ?? lagMs
  return section(
    kind === "worker" ? "Worker thread" : `Home: ${String(kind ?? "elsewhere")}`,
    h(
      "dl.facts",
      {},
      ...Object.entries(rest).map(([name, value]) => fact(name, String(value))),
      typeof lag === "number" && fact("Event loop lag", format.duration(lag))
    ),
    typeof lag === "number" &&
      item !== undefined &&
      h("div.history", {}, sparkline(item.lag.read(tick), { width: 340, height: 40, tone: "blue", least: 20 }))
  )
}

const lastError = ({ lastError }: Instance, now: number): HTMLElement | undefined =>
  lastError &&
  section(
    "Last error",
    h("p.error", {}, lastError.message),
    h("p.note", {}, `in ${lastError.call}, ${format.duration(Math.max(0, now - lastError.at))} ago`)
  )

const death = ({ death }: Instance): HTMLElement | undefined =>
  death &&
  section(
    "Why it takes no calls",
    h("p.error", {}, death.error === undefined ? death.why : `${death.why}: ${death.error}`),
    h("p.note", {}, `since ${format.clock(death.at)}`)
  )

const endings = ({ instance, state }: Instance): HTMLElement | undefined =>
  state === "dead"
    ? undefined
    : section(
        "Control",
        h(
          "div.buttons",
          {},
          confirmButton("Stop", { what: "stop", id: instance, of: `instance #${instance}`, classes: ".mild" }),
          confirmButton("Kill", { what: "kill", id: instance, of: `instance #${instance}` })
        ),
        h("p.note", {}, "Stop lets accepted calls finish. Kill interrupts what runs, and fails what waits.")
      )

/** All that there is to say while the program does not answer. */
export const unansweredDetail = (item: Item | undefined, id: number): ReadonlyArray<HTMLElement> => [
  heading(item?.row.actor ?? "Instance", `instance #${id}`, item && stateOf(item)),
  h("section", {}, h("p.note", {}, "The program does not answer, so there is no more to be seen of it."))
]

export const instanceDetail = (view: InstanceView, model: Model, control: boolean): ReadonlyArray<HTMLElement> => {
  const { calls, instance: it, total } = view
  const item = model.items.get(it.instance)
  const named = [
    it.key !== undefined && `key ${it.key}`,
    it.name !== undefined && `“${it.name}”`,
    `instance #${it.instance}`
  ]
  const more = total - calls.length
  const alone = calls.length === 0
  return [
    heading(it.actor, named.filter(Boolean).join(" · "), item && stateOf(item)),
    death(it),
    section("Queue depth", item && history(item, model.tick), permits(it, control && it.state !== "dead")),
    section(
      `Calls under way`,
      alone ? h("p.note", {}, "None.") : callList(calls.slice(0, 60), { now: view.at, control, where: false }),
      more > 0 || calls.length > 60
        ? h("p.note", {}, `and ${format.count(total - Math.min(60, calls.length))} more`)
        : undefined
    ),
    methodsOf(it.actor, model),
    lastError(it, view.at),
    home(it, item, model.tick),
    section("Life", facts(it, view.at)),
    control ? endings(it) : undefined
  ].filter((one) => one !== undefined)
}
