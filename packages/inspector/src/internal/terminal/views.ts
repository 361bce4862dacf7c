/**
 * Snapshots as lines of text.
 */
import type * as ActorSystem from "@troupe/core/ActorSystem"
import { methodOf, ownerOf, titleOf } from "../base/names.ts"
import { MOST_OF_AN_ERROR, shown } from "../base/shown.ts"
import { count, duration, plural, rate } from "../base/units.ts"
import { type Cell, type Column, table } from "./table.ts"
import { cut, cutName, type Style } from "./text.ts"

type Snapshot = ActorSystem.Snapshot
type Instance = ActorSystem.Instance
type Call = ActorSystem.UnsettledCall

/** What the table of instances can be sorted by, in the words of its columns. */
export const SORTS = ["queue", "running", "rate", "errors", "name"] as const
export type Sort = (typeof SORTS)[number]

export interface View {
  readonly snapshot: Snapshot
  /** The one before, from which rates are computed. */
  readonly previous: Snapshot | undefined
  readonly sort: Sort
  readonly width: number
  readonly style: Style
}

/** A line of the table: an instance, or one of its concurrency groups below it. */
interface Row {
  readonly instance: Instance
  readonly group: string | undefined
  readonly permits: ActorSystem.Permits
  /** Settled calls per second. */
  readonly rate: number | undefined
}

const settledOf = ({ settled }: Instance): number => Object.values(settled).reduce((sum, n) => sum + n, 0)

/** Calls that went wrong. Cancelled ones did not: a caller wanted that. */
const errorsOf = ({ settled }: Instance): number =>
  settled.failed + settled.died + settled.timedOut + settled.unavailable + settled.actorDied

/** What people call the state, here and on the page: a running instance that runs no call is idle. */
export const stateOf = (instance: Instance): Instance["state"] | "idle" =>
  instance.state === "running" && sumOf(instance, "running") === 0 ? "idle" : instance.state

const sumOf = (instance: Instance, what: "running" | "waiting"): number =>
  Object.values(instance.groups).reduce((sum, permits) => sum + permits[what], instance.permits[what])

const ratesOf = (snapshot: Snapshot, previous: Snapshot | undefined): ReadonlyMap<number, number> => {
  const rates = new Map<number, number>()
  const seconds = (snapshot.at - (previous?.at ?? snapshot.at)) / 1000
  if (previous === undefined || seconds <= 0) return rates
  const before = new Map(previous.instances.map((instance) => [instance.instance, settledOf(instance)]))
  for (const instance of snapshot.instances) {
    rates.set(instance.instance, Math.max(0, settledOf(instance) - (before.get(instance.instance) ?? 0)) / seconds)
  }
  return rates
}

const measures: { readonly [S in Exclude<Sort, "name">]: (row: Row) => number } = {
  queue: ({ instance }) => sumOf(instance, "waiting") + instance.suspended,
  running: ({ instance }) => sumOf(instance, "running"),
  rate: (row) => row.rate ?? settledOf(row.instance),
  errors: ({ instance }) => errorsOf(instance) + instance.refused
}

/** Busy instances first, dead ones last. */
const inOrder = (rows: ReadonlyArray<Row>, sort: Sort): ReadonlyArray<Row> => {
  const dead = ({ instance }: Row) => Number(instance.state === "dead")
  const measure = sort === "name" ? () => 0 : measures[sort]
  return [...rows].sort(
    (a, b) =>
      dead(a) - dead(b) ||
      measure(b) - measure(a) ||
      // With equal queues, the one that runs more comes first.
      (sort === "name" ? 0 : measures.running(b) - measures.running(a)) ||
      titleOf(a.instance).localeCompare(titleOf(b.instance)) ||
      a.instance.instance - b.instance.instance
  )
}

const rowsOf = ({ previous, snapshot, sort }: View): ReadonlyArray<Row> => {
  const rates = ratesOf(snapshot, previous)
  const instances = snapshot.instances.map((instance) => {
    return { instance, group: undefined, permits: instance.permits, rate: rates.get(instance.instance) }
  })
  return inOrder(instances, sort).flatMap((row) => [
    row,
    ...Object.entries(row.instance.groups).map(([group, permits]) => ({ ...row, group, permits, rate: undefined }))
  ])
}

const columnsOf = (now: number, style: Style): ReadonlyArray<Column<Row>> => {
  /** Lines of groups do not repeat the cells of their instance. */
  const own = (cell: (row: Row) => Cell | string) => (row: Row) => (row.group === undefined ? cell(row) : "")
  const alarm = (n: number, paint: (text: string) => string): Cell =>
    n === 0 ? { text: "0", paint: style.dim } : { text: count(n), paint }
  return [
    {
      title: "ACTOR",
      align: "left",
      worth: 11,
      least: 32,
      cut: cutName,
      cell: ({ group, instance }) =>
        group === undefined ? `${shown(titleOf(instance))} #${instance.instance}` : `  ${shown(group)}`
    },
    {
      title: "STATE",
      align: "left",
      worth: 8,
      cell: own(({ instance }) => ({ text: stateOf(instance), paint: paintOf(stateOf(instance), style) }))
    },
    {
      title: "RUNNING",
      align: "right",
      worth: 10,
      cell: ({ permits: { limit, running } }) => {
        const text = `${count(running)}${limit === undefined ? "" : `/${count(limit)}`}`
        return limit !== undefined && running >= limit ? { text, paint: style.yellow } : text
      }
    },
    {
      title: "QUEUE",
      align: "right",
      worth: 9,
      cell: ({ group, instance, permits }) =>
        alarm(permits.waiting + (group === undefined ? instance.suspended : 0), style.yellow)
    },
    { title: "CALLS/S", align: "right", worth: 7, cell: own((row) => (row.rate === undefined ? "" : rate(row.rate))) },
    { title: "SETTLED", align: "right", worth: 4, cell: own(({ instance }) => count(settledOf(instance))) },
    { title: "ERRORS", align: "right", worth: 6, cell: own(({ instance }) => alarm(errorsOf(instance), style.red)) },
    {
      title: "REFUSED",
      align: "right",
      // Rejected calls are rare, so the column is mostly absent. If it is there, it matters.
      worth: 8.5,
      cell: own(({ instance }) => (instance.refused === 0 ? "" : { text: count(instance.refused), paint: style.red }))
    },
    {
      title: "RESTARTS",
      align: "right",
      worth: 5,
      cell: own(({ instance }) => (instance.restarts === 0 ? "" : { text: count(instance.restarts), paint: style.red }))
    },
    { title: "UP", align: "right", worth: 3, cell: own(({ instance }) => duration(upOf(instance, now))) },
    { title: "LAST ERROR", align: "left", worth: 2, least: 16, cell: own(({ instance }) => noteOf(instance, now)) }
  ]
}

const paintOf = (state: ReturnType<typeof stateOf>, style: Style) => {
  if (state === "running") return style.green
  return state === "dead" || state === "idle" ? style.dim : style.yellow
}

const upOf = ({ death, since }: Instance, now: number): number => (death?.at ?? now) - since

const noteOf = ({ death, lastError, state }: Instance, now: number): string => {
  if (death !== undefined && state === "dead") {
    return shown(
      `${death.why}, ${duration(now - death.at)} ago${death.error === undefined ? "" : `: ${death.error}`}`,
      MOST_OF_AN_ERROR
    )
  }
  if (lastError === undefined) return ""
  return `${shown(lastError.message, MOST_OF_AN_ERROR)} (${duration(now - lastError.at)} ago)`
}

/** How many instances there are to list. */
const listed = ({ totals }: Snapshot): number => totals.instances + totals.dead

/** The table of instances, and how many more there are. */
export const instanceLines = (view: View): ReadonlyArray<string> => {
  const { snapshot, style, width } = view
  if (snapshot.instances.length === 0) return ["No instances."]
  const lines = table(columnsOf(snapshot.at, style), rowsOf(view), width, style)
  const hidden = listed(snapshot) - snapshot.instances.length
  return hidden > 0 ? [...lines, style.dim(`… and ${plural(hidden, "more instance")}: --limit shows them`)] : lines
}

/** The states of the flag `--state`. */
export const STATES = ["idle", "starting", "running", "restarting", "stopping", "dead"] as const
export type StateName = (typeof STATES)[number]

/** The same states as core knows them: to core, an idle instance is a running one. */
export const coreStates = (states: ReadonlyArray<StateName>): ReadonlyArray<Instance["state"]> => [
  ...new Set(states.map((state) => (state === "idle" ? "running" : state)))
]

/** The instances in these states and their calls, at most `limit` of each. */
export const inStates = (snapshot: Snapshot, states: ReadonlyArray<StateName>, limit: number): Snapshot => {
  const instances = snapshot.instances.filter((instance) => states.includes(stateOf(instance)))
  const ids = new Set(instances.map(({ instance }) => instance))
  const calls = snapshot.calls.filter(({ instance }) => ids.has(instance))
  const dead = instances.filter(({ state }) => state === "dead").length
  const totals = { instances: instances.length - dead, dead, calls: calls.length }
  return { ...snapshot, instances: instances.slice(0, limit), calls: calls.slice(0, limit), totals }
}

const stageText: { readonly [S in Call["stage"]]: string } = {
  suspended: "waiting for room",
  preparing: "waiting for arguments",
  waiting: "in line",
  running: "running",
  ending: "ending"
}

/** Running calls first, the longest first; then those next in line. */
const callsInOrder = (calls: ReadonlyArray<Call>): ReadonlyArray<Call> => {
  const rank = ({ stage }: Call) => (stage === "running" || stage === "ending" ? 0 : stage === "waiting" ? 1 : 2)
  return [...calls].sort(
    (a, b) => rank(a) - rank(b) || (a.position ?? 0) - (b.position ?? 0) || a.since - b.since || a.id - b.id
  )
}

const callColumns = (snapshot: Snapshot): ReadonlyArray<Column<Call>> => {
  const titles = new Map(snapshot.instances.map((instance) => [instance.instance, titleOf(instance)]))
  return [
    { title: "CALL", align: "right", worth: 10, cell: ({ id }) => String(id) },
    { title: "METHOD", align: "left", worth: 9, least: 10, cell: (call) => shown(methodOf(call)) },
    {
      title: "ACTOR",
      align: "left",
      worth: 7,
      least: 24,
      cut: cutName,
      cell: (call) => `${shown(titles.get(call.instance) ?? ownerOf(call))} #${call.instance}`
    },
    {
      title: "STAGE",
      align: "left",
      worth: 8,
      cell: ({ position, stage }) => (position === undefined ? stageText[stage] : `${position}. in line`)
    },
    { title: "SINCE", align: "right", worth: 6, cell: ({ since }) => duration(snapshot.at - since) },
    { title: "BY", align: "right", worth: 2, cell: ({ parent }) => (parent === undefined ? "" : `call ${parent}`) },
    { title: "TRACE", align: "left", worth: 0.5, cell: ({ trace = "" }) => shown(trace) },
    { title: "ATTEMPT", align: "right", worth: 1, cell: ({ attempts }) => (attempts > 1 ? String(attempts) : "") },
    {
      title: "WAITS FOR",
      align: "left",
      worth: 3,
      least: 14,
      cell: ({ waitingOn }) =>
        shown(waitingOn.map(({ method, ref }) => `${shown(method ?? "ref")} #${ref}`).join(", "), MOST_OF_AN_ERROR)
    }
  ]
}

/** The table of unsettled calls. */
export const callLines = ({ snapshot, style, width }: View, most = Infinity): ReadonlyArray<string> => {
  if (snapshot.calls.length === 0) return ["No unsettled calls."]
  const calls = callsInOrder(snapshot.calls).slice(0, most)
  const lines = table(callColumns(snapshot), calls, width, style)
  const hidden = snapshot.totals.calls - calls.length
  return hidden > 0 ? [...lines, style.dim(`… and ${plural(hidden, "more call")}`)] : lines
}

/** "4 instances, 12 calls running, 30 waiting, 250 calls/s, 5 refused, 2 dead letters" */
export const summaryLine = ({ previous, snapshot, width }: View): string => {
  const living = snapshot.instances.filter(({ state }) => state !== "dead")
  const dead = snapshot.instances.length - living.length
  const sum = (of: (instance: Instance) => number) => living.reduce((total, instance) => total + of(instance), 0)
  const rates = ratesOf(snapshot, previous)
  const refused = snapshot.instances.reduce((total, instance) => total + instance.refused, 0)
  const parts = [
    plural(snapshot.totals.instances, "instance"),
    `${plural(
      sum((instance) => sumOf(instance, "running")),
      "call"
    )} running`,
    `${count(sum((instance) => sumOf(instance, "waiting") + instance.suspended))} waiting`,
    ...(previous === undefined ? [] : [`${rate([...rates.values()].reduce((a, b) => a + b, 0))} calls/s`]),
    ...(refused === 0 ? [] : [`${count(refused)} refused`]),
    ...(dead === 0 ? [] : [`${count(dead)} dead`]),
    ...(snapshot.deadLetters.length === 0 ? [] : [plural(snapshot.deadLetters.length, "dead letter")])
  ]
  const some = listed(snapshot) > snapshot.instances.length
  return cut(`${parts.join(", ")}${some ? ` (in ${count(snapshot.instances.length)} of them)` : ""}`, width)
}

export interface Screen {
  readonly lines: ReadonlyArray<string>
  /** The first line of the table that is shown: not further down than that its end is at the bottom. */
  readonly from: number
}

/** A whole screen: as many instances and calls as fit, from a line of the table of instances on. */
export const screenLines = (view: View, head: Cell, rows: number, from: number): Screen => {
  const { style, width } = view
  const top = [(head.paint ?? String)(cut(head.text, width)), style.bold(summaryLine(view)), ""].slice(0, rows)
  const room = rows - top.length
  const instances = instanceLines(view)
  // Calls get the room that instances leave, and at least a third if there is room for both.
  const left = Math.max(room - instances.length - 1, room < 12 ? 0 : Math.floor(room / 3))
  const forCalls = left < 3 ? 0 : left
  const part = scrolled(instances, room - (forCalls === 0 ? 0 : forCalls + 1), from, style)
  if (forCalls === 0) return { ...part, lines: [...top, ...part.lines] }
  const calls = shorten(callLines(view, forCalls - 2), forCalls, style)
  return { ...part, lines: [...top, ...part.lines, "", ...calls] }
}

/** The head of a table, and the lines that fit below it. The last line says what is above and below. */
const scrolled = (lines: ReadonlyArray<string>, room: number, from: number, style: Style): Screen => {
  if (lines.length <= room) return { lines, from: 0 }
  const [head = "", ...body] = lines
  const most = room - 2
  if (most < 1) return { lines: shorten(lines, room, style), from: 0 }
  const start = Math.max(0, Math.min(from, body.length - most))
  const below = body.length - most - start
  const around = [start > 0 && `${count(start)} above`, below > 0 && `${count(below)} more`].filter(Boolean).join(", ")
  return { lines: [head, ...body.slice(start, start + most), style.dim(`… ${around}`)], from: start }
}

const shorten = (lines: ReadonlyArray<string>, room: number, style: Style): ReadonlyArray<string> =>
  lines.length <= room
    ? lines
    : [...lines.slice(0, Math.max(0, room - 1)), style.dim(`… ${lines.length - room + 1} more`)].slice(0, room)
