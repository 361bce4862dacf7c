/** What a row says of its instance, in words. No DOM in here. */
import type { Row } from "../../src/internal/live/frame.ts"

/** The event loop lag of the thread that an instance runs on, in milliseconds, if its home tells. */
export const lagOf = ({ home }: Row): number | undefined => {
  const lag = home?.lagMillis ?? home?.lagMs
  return typeof lag === "number" ? lag : undefined
}

/** The place that instances are grouped by: a node, a thread, this process. */
export const whereOf = ({ home }: Row): string => {
  if (home === undefined) return "this process"
  const { kind, node, runner, thread } = home
  const where = node ?? runner
  if (where !== undefined) return `node ${String(where)}`
  return thread === undefined ? String(kind ?? "elsewhere") : `thread ${String(thread)}`
}

/** Where an instance lives, in a few words. */
export const placeOf = ({ home }: Row): string => {
  if (home === undefined) return ""
  const { kind, lagMillis, lagMs, ...facts } = home
  const told = Object.entries(facts).map(([name, value]) => `${name} ${String(value)}`)
  return told.length === 0 ? String(kind ?? "") : told.join(" · ")
}

/** What people call the state: a running instance that runs no call is idle. */
export const stateText = ({ running, state }: Row): string => (state === "running" && running === 0 ? "idle" : state)

export const nameOf = ({ id, key, name }: Row): string => key ?? name ?? `#${id}`
