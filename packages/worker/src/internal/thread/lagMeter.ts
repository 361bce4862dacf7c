import { unref } from "../platform/time.ts"

const INTERVAL_MILLIS = 250

/** How late the timers of this thread are: the longest delay between two reads. */
export class LagMeter {
  private longest = 0
  private due = performance.now() + INTERVAL_MILLIS

  constructor() {
    const timer = setInterval(() => {
      this.longest = Math.max(this.longest, performance.now() - this.due)
      this.due = performance.now() + INTERVAL_MILLIS
    }, INTERVAL_MILLIS)
    unref(timer)
  }

  /** In milliseconds. */
  read(): number {
    const { longest } = this
    this.longest = 0
    return Math.round(longest * 10) / 10
  }
}
