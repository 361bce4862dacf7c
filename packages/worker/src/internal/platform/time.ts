/**
 * Timers that do not keep the process alive, and a clock. A browser has no process, and its timers are numbers.
 */

/** The time by a clock that a page and its threads have in common, in milliseconds. */
export const clock = (): number => performance.timeOrigin + performance.now()

export type Timer = Partial<Pick<NodeJS.Timeout, "ref" | "unref">>

/** From here on the process may end although the timer has not fired. */
export const unref = (timer: Timer | undefined): void => void timer?.unref?.()

/** From here on the process goes on until the timer has fired or is cleared. */
export const ref = (timer: Timer | undefined): void => void timer?.ref?.()

/** The longest that timers can wait: 25 days. */
const LONGEST_MILLIS = 2 ** 31 - 1

/** A timer, unless it would never fire. */
export const after = (milliseconds: number, work: () => void): NodeJS.Timeout | undefined =>
  milliseconds > LONGEST_MILLIS ? undefined : setTimeout(work, milliseconds)
