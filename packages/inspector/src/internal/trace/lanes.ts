/**
 * Which calls are drawn in which lane, and where each lane stands.
 */
import type { TraceEvent } from "../../Timeline.ts"

/** One row of the picture. It gets its number (`tid`) when all lanes are known. */
export interface Lane {
  readonly pid: number
  readonly name: string
  tid: number
}

/** Lanes of one kind. A call takes the lowest free one, so there are only as many as there are calls at a time. */
export class Lanes {
  readonly all: Array<Lane> = []
  private readonly taken: Array<boolean> = []
  /** No lane below this one is free. */
  private lowest = 0

  private readonly pid: number
  private readonly kind: string
  private readonly max: number

  constructor(pid: number, kind: string, max: number) {
    this.pid = pid
    this.kind = kind
    this.max = max
  }

  /** The lowest free lane, or `undefined` if all of them are taken. */
  take(): Lane | undefined {
    while (this.taken[this.lowest]) this.lowest++
    if (this.lowest >= this.max) return undefined
    const index = this.lowest++
    this.taken[index] = true
    this.all[index] ??= { pid: this.pid, name: `${this.kind} ${index + 1}`, tid: 0 }
    return this.all[index]
  }

  release(lane: Lane): void {
    const index = this.all.indexOf(lane)
    this.taken[index] = false
    this.lowest = Math.min(this.lowest, index)
  }
}

/** What is drawn of one instance. */
export class Process {
  readonly pid: number
  readonly running: Lanes
  readonly waiting: Lanes
  /** Where restarts and its end are drawn. Made when there is something to draw. */
  private life: Lane | undefined = undefined
  runs = 0
  waits = 0

  constructor(pid: number, waitingLanes: number) {
    this.pid = pid
    this.running = new Lanes(pid, "running", Infinity)
    this.waiting = new Lanes(pid, "waiting", waitingLanes)
  }

  lifeLane(): Lane {
    this.life ??= { pid: this.pid, name: "life", tid: 0 }
    return this.life
  }

  private lanes(): ReadonlyArray<Lane> {
    return [...(this.life === undefined ? [] : [this.life]), ...this.running.all, ...this.waiting.all]
  }

  /** Numbers the lanes from `tid` on, and returns the events that name them. */
  describe(name: string, tid: number): ReadonlyArray<TraceEvent> {
    const { pid } = this
    const events: Array<TraceEvent> = [
      { ph: "M", name: "process_name", pid, args: { name } },
      { ph: "M", name: "process_sort_index", pid, args: { sort_index: pid } }
    ]
    for (const [index, lane] of this.lanes().entries()) {
      lane.tid = tid + index
      events.push(
        { ph: "M", name: "thread_name", pid, tid: lane.tid, args: { name: lane.name } },
        { ph: "M", name: "thread_sort_index", pid, tid: lane.tid, args: { sort_index: index } }
      )
    }
    return events
  }
}
