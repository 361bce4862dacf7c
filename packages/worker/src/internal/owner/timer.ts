/** The longest that timers of Node can wait: 25 days. */
const LONGEST_MILLIS = 2 ** 31 - 1

/** A timer, unless it would never fire. */
export const after = (milliseconds: number, work: () => void): NodeJS.Timeout | undefined =>
  milliseconds > LONGEST_MILLIS ? undefined : setTimeout(work, milliseconds)
