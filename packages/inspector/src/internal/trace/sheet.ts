/**
 * The sheet that a recording is drawn on: slices, moments, arrows and curves, each in its process and lane.
 */
import type { TraceEvent } from "../../Timeline.ts"
import { type Lane, Process } from "./lanes.ts"

/** An event of the trace whose lane has no number yet. Times are in nanoseconds. */
interface Draft {
  readonly at: number
  readonly lane: Lane | undefined
  readonly make: (tid: number) => TraceEvent
  /** Of what happens at the same time, slices come first: arrows bind to slices that are there. */
  readonly rank: number
}

/** Points of an arrow: where it leaves, where it passes, where it ends. */
export type Path = Array<{ readonly at: number; readonly lane: Lane }>

export class Sheet {
  private readonly drafts: Array<Draft> = []
  private readonly processes = new Map<number, Process>()
  private readonly curves = new Map<Process, { readonly at: number; readonly index: number }>()
  private readonly waitingLanes: number
  /** Nanoseconds between two points of a curve that can be told apart. */
  private readonly curveGap: number

  constructor(waitingLanes: number, curveGap: number) {
    this.waitingLanes = waitingLanes
    this.curveGap = curveGap
  }

  process(instance: number): Process {
    let process = this.processes.get(instance)
    if (process === undefined) {
      process = new Process(instance, this.waitingLanes)
      this.processes.set(instance, process)
    }
    return process
  }

  slice(
    lane: Lane,
    from: number,
    to: number,
    name: string,
    rest: { readonly cat: string; readonly cname?: string; readonly args: Record<string, unknown> }
  ): void {
    const make = (tid: number): TraceEvent => {
      return { ph: "X", name, pid: lane.pid, tid, ts: from / 1000, dur: (to - from) / 1000, ...rest }
    }
    this.drafts.push({ at: from, lane, rank: 0, make })
  }

  /** Something that happened to an instance. */
  moment(instance: number, at: number, name: string, args: Record<string, unknown>): void {
    const make = (tid: number): TraceEvent => {
      return { ph: "i", name, cat: "life", s: "t", pid: instance, tid, ts: at / 1000, args }
    }
    this.drafts.push({ at, lane: this.process(instance).lifeLane(), rank: 1, make })
  }

  /** The arrow of a call. */
  arrow(call: number, path: Path): void {
    if (path.length < 2) return
    for (const [index, { at, lane }] of path.entries()) {
      const ph = index === 0 ? "s" : index === path.length - 1 ? "f" : "t"
      // All events of an arrow have its number, its name and its category: viewers match by all three.
      const make = (tid: number): TraceEvent => {
        return { ph, name: "call", cat: "call", id: call, pid: lane.pid, tid, ts: at / 1000, bp: "e" }
      }
      this.drafts.push({ at, lane, rank: 2 + index, make })
    }
  }

  /** A point of the curve of calls. Points that are too close to be told apart become one. */
  curve(process: Process, at: number): void {
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

  /** All that was drawn, in order of time, after the names of processes and lanes. */
  events(titles: ReadonlyMap<number, string>): ReadonlyArray<TraceEvent> {
    const names = this.describe(titles)
    // Stable, so equal times keep the order of the events.
    this.drafts.sort((a, b) => a.at - b.at || a.rank - b.rank)
    return [...names, ...this.drafts.map(({ lane, make }) => make(lane?.tid ?? 0))]
  }

  /** Names processes and lanes, and numbers the lanes. No lane has the number of a process. */
  private describe(titles: ReadonlyMap<number, string>): ReadonlyArray<TraceEvent> {
    const processes = [...this.processes.values()].sort((a, b) => a.pid - b.pid)
    let tid = (processes.at(-1)?.pid ?? 0) + 1
    return processes.flatMap((process) => {
      const events = process.describe(titles.get(process.pid) ?? `#${process.pid}`, tid)
      tid += events.length
      return events
    })
  }
}
