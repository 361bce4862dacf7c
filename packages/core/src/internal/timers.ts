/**
 * The timers of calls that have a timeout.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { Call } from "./call.ts"

export class Timers {
  private readonly running = new Map<Call, Fiber.Fiber<void>>()
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
    this.running.set(call, Effect.runForkWith(call.context)(expire))
  }

  /** Stops the timer of a call, if it has one. */
  stop(call: Call): void {
    const timer = this.running.get(call)
    if (timer === undefined) return
    this.running.delete(call)
    timer.interruptUnsafe()
  }
}
