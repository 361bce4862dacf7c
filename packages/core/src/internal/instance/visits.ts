/**
 * Calls do not wait for those of another request, where the platform keeps requests apart (semantics 2.9).
 *
 * What ends a call starts the next one: it would run in the other request, and its timers and I/O would end with that
 * one, which may be over already. Then it never settles, and keeps its permit for ever.
 */
import { isPresent, type Mark, present } from "../base/request.ts"
import type { Line } from "./line.ts"

/** Whose the calls of a line are, and in which request an instance is being made ready. */
const marks = new WeakMap<object, Mark>()

/** For a line with calls of several requests. */
const several: Mark = { aborted: false }

/** The present request makes an instance ready in the background. */
export const begin = (life: object): void => void marks.set(life, present())

const isIdle = ({ head, running }: Line): boolean => head === undefined && running === 0

/** Whether a line has calls of another request. */
export const isOfOthers = (line: Line): boolean => !isIdle(line) && !isPresent(marks.get(line))

/** Whether a call of the present request can join a line: it starts at once, or behind calls of its own request. */
export const admits = (line: Line): boolean => {
  const { life } = line.cell
  if (!life.ready && !isPresent(marks.get(life))) return false
  if (isOfOthers(line)) {
    if (line.head !== undefined || line.running >= line.limit) return false
    marks.set(line, several)
  } else if (isIdle(line)) marks.set(line, present())
  return true
}
