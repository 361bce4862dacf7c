/** The panel about a group of instances, or about one of them. */
import type { Instance } from "@troupe/core/ActorSystem"
import type { FailedCall } from "../../src/internal/live/frame.ts"
import type { InstanceView } from "../../src/internal/server/views.ts"
import type { Selection } from "../address.ts"
import type { Group, Item, Model } from "../model/model.ts"
import { stateText } from "../model/row.ts"
import type { Page, View } from "../page.ts"
import { callList } from "../parts/callList.ts"
import { stateOf } from "../parts/cells.ts"
import { confirmButton } from "../parts/confirm.ts"
import { byId, h, show } from "../parts/dom.ts"
import { failureList } from "../parts/failures.ts"
import * as format from "../parts/format.ts"
import { methodTable } from "../parts/methods.ts"
import { heading, section } from "../parts/panel.ts"
import { permits } from "../parts/permits.ts"
import { resultList } from "../parts/results.ts"
import { sparkline } from "../parts/spark.ts"
import { traceDetail } from "../parts/traceDetail.ts"
import type { State } from "../state.ts"

/** How many calls the panel lists. */
const MOST_CALLS = 60

export class Detail implements View {
  private readonly page: Page
  private readonly panel = byId("detail")
  private shown: Selection | undefined
  /** The element that had the focus when the panel opened. It gets it back. */
  private opener: HTMLElement | undefined

  constructor(page: Page) {
    this.page = page
  }

  draw(): void {
    const { state } = this.page
    const { selection } = state.place
    if (selection !== this.shown) this.change(selection)
    if (selection === undefined) return
    const content = contentOf(selection, state)
    if (content !== undefined) show(this.panel, ...content)
  }

  private change(selection: Selection | undefined): void {
    const { panel } = this
    const opens = this.shown === undefined
    this.shown = selection
    if (opens) this.opener = document.activeElement as HTMLElement | undefined
    panel.hidden = selection === undefined
    panel.scrollTop = 0
    document.body.classList.toggle("with-detail", selection !== undefined)
    if (selection !== undefined) return
    this.opener?.focus()
    this.opener = undefined
  }
}

const contentOf = (selection: Selection, state: State): ReadonlyArray<HTMLElement | undefined> | undefined => {
  if ("trace" in selection) return state.trace && traceDetail(state.trace)
  return "instance" in selection ? ofInstance(selection.instance, state) : ofGroup(selection.actor, state)
}

/** Nothing, until the server has answered. */
const ofInstance = (id: number, { armed, connection, info, instance, model }: State) => {
  if (instance !== undefined) return instanceDetail(instance, model, info?.control ?? false, armed)
  return connection._tag === "live" ? undefined : unansweredDetail(model.items.get(id), id)
}

const ofGroup = (name: string, { model }: State) => {
  const group = model.groups.get(name) ?? model.places.get(name)
  return group && groupDetail(group, model)
}

const fact = (name: string, value: any): HTMLElement => h("div.fact", {}, h("dt", {}, name), h("dd", {}, value))

/** Figures of methods are only kept while a page is open, unlike those of instances. */
const countedSince = (actor: string, { groups, watchedSince }: Model): string => {
  const since = `since a page was opened at ${format.clock(watchedSince)}`
  return (groups.get(actor)?.items.length ?? 0) > 1 ? `All instances, ${since}.` : `${since.replace("s", "S")}.`
}

const methodsOf = (actor: string, model: Model): HTMLElement =>
  section(
    "Methods",
    h("p.note", {}, countedSince(actor, model)),
    methodTable(model.methodsOf(actor)),
    model.sampled && h("p.note", {}, "There are very many calls: these figures are from a sample.")
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

const groupDetail = (group: Group, model: Model): ReadonlyArray<HTMLElement> => {
  const states = new Map<string, number>()
  for (const { row } of group.items) states.set(stateText(row), (states.get(stateText(row)) ?? 0) + 1)
  const counts = [...states].map(([state, n]) => `${format.count(n)} ${state}`).join(", ")
  return [
    heading(group.actor, `${format.plural(group.items.length, "instance")}: ${counts}`, undefined),
    section("Queue depth", history(group, model.tick)),
    ...(group.by === "actor" ? [methodsOf(group.actor, model)] : []),
    ...failuresOf(model, ({ actor }) => group.by === "actor" && actor === group.actor)
  ]
}

const outcomes = ({ settled }: Instance): string => {
  const told = Object.entries(settled).filter(([, n]) => n > 0)
  const words: Record<string, string> = { timedOut: "timed out", actorDied: "failed because it was dead" }
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
    it.suspended > 0 && fact("Waiting for room", format.count(it.suspended)),
    it.refused > 0 &&
      fact("Refused", h("span.bad", {}, `${format.count(it.refused)}, since maxPendingCalls was reached`)),
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

/** How many failures the panel lists. */
const MOST_FAILURES = 10

const failuresOf = (model: Model, isOf: (failure: FailedCall) => boolean): ReadonlyArray<HTMLElement> => {
  const failures = model.errors.filter(isOf).slice(-MOST_FAILURES).reverse()
  return failures.length === 0 ? [] : [section("Last failed calls", failureList(failures, { where: false }))]
}

/** The last calls of an instance that succeeded, if anything of them may be shown. */
const resultsOf = (model: Model, id: number): ReadonlyArray<HTMLElement> => {
  const calls = model.results
    .filter(({ instance }) => instance === id)
    .slice(-MOST_FAILURES)
    .reverse()
  return calls.length === 0 ? [] : [section("Last calls that succeeded", resultList(calls))]
}

/** The last error is known of each instance, even from before a page was opened, but of others there is more to tell. */
const lastErrors = (it: Instance, model: Model, now: number): ReadonlyArray<HTMLElement | undefined> => {
  const failures = failuresOf(model, ({ instance }) => instance === it.instance)
  return failures.length > 0 ? failures : [lastError(it, now)]
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

const endings = ({ instance, state }: Instance, armed: string | undefined): HTMLElement | undefined =>
  state === "dead"
    ? undefined
    : section(
        "Control",
        h(
          "div.buttons",
          {},
          confirmButton("Stop", {
            action: "stop",
            id: instance,
            target: `instance #${instance}`,
            classes: ".mild",
            armed
          }),
          confirmButton("Kill", { action: "kill", id: instance, target: `instance #${instance}`, armed })
        ),
        h("p.note", {}, "Stop lets accepted calls finish. Kill interrupts running calls and fails waiting ones.")
      )

/** All there is to say while the program does not answer. */
const unansweredDetail = (item: Item | undefined, id: number): ReadonlyArray<HTMLElement> => [
  heading(item?.row.actor ?? "Instance", `instance #${id}`, item && stateOf(item)),
  h("section", {}, h("p.note", {}, "The program does not answer, so the page knows no more than this."))
]

const instanceDetail = (
  view: InstanceView,
  model: Model,
  control: boolean,
  armed: string | undefined
): ReadonlyArray<HTMLElement> => {
  const { calls, instance: it, total } = view
  const item = model.items.get(it.instance)
  const named = [
    it.key !== undefined && `key ${it.key}`,
    it.name !== undefined && `“${it.name}”`,
    `instance #${it.instance}`
  ]
  const listed = calls.slice(0, MOST_CALLS)
  return [
    heading(it.actor, named.filter(Boolean).join(" · "), item && stateOf(item)),
    death(it),
    section("Queue depth", item && history(item, model.tick), permits(it, control && it.state !== "dead")),
    section(
      "Calls in flight",
      listed.length === 0 ? h("p.note", {}, "None.") : callList(listed, { now: view.at, control, armed, where: false }),
      total > listed.length && h("p.note", {}, `and ${format.count(total - listed.length)} more`)
    ),
    methodsOf(it.actor, model),
    ...lastErrors(it, model, view.at),
    ...resultsOf(model, it.instance),
    home(it, item, model.tick),
    section("Life", facts(it, view.at)),
    control ? endings(it, armed) : undefined
  ].filter((one) => one !== undefined)
}
