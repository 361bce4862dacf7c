/**
 * From recorded events to a Chrome trace.
 *
 * Events are drawn in the order in which they happened, each at a time of its own: of several at the same time (clocks
 * are coarse, that of a test stands still) each is some nanoseconds later than the one before. So no two slices of a
 * lane overlap, and each arrow begins strictly inside a slice, without which viewers drop it.
 */
import type * as ActorSystem from "@troupe/core/ActorSystem"
import type { ChromeTrace, Recorded } from "../../Timeline.ts"
import { methodOf, type Named, titleOf } from "../base/names.ts"
import { MOST_OF_AN_ERROR, shown } from "../base/shown.ts"
import { Calls, millis } from "./calls.ts"
import { type Seed, seedsOf } from "./seeds.ts"
import { Sheet } from "./sheet.ts"

type CallEvent = ActorSystem.CallEvent

/**
 * The least number of nanoseconds between two events. One is not enough: times are written as microseconds with
 * decimals, and viewers that truncate binary fractions are one nanosecond off, for begin and length each.
 */
const STEP = 4
/** How many points of a curve are drawn over the time of the recording. */
const CURVE_POINTS = 10_000

export const toChromeTrace = (recorded: Recorded, options: { readonly waitingLanes: number }): ChromeTrace => {
  const { dropped, events, from, to } = recorded
  const drawing = new Drawing(recorded, options.waitingLanes)
  for (const seed of seedsOf(recorded)) drawing.seed(seed)
  for (const event of events) drawing.event(event)
  drawing.finish(to)
  return {
    otherData: {
      recordedBy: "@troupe/inspector",
      startedAt: new Date(from).toISOString(),
      durationMs: millis(to - from),
      events: events.length,
      droppedEvents: dropped,
      undrawnWaits: drawing.calls.undrawnWaits
    },
    traceEvents: drawing.sheet.events(titlesOf(recorded))
  }
}

/** Reads events one after the other, and has them drawn. */
class Drawing {
  readonly sheet: Sheet
  readonly calls: Calls
  /** Instances that are restarting, with the time since when. */
  private readonly restarting = new Map<number, number>()
  /** When the recording began, in milliseconds since the epoch. */
  private readonly origin: number
  /** How long the recording took, and the time of the last event, in nanoseconds. */
  private readonly end: number
  private last = 0

  constructor({ from, to }: Recorded, waitingLanes: number) {
    this.origin = from
    this.end = this.nanos(to)
    this.sheet = new Sheet(waitingLanes, Math.max(1000, this.end / CURVE_POINTS))
    this.calls = new Calls(this.sheet)
  }

  /** A call that was in flight before the first event. */
  seed(seed: Seed): void {
    const call = this.calls.add(seed.call, seed.name, seed.instance)
    const since = this.nanos(seed.since)
    const at = Math.max(0, since)
    call.hidden = (at - since) / 1e6
    // The events come after it, whatever its clock says.
    this.last = Math.max(this.last, at)
    call.attempt = seed.attempt
    if (seed.running) this.calls.beginRun(call, at)
    else this.calls.beginWait(call, at)
  }

  event(event: ActorSystem.Event): void {
    const at = this.tick(event.at)
    const { sheet } = this
    switch (event._tag) {
      case "Submitted":
      case "Started":
      case "Requeued":
      case "Settled":
      case "Refused":
        return this.callEvent(event, at)
      case "InstanceStarted":
        return sheet.moment(event.instance, at, "started", {})
      case "InstanceRestarting":
        this.restarting.set(event.instance, at)
        return sheet.moment(event.instance, at, "restarting", { error: event.error })
      case "InstanceRestarted":
        this.restarted(event.instance, at)
        return sheet.moment(event.instance, at, `restarted (${event.restarts})`, {})
      case "InstanceDied":
        this.restarted(event.instance, at)
        return sheet.moment(event.instance, at, `died: ${shown(event.why)}`, errorOf(event))
      case "InstanceGone":
        return sheet.moment(event.instance, at, "gone", {})
    }
  }

  private callEvent(event: CallEvent, at: number): void {
    const { calls } = this
    if (event._tag === "Refused") {
      return this.sheet.moment(event.instance, at, `refused ${shown(methodOf(event))}`, { call: event.call })
    }
    if (event._tag === "Submitted") return this.submitted(event, at)
    const call = calls.get(event.call)
    if (call === undefined) return
    switch (event._tag) {
      case "Started":
        calls.endWait(call, at)
        call.attempt = event.attempt
        call.waited = event.waited
        return calls.beginRun(call, at)
      case "Requeued":
        calls.endRun(call, at, "to run again", errorOf(event))
        return calls.beginWait(call, at)
      case "Settled":
        return calls.settle(call, at, event.outcome, errorOf(event))
    }
  }

  private submitted(event: Extract<CallEvent, { readonly _tag: "Submitted" }>, at: number): void {
    const call = this.calls.add(event.call, shown(methodOf(event)), event.instance)
    call.asked = event.asked
    const parent = event.parent === undefined ? undefined : this.calls.get(event.parent)
    if (parent !== undefined) this.calls.leadFrom(parent, call, at)
    this.calls.beginWait(call, at)
  }

  private restarted(instance: number, at: number): void {
    const from = this.restarting.get(instance)
    if (from === undefined) return
    this.restarting.delete(instance)
    const lane = this.sheet.process(instance).lifeLane()
    this.sheet.slice(lane, from, at, "restarts", { cat: "life", cname: "bad", args: {} })
  }

  /** Draws what has not ended yet up to the end of the recording. */
  finish(to: number): void {
    const end = this.tick(to)
    this.calls.finish(end)
    for (const instance of this.restarting.keys()) this.restarted(instance, end)
  }

  /** Nanoseconds since the recording began. */
  private nanos(at: number): number {
    return Math.round((at - this.origin) * 1e6)
  }

  /**
   * The time at which the next event is drawn: its own, if that is later than the last one's. An actor may have a clock
   * that is not the recording's: of its events only the order counts.
   */
  private tick(at: number): number {
    const own = this.nanos(at)
    const next = this.last + STEP
    this.last = own > this.end ? next : Math.max(own, next)
    return this.last
  }
}

const errorOf = ({ error }: { readonly error: string | undefined }) =>
  error === undefined ? {} : { error: shown(error, MOST_OF_AN_ERROR) }

/** What each instance is called. Where a snapshot has it, the snapshot counts. */
const titlesOf = ({ after, before, events }: Recorded): ReadonlyMap<number, string> => {
  const titles = new Map<number, string>()
  for (const event of events) {
    if (event._tag === "InstanceStarted" || !titles.has(event.instance)) titles.set(event.instance, labelled(event))
  }
  for (const instance of [...before.instances, ...after.instances]) titles.set(instance.instance, labelled(instance))
  return titles
}

const labelled = (instance: Named): string => `${shown(titleOf(instance))} #${instance.instance}`
