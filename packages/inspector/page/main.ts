/** The page: what is shown, and what the reader does. */
import type { Frame, Info, Recent } from "../src/internal/live/frame.ts"
import type { Waits } from "../src/internal/live/waits.ts"
import type { CallsView, InstanceView } from "../src/internal/server/views.ts"
import * as api from "./api.ts"
import { type By, type Filter, type Line, linesOf, Model, nameOf, type Order } from "./model/model.ts"
import { Track } from "./model/track.ts"
import { callList } from "./parts/callList.ts"
import { confirmed } from "./parts/confirm.ts"
import { byId, h, show } from "./parts/dom.ts"
import * as format from "./parts/format.ts"
import { sparkline } from "./parts/spark.ts"
import { cycleTheme, startTheme } from "./theme.ts"
import { groupDetail, instanceDetail, unansweredDetail } from "./views/detail.ts"
import { eventsView } from "./views/events.ts"
import { List } from "./views/list.ts"
import { Timeline } from "./views/timeline.ts"
import { waitsView } from "./views/waits.ts"

const tabs = ["actors", "calls", "waits", "timeline", "events"] as const
type Tab = (typeof tabs)[number]

type Selection = { readonly actor: string } | { readonly instance: number } | undefined

const model = new Model()
const rateTrack = new Track()
const errorTrack = new Track()
const refusedTrack = new Track()
const runningTrack = new Track()
const open = new Set<string>()
let info: Info | undefined
let tab: Tab = "actors"
let selection: Selection
let paused = false
let status: "connecting" | keyof typeof statuses = "connecting"
/** For how many seconds nothing was heard of the program. */
let silence = 0
let seenEvents = 0
/** What had the focus when the panel was opened: it gets it back. */
let opener: HTMLElement | undefined

// --- where we are: in the address, so that it can be shared and gone back from -----------------------------------------

const addressOf = (): string => {
  if (selection === undefined) return `#/${tab}`
  return "actor" in selection
    ? `#/${tab}/actor/${encodeURIComponent(selection.actor)}`
    : `#/${tab}/instance/${selection.instance}`
}

const readAddress = (): void => {
  const [, where, what, which] = location.hash.split("/")
  tab = tabs.find((one) => one === where) ?? "actors"
  const id = Number(which)
  if (what === "actor" && which) selection = { actor: decodeURIComponent(which) }
  else if (what === "instance" && Number.isInteger(id)) selection = { instance: id }
  else selection = undefined
}

const go = (to: { readonly tab?: Tab; readonly selection?: Selection }): void => {
  if (to.tab !== undefined) tab = to.tab
  if ("selection" in to) selection = to.selection
  if (location.hash !== addressOf()) history.pushState(null, "", addressOf())
  arrive()
}

/** Shows what the address says. */
const arrive = (): void => {
  for (const one of tabs) {
    const button = byId(`tab-${one}`)
    button.setAttribute("aria-selected", String(one === tab))
    button.tabIndex = one === tab ? 0 : -1
    byId(`view-${one}`).hidden = one !== tab
  }
  if (tab === "events") seenEvents = model.news.at(-1)?.seq ?? 0
  byId("detail").hidden = selection === undefined
  document.body.classList.toggle("with-detail", selection !== undefined)
  if (selection === undefined) {
    view = undefined
    opener?.focus()
    opener = undefined
  }
  draw()
  void ask()
}

/** What the keys of a view are for. */
const mains: Record<Tab, string> = {
  actors: "list",
  calls: "view-calls",
  waits: "view-waits",
  timeline: "canvas",
  events: "view-events"
}

/** Whoever chooses a view by its key wants to go on by keys. */
const goWithFocus = (to: Tab): void => {
  go({ tab: to })
  byId(mains[to]).focus()
}

const select = (to: Selection): void => {
  if (selection === undefined) opener = document.activeElement as HTMLElement
  if (to !== undefined && "instance" in to && view?.instance.instance !== to.instance) view = undefined
  go({ selection: to })
  byId("detail").scrollTop = 0
}

// --- asking for what updates do not tell ------------------------------------------------------------------------------

let view: InstanceView | undefined
let calls: CallsView | undefined
let waits: Waits | undefined
let asking = false

/** One question at a time: a slow server is not asked twice. */
const ask = async (): Promise<void> => {
  if (asking || paused || document.hidden || info === undefined) return
  asking = true
  try {
    if (selection !== undefined && "instance" in selection) await askInstance(selection.instance)
    if (tab === "calls") calls = await api.get<CallsView>("calls")
    if (tab === "waits") waits = await api.get<Waits>("waits")
    if (tab === "timeline") timeline.take(await api.get<Recent>(`recent?after=${timeline.seq}`))
    draw()
  } catch {
    // The stream of updates says what is wrong with the connection.
  } finally {
    asking = false
  }
}

const askInstance = async (id: number): Promise<void> => {
  try {
    const answer = await api.get<InstanceView>(`instance/${id}`)
    if (selection !== undefined && "instance" in selection && selection.instance === id) view = answer
  } catch (error) {
    if (error instanceof api.ApiError && error.status === 404) toast("This instance has ended.")
    else throw error
  }
}

// --- drawing ----------------------------------------------------------------------------------------------------------

const list = new List(byId("list"), byId("rows"), {
  onOpen: (actor) => {
    if (!open.delete(actor)) open.add(actor)
    drawList()
  },
  onSelect: (line) => select(line.kind === "group" ? { actor: line.group.actor } : { instance: line.item.row.id })
})

const timeline = new Timeline(byId<HTMLCanvasElement>("timeline"), byId("tip"), {
  label: (instance, actor) => {
    const row = model.items.get(instance)?.row
    return row === undefined ? actor : row.key === undefined ? row.actor : `${row.actor}(${row.key})`
  },
  onSelect: (instance) => select({ instance })
})

const value = <A extends string>(id: string): A => byId<HTMLSelectElement>(id).value as A

/** Lines keep their order for a while, so that nothing moves away under the reader's hand. */
let order: Map<string, number> | undefined
let orderedAt = 0

const steady = (lines: Array<Line>): Array<Line> => {
  const busy = byId("list").matches(":hover, :focus-within")
  const fresh = order === undefined || performance.now() - orderedAt > (busy ? 20_000 : 4000)
  if (fresh || value("order") === "name") {
    order = new Map(lines.map(({ id }, i) => [id, i]))
    orderedAt = performance.now()
    return lines
  }
  const known = order!
  return sortTree(lines, (line) => known.get(line.id) ?? Number.MAX_SAFE_INTEGER)
}

/** Sorts groups, and the instances below each. */
const sortTree = (lines: Array<Line>, key: (line: Line) => number): Array<Line> => {
  const tops: Array<{ readonly line: Line; readonly below: Array<Line> }> = []
  for (const line of lines) {
    if (line.kind === "item") tops.at(-1)?.below.push(line)
    else tops.push({ line, below: [] })
  }
  tops.sort((a, b) => key(a.line) - key(b.line))
  return tops.flatMap(({ below, line }) => [line, ...below.sort((a, b) => key(a) - key(b))])
}

const drawList = (): void => {
  const search = byId<HTMLInputElement>("search").value
  const filter = value<Filter>("filter")
  const by = value<By>("by")
  const lines = steady(linesOf(model, { by, search, filter, order: value<Order>("order"), open }))
  const selected =
    selection === undefined ? "" : "actor" in selection ? `g${selection.actor}` : `i${selection.instance}`
  list.show(lines, model, selected)
  // Only where there is more than one place.
  byId("by-label").hidden = model.places.size < 2 && by === "actor"
  show(byId("nothing"), ...(lines.length === 0 ? emptiness(search.trim(), filter) : []))
}

const filtered: Record<Filter, string> = {
  all: "instances",
  busy: "instances that are busy",
  waiting: "instances with a queue",
  failing: "instances that are failing",
  dead: "instances that are dead"
}

/** Why there is no line in the list, and what could bring one. */
const emptiness = (search: string, filter: Filter): ReadonlyArray<HTMLElement> => {
  if (model.items.size === 0) {
    return [
      h("p", {}, "No actor has been started yet. It will be here as soon as the program starts one."),
      h("p.note", {}, "The page shows the ActorSystem in context where the layer of the inspector is built.")
    ]
  }
  if (search === "") return [h("p", {}, `There are no ${filtered[filter]} right now.`)]
  return [
    h("p", {}, `Nothing matches "${search}".`),
    ...(filter === "all" ? [] : [h("p.note", {}, `Only ${filtered[filter]} are shown.`)])
  ]
}

const figure = (name: string, text: string, track: Track, tone: string, least: number, title: string): HTMLElement =>
  h(
    `div.figure${tone === "red" && text !== "0" ? ".trouble" : ""}`,
    { title },
    h("span.name", {}, name),
    h("span.value", {}, text),
    sparkline(track.read(model.tick), { width: 120, height: 26, tone, least })
  )

const refusedFigure = ({ refused, refusedRate }: Model["all"]): HTMLElement => {
  const title = `Submissions that were not accepted for want of room: ${format.count(refused)} in all`
  return figure("Refused per second", format.rate(refusedRate), refusedTrack, "red", 1, title)
}

const drawFigures = (): void => {
  const { all } = model
  show(
    byId("figures"),
    figure("Running", format.count(all.running), runningTrack, "teal", 4, "Calls that hold a permit"),
    figure("Waiting", format.count(all.waiting), all.depth, "amber", 4, "Calls accepted, but not running"),
    figure("Calls per second", format.rate(all.rate), rateTrack, "blue", 4, "Settled calls"),
    figure("Errors per second", format.rate(all.badRate), errorTrack, "red", 1, "Calls that failed, died or timed out"),
    // Most programs have room for all: where nothing was refused, there is nothing to be told.
    all.refused > 0 && refusedFigure(all)
  )
}

const badge = (id: string, text: string, tone = ""): void => {
  const element = byId(id)
  element.textContent = text
  element.className = `badge ${tone}`
  element.hidden = text === ""
}

const drawBadges = (): void => {
  const { cycles, news, totals } = model
  badge("n-actors", format.count(totals.instances))
  badge("n-calls", totals.calls === 0 ? "" : format.count(totals.calls))
  badge("n-waits", cycles === 0 ? "" : format.plural(cycles, "cycle"), "alert")
  const fresh = news.filter(({ seq }) => seq > seenEvents).length
  badge("n-events", fresh === 0 ? "" : format.count(fresh))
}

const instanceName = (id: number): string => {
  const row = model.items.get(id)?.row
  return row === undefined ? `#${id}` : nameOf(row)
}

const drawTab = (): void => {
  const now = model.at
  if (tab === "actors") drawList()
  if (tab === "calls" && calls !== undefined) drawCalls(calls)
  if (tab === "waits" && waits !== undefined) {
    const width = byId("view-waits").clientWidth
    show(byId("view-waits"), ...waitsView(waits, { now, width, names: instanceName }))
  }
  if (tab === "events") {
    seenEvents = model.news.at(-1)?.seq ?? 0
    show(byId("view-events"), ...eventsView(model.news, model.deadLetters))
  }
  if (tab === "timeline") {
    byId("silent").hidden = !timeline.isEmpty
    byId("timeline").setAttribute("aria-label", timeline.summary)
    byId("dropped").hidden = timeline.dropped === 0
    byId("dropped").textContent =
      `There are too many calls to draw them all: ${format.count(timeline.dropped)} are left out. A recording has them.`
  }
}

const drawCalls = ({ at, calls, total }: CallsView): void => {
  const more = total - calls.length
  show(
    byId("view-calls"),
    h(
      "p.note",
      {},
      "Calls that have not settled. Those that have been where they are for the longest time come first."
    ),
    calls.length === 0
      ? h("p.empty", {}, "No call is under way.")
      : callList(calls, { now: at, control: info?.control ?? false, where: true }),
    more > 0 && h("p.note", {}, `and ${format.count(more)} more, most of them behind these`)
  )
}

const drawDetail = (): void => {
  if (selection === undefined) return
  const panel = byId("detail")
  if ("instance" in selection) {
    const { instance } = selection
    if (view !== undefined) show(panel, ...instanceDetail(view, model, info?.control ?? false))
    else if (status !== "live") show(panel, ...unansweredDetail(model.items.get(instance), instance))
    return
  }
  const group = model.groups.get(selection.actor) ?? model.places.get(selection.actor)
  if (group !== undefined) show(panel, ...groupDetail(group, model))
}

const draw = (): void => {
  drawFigures()
  drawBadges()
  drawTab()
  drawDetail()
}

/** The timeline moves all the time, the rest with each update. */
const animate = (): void => {
  if (tab === "timeline" && status === "live" && !document.hidden) timeline.draw()
  requestAnimationFrame(animate)
}

// --- what the reader does ---------------------------------------------------------------------------------------------

let toasted: ReturnType<typeof setTimeout> | undefined
const toast = (text: string): void => {
  const element = byId("toast")
  element.textContent = text
  element.hidden = false
  clearTimeout(toasted)
  toasted = setTimeout(() => {
    element.hidden = true
  }, 4000)
}

const command = async (path: string, done: string): Promise<void> => {
  try {
    await api.post(path)
    toast(done)
  } catch (error) {
    toast(error instanceof Error ? error.message : String(error))
  }
  void ask()
}

const actions: Record<string, (button: HTMLElement, id: string) => void> = {
  close: () => go({ selection: undefined }),
  instance: (_, id) => select({ instance: Number(id) }),
  cancel: (_, id) => confirmed("cancel", id, draw) && void command(`cancel/${id}`, `Call #${id} is cancelled.`),
  stop: (_, id) => confirmed("stop", id, draw) && void command(`stop/${id}`, `Instance #${id} is stopping.`),
  kill: (_, id) => confirmed("kill", id, draw) && void command(`kill/${id}`, `Instance #${id} is killed.`),
  resize: (button, id) => {
    const { group, limit } = button.dataset
    const path = `resize/${id}?limit=${limit}${group ? `&group=${encodeURIComponent(group)}` : ""}`
    void command(path, `${limit} ${limit === "1" ? "permit" : "permits"} now.`)
  }
}

const act = (target: EventTarget | null): boolean => {
  const button = target instanceof Element ? target.closest<HTMLElement>("[data-do]") : null
  if (button === null) return false
  actions[button.getAttribute("data-do")!]?.(button, button.getAttribute("data-id") ?? "")
  return true
}

const togglePause = (): void => {
  paused = !paused
  const button = byId("pause")
  button.setAttribute("aria-pressed", String(paused))
  button.textContent = paused ? "Resume" : "Pause"
  if (paused) {
    following.abort()
    setStatus("paused", "")
  } else follow()
}

const listen = (): void => {
  // What scrolls has to be reached by keys, or they cannot scroll it.
  for (const id of Object.values(mains)) byId(id).tabIndex = 0
  document.addEventListener("click", ({ target }) => act(target))
  document.addEventListener("keydown", (event) => {
    const typing = (event.target as Element).matches("input, select, textarea")
    if (event.key === "Escape") return escape(typing)
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === "/") {
      event.preventDefault()
      go({ tab: "actors" })
      byId("search").focus()
    } else if (event.key === "p") togglePause()
    else if (/^[1-5]$/.test(event.key)) goWithFocus(tabs[Number(event.key) - 1]!)
    // Nodes of the wait graph are no real buttons.
    else if (event.key === "Enter" && (event.target as Element).matches("g[data-do]")) act(event.target)
  })
  byId("pause").addEventListener("click", togglePause)
  byId("theme").addEventListener("click", cycleTheme)
  byId("tools").addEventListener("submit", (event) => event.preventDefault())
  for (const id of ["search", "filter", "order", "by"]) {
    byId(id).addEventListener("input", () => {
      order = undefined
      drawList()
    })
  }
  byId("search").addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") list.focus()
  })
  document.querySelector(".skip")!.addEventListener("click", (event) => {
    event.preventDefault()
    goWithFocus("actors")
  })
  const span = byId<HTMLSelectElement>("span")
  span.addEventListener("input", () => {
    timeline.span = Number(span.value)
  })
  const zoom = (by: 1 | -1): void => {
    span.selectedIndex = Math.max(0, Math.min(span.options.length - 1, span.selectedIndex + by))
    timeline.span = Number(span.value)
  }
  const looking: Record<string, () => void> = {
    "+": () => zoom(-1),
    "=": () => zoom(-1),
    "-": () => zoom(1),
    ArrowLeft: () => timeline.look(1),
    ArrowRight: () => timeline.look(-1)
  }
  byId("canvas").addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || looking[event.key] === undefined) return
    event.preventDefault()
    looking[event.key]!()
  })
  byId("record").addEventListener("click", record)
  window.addEventListener("popstate", () => {
    readAddress()
    arrive()
  })
  document.querySelector('[role="tablist"]')!.addEventListener("keydown", (event) => moveTab(event as KeyboardEvent))
  for (const one of tabs) byId(`tab-${one}`).addEventListener("click", () => go({ tab: one }))
}

const escape = (typing: boolean): void => {
  const search = byId<HTMLInputElement>("search")
  if (typing && search.value !== "") {
    search.value = ""
    drawList()
  } else if (selection !== undefined) go({ selection: undefined })
  else if (typing) list.focus()
}

const moveTab = (event: KeyboardEvent): void => {
  const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0
  if (by === 0) return
  const next = tabs[(tabs.indexOf(tab) + by + tabs.length) % tabs.length]!
  go({ tab: next })
  byId(`tab-${next}`).focus()
}

const record = async (): Promise<void> => {
  const button = byId<HTMLButtonElement>("record")
  button.disabled = true
  button.textContent = "Recording …"
  try {
    await api.download("timeline?seconds=5", "troupe-trace.json")
    toast("Saved. Open it at ui.perfetto.dev.")
  } catch (error) {
    toast(error instanceof Error ? error.message : String(error))
  }
  button.disabled = false
  button.textContent = "Record 5 s for Perfetto"
}

// --- the connection ---------------------------------------------------------------------------------------------------

const statuses = { live: "live", lost: "lost, trying again", refused: "refused", paused: "paused" }
const titles = { connecting: "", live: "", lost: "Connection lost · ", refused: "Refused · ", paused: "Paused · " }

const setStatus = (now: keyof typeof statuses, why: string, code?: number): void => {
  status = now
  const element = byId("status")
  element.className = `connection ${now}`
  element.title = why
  element.lastElementChild!.textContent = statuses[now]
  // What is from before must not look like what is.
  document.body.classList.toggle("stale", now !== "live")
  timeline.hold(now !== "live")
  byId("lost").hidden = now !== "lost"
  if (now === "lost") byId("lost").textContent = code === 429 ? `${why}. Trying again.` : lostText()
  if (now === "refused") tellRefusal(why, code)
  retitle()
}

const lostText = (): string =>
  model.at === 0
    ? `Nothing answers at ${location.host}. Trying again.`
    : `Connection lost. What you see is from ${format.clock(model.at)}; trying again.`

const retitle = (): void => {
  document.title = `${titles[status]}${info === undefined ? "" : `${info.title} · `}Troupe`
}

/**
 * A process that hangs and a tunnel that is gone end no connection, so what is silent for long is given up. Seconds are
 * counted rather than measured: those in which this page slept are no silence of the program.
 */
const listenForSilence = (): void => {
  setInterval(() => {
    if (status !== "live" || ++silence <= 5 + (3 * model.interval) / 1000) return
    following.abort()
    setStatus("lost", "there was no update for a while")
    follow()
  }, 1000)
}

const tellRefusal = (why: string, code: number | undefined): void => {
  const notice = byId("notice")
  notice.hidden = false
  // No token helps against the other reasons.
  if (code !== 401) return show(notice, h("p", {}, `This inspector refuses the page: ${why}.`))
  const problem = api.hasToken()
    ? "This is not the token of this program, which may have been started again."
    : "This page needs its token."
  show(
    notice,
    h("p", {}, `${problem} Open the address as it was printed, or paste the token here.`),
    h(
      "form",
      { id: "token-form" },
      h("input", { id: "token", type: "password", "aria-label": "Token", placeholder: "Token", autocomplete: "off" }),
      h("button", { type: "submit" }, "Open")
    )
  )
  byId("token-form").addEventListener("submit", (event) => {
    event.preventDefault()
    api.setToken(byId<HTMLInputElement>("token").value.trim())
    location.reload()
  })
}

/** A page that pauses is not connected: it costs the process nothing, and begins with the present state again. */
let following = new AbortController()
const follow = (): void => {
  following = new AbortController()
  void api.follow(takeFrame, setStatus, following.signal)
}

const takeFrame = (frame: Frame): void => {
  silence = 0
  if (frame.reset) {
    timeline.clear()
    // If it fails, so does the connection, and the next one tries again.
    introduce().catch(() => {})
  }
  model.apply(frame)
  const { all, tick } = model
  runningTrack.push(tick, all.running)
  rateTrack.push(tick, all.rate)
  errorTrack.push(tick, all.badRate)
  refusedTrack.push(tick, all.refusedRate)
  if (info === undefined) return
  draw()
  void ask()
}

/** Asked for with each connection: there may be another process behind the address by now. */
const introduce = async (): Promise<void> => {
  const isFirst = info === undefined
  info = await api.get<Info>("info")
  byId("title").textContent = info.title
  retitle()
  byId("process").textContent = `pid ${info.pid} · node ${info.node.replace(/^v/, "")}`
  if (isFirst) arrive()
}

startTheme()
readAddress()
listen()
animate()
listenForSilence()
follow()
