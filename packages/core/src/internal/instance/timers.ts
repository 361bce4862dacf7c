/**
 * The timers of calls that have a timeout.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { elapsedIn } from "../base/time.ts"
import type { Call } from "../call/call.ts"

/** Clocks count in nanoseconds, so that two sums of the same fractions of a millisecond may differ by as much. */
const ROUNDING = 1e-5

interface Timer {
  readonly fiber: Fiber.Fiber<void>
  /** When the time is over, as `elapsedIn` counts. */
  readonly due: number
}

export class Timers {
  private readonly running = new Map<Call, Timer>()
  private readonly expire: (call: Call) => void

  constructor(expire: (call: Call) => void) {
    this.expire = expire
  }

  get size(): number {
    return this.running.size
  }

  /** Starts the timer of a call, unless it runs already. */
  start(call: Call, timeout: Duration.Duration): void {
    if (this.running.has(call)) return
    const expire = Effect.andThen(
      Effect.sleep(timeout),
      Effect.sync(() => this.expire(call))
    )
    const due = elapsedIn(call.context) + Duration.toMillis(timeout)
    this.running.set(call, { fiber: Effect.runForkWith(call.context)(expire), due })
  }

  /**
   * Whether the time of a call is over. Its timer may not have said so yet: of two timers that are due at a time, one is
   * the first, and what that one ends makes room for the call of the other.
   */
  isOver(call: Call): boolean {
    const left = this.left(call)
    return left !== undefined && left < ROUNDING
  }

  /** How much time a call has left, in milliseconds, once its timer runs. */
  left(call: Call): number | undefined {
    const timer = this.running.get(call)
    return timer && timer.due - elapsedIn(call.context)
  }

  /** Stops the timer of a call, if it has one. */
  stop(call: Call): void {
    const timer = this.running.get(call)
    if (timer === undefined) return
    this.running.delete(call)
    timer.fiber.interruptUnsafe()
  }
}
