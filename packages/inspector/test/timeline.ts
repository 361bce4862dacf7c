/** What the format and its viewers ask of a Chrome trace, checked without knowing how ours are made. */
import { assert } from "@effect/vitest"
import type { ChromeTrace, TraceEvent } from "@troupe/inspector/Timeline"

export type Slice = Extract<TraceEvent, { readonly ph: "X" }>

/** Times as viewers take them: what adds up in the text does not need to in binary fractions. */
type Reader = (micros: number) => number
const readers: ReadonlyArray<Reader> = [(micros) => Math.round(micros * 1000), (micros) => Math.trunc(micros * 1000)]

export const slices = ({ traceEvents }: ChromeTrace, cat?: string): ReadonlyArray<Slice> =>
  traceEvents.filter((event): event is Slice => event.ph === "X" && (cat === undefined || event.cat === cat))

export const moments = ({ traceEvents }: ChromeTrace): ReadonlyArray<string> =>
  traceEvents.filter(({ ph }) => ph === "i").map(({ name }) => name)

/** The names of processes by pid, or of lanes by tid. */
export const namesOf = ({ traceEvents }: ChromeTrace, what: "process_name" | "thread_name"): Map<number, string> => {
  const names = new Map<number, string>()
  for (const event of traceEvents) {
    if (event.ph !== "M" || event.name !== what) continue
    const number = what === "process_name" ? event.pid : event.tid!
    assert.isFalse(names.has(number), `${what} ${number} is named twice`)
    names.set(number, String(event.args.name))
  }
  return names
}

/** `app/Counter #1/running 2: increment`, for each slice in order. */
export const drawn = (trace: ChromeTrace, cat?: string): ReadonlyArray<string> => {
  const lanes = namesOf(trace, "thread_name")
  return slices(trace, cat).map(({ name, tid }) => `${lanes.get(tid)}: ${name}`)
}

/** The arrows, each as the names of the slices that it goes through. */
export const arrows = (trace: ChromeTrace, nanos: Reader = readers[0]!): ReadonlyArray<string> => {
  const paths = new Map<number, Array<string>>()
  const lanes = namesOf(trace, "thread_name")
  for (const event of trace.traceEvents) {
    if (event.ph !== "s" && event.ph !== "t" && event.ph !== "f") continue
    const at = nanos(event.ts)
    const under = slices(trace).filter(
      ({ tid, ts, dur }) => tid === event.tid && nanos(ts) <= at && at < nanos(ts) + nanos(dur)
    )
    assert.lengthOf(under, 1, `arrow ${event.id} is bound to ${under.length} slices at ${event.ts}`)
    const path = paths.get(event.id) ?? []
    assert.strictEqual(event.ph === "s", path.length === 0, `arrow ${event.id} begins once, and first`)
    path.push(`${under[0]!.name} (${lanes.get(event.tid)})`)
    paths.set(event.id, path)
  }
  return [...paths.values()].map((path) => path.join(" -> "))
}

export const verify = (trace: ChromeTrace): void => {
  assert.deepStrictEqual(JSON.parse(JSON.stringify(trace)), trace, "it is plain data")
  for (const reader of readers) verifyWith(trace, reader)
}

const verifyWith = (trace: ChromeTrace, nanos: Reader): void => {
  const { traceEvents } = trace
  const processes = namesOf(trace, "process_name")
  const lanes = namesOf(trace, "thread_name")

  let last = Number.NEGATIVE_INFINITY
  const ends = new Map<number, { readonly end: number; readonly pid: number }>()
  const arrowEnds = new Map<number, string>()
  for (const event of traceEvents) {
    if (event.ph === "M") continue
    assert.isTrue(Number.isFinite(event.ts) && event.ts >= 0, `time ${event.ts} of ${event.name}`)
    assert.isAtLeast(event.ts, last, "events are in order of time")
    last = event.ts
    assert.isTrue(processes.has(event.pid), `process ${event.pid} has a name`)
    if (event.ph === "C") continue
    assert.isTrue(lanes.has(event.tid), `lane ${event.tid} has a name`)
    assert.isFalse(
      processes.has(event.tid),
      "no lane has the number of a process: it would be taken for its main thread"
    )
    if (event.ph === "X") {
      const begin = nanos(event.ts)
      const before = ends.get(event.tid)
      assert.isAbove(nanos(event.dur), 0)
      assert.isAtLeast(begin, before?.end ?? 0, `${event.name} overlaps what is before it in ${lanes.get(event.tid)}`)
      assert.strictEqual(event.pid, before?.pid ?? event.pid, "a lane belongs to one process")
      ends.set(event.tid, { end: begin + nanos(event.dur), pid: event.pid })
    } else if (event.ph === "s" || event.ph === "t" || event.ph === "f") {
      assert.notStrictEqual(arrowEnds.get(event.id), "f", `arrow ${event.id} goes on after its end`)
      arrowEnds.set(event.id, event.ph)
    }
  }
  for (const [id, ph] of arrowEnds) assert.strictEqual(ph, "f", `arrow ${id} ends`)
  arrows(trace, nanos)
}
