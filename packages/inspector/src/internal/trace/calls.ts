/**
 * Calls on a sheet: each waits and runs in a lane of its own, and an arrow leads to it from the call that submitted it.
 *
 * All times are nanoseconds since the recording began, unless they say otherwise.
 */
import type { Lane, Process } from "./lanes.ts"
import type { Path, Sheet } from "./sheet.ts"

/** A wait or a run that has begun. */
interface Stretch {
  readonly from: number
  /** `undefined` if there is no lane for it. */
  readonly lane: Lane | undefined
}

/** A call that has not settled yet, as far as the events have been read. */
export interface OpenCall {
  readonly id: number
  readonly method: string
  readonly process: Process
  submittedBy: string | undefined
  asked: boolean | undefined
  attempt: number
  /** Milliseconds that it waited before its present run. */
  waited: number
  /** Milliseconds of its first stretch that are not drawn, since they were before the recording. */
  hidden: number
  wait: Stretch | undefined
  run: Stretch | undefined
  /** Where its arrow passes. */
  readonly path: Path
}

/** A call that found a permit waits a moment, too. Shorter than this, a viewer would only show a hairline. */
const SHORTEST_WAIT = 10_000

export class Calls {
  /** How many waits are not drawn, since too many calls waited at a time. */
  undrawnWaits = 0
  private readonly open = new Map<number, OpenCall>()
  private readonly sheet: Sheet

  constructor(sheet: Sheet) {
    this.sheet = sheet
  }

  get(id: number): OpenCall | undefined {
    return this.open.get(id)
  }

  add(id: number, method: string, instance: number): OpenCall {
    const call: OpenCall = {
      id,
      method,
      process: this.sheet.process(instance),
      submittedBy: undefined,
      asked: undefined,
      attempt: 1,
      waited: 0,
      hidden: 0,
      wait: undefined,
      run: undefined,
      path: []
    }
    this.open.set(id, call)
    return call
  }

  /** The arrow of a call begins in the run of the call that submitted it. */
  leadFrom(parent: OpenCall, call: OpenCall, at: number): void {
    if (parent.run?.lane !== undefined) call.path.push({ at, lane: parent.run.lane })
    call.submittedBy = `${parent.method} (call ${parent.id})`
  }

  beginWait(call: OpenCall, from: number): void {
    call.wait = { from, lane: call.process.waiting.take() }
    call.process.waits++
    this.sheet.curve(call.process, from)
  }

  /** Ends a wait: with an outcome if the call never ran. */
  endWait(call: OpenCall, to: number, outcome?: string, more: Record<string, unknown> = {}): void {
    const { process, wait } = call
    if (wait === undefined) return
    call.wait = undefined
    process.waits--
    if (wait.lane === undefined) this.undrawnWaits++
    else {
      process.waiting.release(wait.lane)
      // A wait that is all there is of a call is drawn, however short.
      if (outcome !== undefined || to - wait.from >= SHORTEST_WAIT) {
        const args = { ...about(call), ...(outcome !== undefined && !more.unfinished && { outcome }), ...more }
        const drawing = { cat: "waiting", cname: "grey", args }
        this.sheet.slice(wait.lane, wait.from, to, labelOf(call.method, outcome), drawing)
        call.path.push({ at: wait.from, lane: wait.lane })
      }
    }
    this.sheet.curve(process, to)
  }

  beginRun(call: OpenCall, from: number): void {
    const lane = call.process.running.take()
    call.run = { from, lane }
    call.process.runs++
    if (lane !== undefined) call.path.push({ at: from, lane })
    this.sheet.curve(call.process, from)
  }

  endRun(call: OpenCall, to: number, outcome: string, more: Record<string, unknown>): void {
    const { process, run } = call
    if (run?.lane === undefined) return
    call.run = undefined
    process.runs--
    process.running.release(run.lane)
    this.sheet.slice(run.lane, run.from, to, labelOf(call.method, outcome), {
      cat: "running",
      ...(outcome !== "succeeded" && { cname: "terrible" }),
      args: {
        ...about(call),
        ...(!more.unfinished && { outcome }),
        waitedMs: millis(call.waited),
        ...(call.attempt > 1 && { attempt: call.attempt }),
        ...more
      }
    })
    this.sheet.curve(process, to)
  }

  /** Ends a call, whether it runs or waits, and draws its arrow. */
  settle(call: OpenCall, at: number, outcome: string, more: Record<string, unknown>): void {
    if (call.run !== undefined) this.endRun(call, at, outcome, more)
    else this.endWait(call, at, outcome, more)
    this.open.delete(call.id)
    this.sheet.arrow(call.id, call.path)
  }

  /** Draws what is still in flight up to the end of the recording. */
  finish(at: number): void {
    for (const call of this.open.values()) this.settle(call, at, "succeeded", { unfinished: true })
  }
}

/** The details of the next stretch of a call. Only the first one can have begun before the recording. */
const about = (call: OpenCall): Record<string, unknown> => {
  const { asked, hidden, id, submittedBy } = call
  call.hidden = 0
  return {
    call: id,
    ...(hidden > 0 && { beforeRecordingMs: millis(hidden) }),
    ...(asked !== undefined && { submitted: asked ? "asked" : "remote" }),
    ...(submittedBy !== undefined && { by: submittedBy })
  }
}

/** Viewers color by name: what did not succeed looks different. */
const labelOf = (method: string, outcome: string | undefined): string =>
  outcome === undefined || outcome === "succeeded" ? method : `${method} (${outcome})`

/** Milliseconds with three decimals. */
export const millis = (value: number): number => Math.round(value * 1000) / 1000
