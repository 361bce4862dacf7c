/**
 * From recorded events to a Chrome trace.
 *
 * Events are drawn in the order in which they happened, each at a time of its own: of several at the same time (clocks
 * are coarse, that of a test stands still) each is some nanoseconds later than the one before. So no two slices of a
 * lane overlap, and each arrow begins strictly inside of a slice, without which viewers drop it.
 */
import type * as ActorSystem from "@troupe/core/ActorSystem"
import type { Recorded } from "../../Timeline.ts"
import { methodOf, type Named, titleOf } from "../base/names.ts"
import { MOST_OF_AN_ERROR, shown } from "../base/shown.ts"
import type { ChromeTrace, TraceEvent } from "./format.ts"
import { type Lane, Process } from "./lanes.ts"

type CallEvent = ActorSystem.CallEvent
type Settled = Extract<ActorSystem.Event, { readonly _tag: "Settled" }>

/** An event of the trace whose lane has no number yet. Times are in nanoseconds. */
interface Draft {
  readonly at: number
  readonly lane: Lane | undefined
  readonly make: (tid: number) => TraceEvent
  /** Of what happens at the same time, slices come first: arrows bind to slices that are there. */
  readonly rank: number
}

/** A stretch that has begun. */
interface Stretch {
  readonly from: number
  /** `undefined` if there is no lane for it. */
  readonly lane: Lane | undefined
}

/** A call that has not settled yet, as far as the events have been read. */
interface OpenCall {
  readonly id: number
  readonly method: string
  readonly process: Process
  parent: number | undefined
  submittedBy: string | undefined
  asked: boolean | undefined
  attempt: number
  /** Milliseconds that it waited before the run that goes on now. */
  waited: number
  /** Milliseconds of what is drawn first that are not drawn, since they were before the recording. */
  hidden: number
  wait: Stretch | undefined
  run: Stretch | undefined
  /** Where its arrow passes. */
  readonly path: Array<{ readonly at: number; readonly lane: Lane }>
}

/** What a call was doing when the events begin. */
interface Seed {
  readonly call: number
  /** How it is drawn. */
  readonly name: string
  readonly instance: number
  readonly running: boolean
  /** Milliseconds since the epoch. */
  readonly since: number
  readonly attempt: number
}

/**
 * Nanoseconds between two events at least. One is not enough: times are written as microseconds with decimals, and
 * viewers that cut binary fractions off rather than round them are one nanosecond off, for begin and length each.
 */
const STEP = 4
/** Waits shorter than this, in nanoseconds, are those of calls that found a permit: a viewer would show a hairline. */
const SHORTEST_WAIT = 10_000
/** How many points of a curve are drawn at most in the time of the recording. */
const CURVE_POINTS = 10_000

export const toChromeTrace = (recorded: Recorded, options: { readonly waitingLanes: number }): ChromeTrace =>
  new Drawing(recorded, options.waitingLanes).draw()

class Drawing {
  private readonly drafts: Array<Draft> = []
  private readonly processes = new Map<number, Process>()
  private readonly calls = new Map<number, OpenCall>()
  private readonly curves = new Map<Process, { readonly at: number; readonly index: number }>()
  private readonly restarting = new Map<Process, number>()
  private undrawnWaits = 0
  private last = 0

  private readonly recorded: Recorded
  private readonly waitingLanes: number
  /** Nanoseconds that the recording took. */
  private readonly end: number
  private readonly curveGap: number

  constructor(recorded: Recorded, waitingLanes: number) {
    this.recorded = recorded
    this.waitingLanes = waitingLanes
    this.end = this.nanos(recorded.to)
    this.curveGap = Math.max(1000, this.end / CURVE_POINTS)
  }

  draw(): ChromeTrace {
    const { dropped, events, from, to } = this.recorded
    for (const seed of seedsOf(this.recorded)) this.sow(seed)
    for (const event of events) this.event(event)
    this.finish()
    const names = this.describe()
    // Stable, so what is equal stays in the order of the events.
    this.drafts.sort((a, b) => a.at - b.at || a.rank - b.rank)
    return {
      otherData: {
        recordedBy: "@troupe/inspector",
        startedAt: new Date(from).toISOString(),
        durationMs: millis(to - from),
        events: events.length,
        droppedEvents: dropped,
        undrawnWaits: this.undrawnWaits
      },
      traceEvents: [...names, ...this.drafts.map(({ lane, make }) => make(lane?.tid ?? 0))]
    }
  }

  // --- time ----------------------------------------------------------------------------------------------------------

  /** Nanoseconds since the recording began. */
  private nanos(at: number): number {
    return Math.round((at - this.recorded.from) * 1e6)
  }

  /**
   * A time for the next event: that at which it happened, if it is later than that of the last one. Of a clock that is
   * not that of the recording, as an actor may have, only the order is kept.
   */
  private tick(at: number): number {
    const own = this.nanos(at)
    const next = this.last + STEP
    this.last = own > this.end ? next : Math.max(own, next)
    return this.last
  }

  // --- what happened -------------------------------------------------------------------------------------------------

  private event(event: ActorSystem.Event): void {
    const at = this.tick(event.at)
    switch (event._tag) {
      case "Submitted":
      case "Started":
      case "Requeued":
      case "Settled":
      case "Refused":
        return this.callEvent(event, at)
      case "InstanceStarted":
        return this.moment(event.instance, at, "started", {})
      case "InstanceRestarting":
        this.restarting.set(this.process(event.instance), at)
        return this.moment(event.instance, at, "restarting", { error: event.error })
      case "InstanceRestarted":
        this.restarted(event.instance, at)
        return this.moment(event.instance, at, `restarted (${event.restarts})`, {})
      case "InstanceDied":
        this.restarted(event.instance, at)
        return this.moment(event.instance, at, `died: ${shown(event.why)}`, errorOf(event))
      case "InstanceGone":
        return this.moment(event.instance, at, "gone", {})
    }
  }

  private callEvent(event: CallEvent, at: number): void {
    if (event._tag === "Refused") {
      return this.moment(event.instance, at, `refused ${shown(methodOf(event))}`, { call: event.call })
    }
    const call = this.calls.get(event.call)
    switch (event._tag) {
      case "Submitted":
        return this.submitted(event, at)
      case "Started":
        if (call === undefined) return
        this.endWait(call, at)
        call.attempt = event.attempt
        call.waited = event.waited
        return this.beginRun(call, at)
      case "Requeued":
        if (call === undefined) return
        this.endRun(call, at, "to run again", errorOf(event))
        return this.beginWait(call, at)
      case "Settled":
        if (call === undefined) return
        this.settled(call, event, at)
    }
  }

  private submitted(event: Extract<CallEvent, { readonly _tag: "Submitted" }>, at: number): void {
    const call = this.open(event.call, shown(methodOf(event)), event.instance)
    call.parent = event.parent
    call.asked = event.asked
    const parent = event.parent === undefined ? undefined : this.calls.get(event.parent)
    if (parent?.run?.lane !== undefined) call.path.push({ at, lane: parent.run.lane })
    if (parent !== undefined) call.submittedBy = `${parent.method} (call ${parent.id})`
    this.beginWait(call, at)
  }

  private settled(call: OpenCall, event: Settled, at: number): void {
    const error = errorOf(event)
    if (call.run !== undefined) this.endRun(call, at, event.outcome, error)
    else this.endWait(call, at, event.outcome, error)
    this.close(call)
  }

  private restarted(instance: number, at: number): void {
    const process = this.process(instance)
    const from = this.restarting.get(process)
    if (from === undefined) return
    this.restarting.delete(process)
    this.slice(process.lifeLane(), from, at, "restarts", { cat: "life", cname: "bad", args: {} })
  }

  /** What still goes on is drawn up to the end of the recording. */
  private finish(): void {
    const end = this.tick(this.recorded.to)
    for (const call of this.calls.values()) {
      const unfinished = { unfinished: true }
      if (call.run !== undefined) this.endRun(call, end, "succeeded", unfinished)
      else this.endWait(call, end, "succeeded", unfinished)
      this.close(call)
    }
    for (const { pid } of this.restarting.keys()) this.restarted(pid, end)
  }

  // --- calls ---------------------------------------------------------------------------------------------------------

  private open(id: number, method: string, instance: number): OpenCall {
    const call: OpenCall = {
      id,
      method,
      process: this.process(instance),
      parent: undefined,
      submittedBy: undefined,
      asked: undefined,
      attempt: 1,
      waited: 0,
      hidden: 0,
      wait: undefined,
      run: undefined,
      path: []
    }
    this.calls.set(id, call)
    return call
  }

  /** A call that was under way before the first event. */
  private sow(seed: Seed): void {
    const call = this.open(seed.call, seed.name, seed.instance)
    const since = this.nanos(seed.since)
    const at = Math.max(0, since)
    call.hidden = (at - since) / 1e6
    // The events come after it, whatever its clock says.
    this.last = Math.max(this.last, at)
    call.attempt = seed.attempt
    if (seed.running) this.beginRun(call, at)
    else this.beginWait(call, at)
  }

  private beginWait(call: OpenCall, from: number): void {
    call.wait = { from, lane: call.process.waiting.take() }
    call.process.waits++
    this.curve(call.process, from)
  }

  private endWait(call: OpenCall, to: number, outcome?: string, more: Record<string, unknown> = {}): void {
    const { process, wait } = call
    if (wait === undefined) return
    call.wait = undefined
    process.waits--
    if (wait.lane === undefined) {
      this.undrawnWaits++
    } else {
      process.waiting.release(wait.lane)
      // A wait that is all there is of a call is drawn, however short.
      if (outcome !== undefined || to - wait.from >= SHORTEST_WAIT) {
        const args = { ...this.about(call), ...(outcome !== undefined && !more.unfinished && { outcome }), ...more }
        this.slice(wait.lane, wait.from, to, labelOf(call.method, outcome), {
          cat: "waiting",
          cname: "grey",
          args
        })
        call.path.push({ at: wait.from, lane: wait.lane })
      }
    }
    this.curve(process, to)
  }

  private beginRun(call: OpenCall, from: number): void {
    const lane = call.process.running.take()
    call.run = { from, lane }
    call.process.runs++
    if (lane !== undefined) call.path.push({ at: from, lane })
    this.curve(call.process, from)
  }

  private endRun(call: OpenCall, to: number, outcome: string, more: Record<string, unknown>): void {
    const { process, run } = call
    if (run?.lane === undefined) return
    call.run = undefined
    process.runs--
    process.running.release(run.lane)
    this.slice(run.lane, run.from, to, labelOf(call.method, outcome), {
      cat: "running",
      ...(outcome !== "succeeded" && { cname: "terrible" }),
      args: {
        ...this.about(call),
        ...(!more.unfinished && { outcome }),
        waitedMs: millis(call.waited),
        ...(call.attempt > 1 && { attempt: call.attempt }),
        ...more
      }
    })
    this.curve(process, to)
  }

  private about(call: OpenCall): Record<string, unknown> {
    const { asked, hidden, id, submittedBy } = call
    call.hidden = 0
    return {
      call: id,
      ...(hidden > 0 && { beforeRecordingMs: millis(hidden) }),
      ...(asked !== undefined && { submitted: asked ? "asked" : "remote" }),
      ...(submittedBy !== undefined && { by: submittedBy })
    }
  }

  /** The call is over: its arrow can be drawn. */
  private close(call: OpenCall): void {
    this.calls.delete(call.id)
    const { path } = call
    if (path.length < 2) return
    for (const [index, { at, lane }] of path.entries()) {
      const ph = index === 0 ? "s" : index === path.length - 1 ? "f" : "t"
      // All events of an arrow have its number, its name and its category: viewers match by all three.
      this.draft(at, lane, 2 + index, (tid) => {
        return { ph, name: "call", cat: "call", id: call.id, pid: lane.pid, tid, ts: at / 1000, bp: "e" }
      })
    }
  }

  // --- drawing -------------------------------------------------------------------------------------------------------

  private process(instance: number): Process {
    let process = this.processes.get(instance)
    if (process === undefined) {
      process = new Process(instance, this.waitingLanes)
      this.processes.set(instance, process)
    }
    return process
  }

  private draft(at: number, lane: Lane | undefined, rank: number, make: Draft["make"]): void {
    this.drafts.push({ at, lane, rank, make })
  }

  private slice(
    lane: Lane,
    from: number,
    to: number,
    name: string,
    rest: { readonly cat: string; readonly cname?: string; readonly args: Record<string, unknown> }
  ): void {
    this.draft(from, lane, 0, (tid) => {
      return { ph: "X", name, pid: lane.pid, tid, ts: from / 1000, dur: (to - from) / 1000, ...rest }
    })
  }

  private moment(instance: number, at: number, name: string, args: Record<string, unknown>): void {
    this.draft(at, this.process(instance).lifeLane(), 1, (tid) => {
      return { ph: "i", name, cat: "life", s: "t", pid: instance, tid, ts: at / 1000, args }
    })
  }

  /** A point of the curve of calls. Points that are too close to be told apart become one. */
  private curve(process: Process, at: number): void {
    const { pid, runs: running, waits: waiting } = process
    const before = this.curves.get(process)
    const same = before !== undefined && at - before.at < this.curveGap
    const point = same ? before : { at, index: this.drafts.length }
    this.curves.set(process, point)
    this.drafts[point.index] = {
      at: point.at,
      lane: undefined,
      rank: 1,
      make: () => ({ ph: "C", name: "calls", pid, ts: point.at / 1000, args: { running, waiting } })
    }
  }

  /** Names for all processes and lanes, and numbers for lanes, none of which is that of a process. */
  private describe(): ReadonlyArray<TraceEvent> {
    const titles = titlesOf(this.recorded)
    const processes = [...this.processes.values()].sort((a, b) => a.pid - b.pid)
    let tid = (processes.at(-1)?.pid ?? 0) + 1
    return processes.flatMap((process) => {
      const events = process.describe(titles.get(process.pid) ?? `#${process.pid}`, tid)
      tid += events.length
      return events
    })
  }
}

const errorOf = ({ error }: { readonly error: string | undefined }) =>
  error === undefined ? {} : { error: shown(error, MOST_OF_AN_ERROR) }

const millis = (value: number): number => Math.round(value * 1000) / 1000

/** Viewers color by name: what did not succeed looks different. */
const labelOf = (method: string, outcome: string | undefined): string =>
  outcome === undefined || outcome === "succeeded" ? method : `${method} (${outcome})`

// --- what the events do not say --------------------------------------------------------------------------------------

/**
 * Calls that were under way before the first event: since the oldest events are the ones that are missing, whatever
 * began without an event that says so began before them.
 */
const seedsOf = ({ after, events }: Recorded): ReadonlyArray<Seed> => {
  const seen = new Set<number>()
  const seeds: Array<Seed> = []
  for (const event of events) {
    if (!("call" in event) || seen.has(event.call)) continue
    seen.add(event.call)
    const seed = { call: event.call, instance: event.instance, name: shown(methodOf(event)) }
    if (event._tag === "Started") {
      seeds.push({ ...seed, running: false, since: event.at - event.waited, attempt: event.attempt })
    } else if (event._tag === "Requeued") {
      seeds.push({ ...seed, running: true, since: event.at - event.ran, attempt: 1 })
    } else if (event._tag === "Settled") {
      seeds.push({
        ...seed,
        running: event.ran !== undefined,
        since: event.at - (event.ran ?? event.waited),
        attempt: 1
      })
    }
  }
  for (const call of after.calls) {
    if (seen.has(call.id)) continue
    const { attempts, id, instance, since } = call
    seeds.push({ call: id, instance, name: shown(methodOf(call)), running: isRunning(call), since, attempt: attempts })
  }
  return seeds.sort((a, b) => a.since - b.since)
}

const isRunning = ({ stage }: ActorSystem.UnsettledCall): boolean => stage === "running" || stage === "ending"

/** What to call each instance. */
const titlesOf = ({ after, before, events }: Recorded): Map<number, string> => {
  const titles = new Map<number, string>()
  for (const event of events) {
    if (event._tag === "InstanceStarted") titles.set(event.instance, labelled(event))
    else if (!titles.has(event.instance)) titles.set(event.instance, labelled(event))
  }
  for (const instance of [...before.instances, ...after.instances]) titles.set(instance.instance, labelled(instance))
  return titles
}

const labelled = (instance: Named): string => `${shown(titleOf(instance))} #${instance.instance}`
