/**
 * The text of a Chrome trace, and what is in it.
 */
import type { ChromeTrace } from "../../Timeline.ts"

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
