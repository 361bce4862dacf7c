/**
 * What people call the threads of a schedule.
 */
import type { Thread } from "./scheduler.ts"

/** The name of a thread: of the program, of a call, or of whatever one of these has started. */
export const labelOf = (thread: Thread): string => {
  if (thread.label !== undefined) return thread.label
  if (thread.parent === undefined) return "start"
  return `${labelOf(thread.parent)}/${thread.index}`
}
