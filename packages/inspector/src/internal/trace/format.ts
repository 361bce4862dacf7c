/**
 * The parts of the Chrome trace format that a timeline uses, and its text.
 *
 * The format is described in "Trace Event Format" (the Catapult project); Perfetto reads it as "JSON traces". Slices are
 * complete events (`X`), which cannot be left open, and which never overlap within one lane.
 */

interface Base {
  readonly name: string
  /** The number of the instance. */
  readonly pid: number
  /** Microseconds since the recording began, with three decimals. */
  readonly ts: number
}

interface InLane extends Base {
  /** The lane. Unique in the trace, not only in its process. */
  readonly tid: number
}

/**
 * One event of a Chrome trace.
 *
 * `M` names processes and lanes, `X` is a stretch of time, `i` a moment, `C` a point of a curve; `s`, `t` and `f` are
 * the begin, the steps and the end of an arrow.
 *
 * @category models
 * @since 0.1.0
 */
export type TraceEvent =
  | {
      readonly ph: "M"
      readonly name: "process_name" | "process_labels" | "process_sort_index" | "thread_name" | "thread_sort_index"
      readonly pid: number
      readonly tid?: number
      readonly args: Readonly<Record<string, string | number>>
    }
  | (InLane & {
      readonly ph: "X"
      readonly cat: string
      readonly dur: number
      readonly cname?: string
      readonly args: Readonly<Record<string, unknown>>
    })
  | (InLane & {
      readonly ph: "i"
      readonly cat: string
      readonly s: "t"
      readonly args: Readonly<Record<string, unknown>>
    })
  | (Base & { readonly ph: "C"; readonly args: { readonly running: number; readonly waiting: number } })
  | (InLane & { readonly ph: "s" | "t" | "f"; readonly cat: string; readonly id: number; readonly bp: "e" })

/**
 * A Chrome trace, in its JSON object format. All times in it are microseconds since the recording began.
 *
 * @category models
 * @since 0.1.0
 */
export interface ChromeTrace {
  // There is no `displayTimeUnit`: milliseconds are the default, and some viewers take it for the unit of the times.
  readonly traceEvents: ReadonlyArray<TraceEvent>
  readonly otherData: {
    readonly recordedBy: string
    /** When the recording began, as a date. */
    readonly startedAt: string
    readonly durationMs: number
    readonly events: number
    /** How many older events were dropped because the buffer was full. */
    readonly droppedEvents: number
    /** How many waits are not drawn, since too many calls waited at a time. */
    readonly undrawnWaits: number
  }
}

export const stringify = ({ otherData, traceEvents }: ChromeTrace): string => {
  const lines = traceEvents.map((event) => JSON.stringify(event)).join(",\n")
  return `{"otherData":${JSON.stringify(otherData)},"traceEvents":[\n${lines}\n]}\n`
}

/** "12 calls of 3 instances in 1.2 s", and how much is missing. */
export const summary = ({ otherData, traceEvents }: ChromeTrace): string => {
  const calls = new Set<unknown>()
  const instances = new Set<number>()
  for (const event of traceEvents) {
    if (event.ph === "X" && event.args.call !== undefined) calls.add(event.args.call)
    if (event.ph === "M" && event.name === "process_name") instances.add(event.pid)
  }
  const lost = otherData.droppedEvents === 0 ? "" : `; ${otherData.droppedEvents} older events were dropped`
  const seconds = (otherData.durationMs / 1000).toFixed(1)
  return `${count(calls.size, "call")} of ${count(instances.size, "instance")} in ${seconds} s${lost}`
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`
