/**
 * What is known of a volatile call on its way to a node.
 *
 * Effect's engine waits forever when there is no node, and sends a volatile request again when its node is lost. The
 * caller puts an attempt into the context of the request, and `runners.ts`, which hands requests to nodes, marks it. So a
 * call that finds no node fails after a while, and one that was sent does not.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { orGiveUp } from "../base/giveUp.ts"

/** When callers give up: set by nodes and clients that speak over sockets. */
export interface Guard {
  /** How long a call waits for a node that can take it, in milliseconds. */
  readonly unavailableAfter: number
  /** Why no node can be reached, if something is wrong with the connections. */
  trouble(): string | undefined
}

export const CurrentGuard: Context.Reference<Guard | undefined> = Context.Reference<Guard | undefined>(
  "troupe/cluster/Guard",
  { defaultValue: () => undefined }
)

/** Waits with a call for a node that takes it. Nearly always one does on the spot, and then there is no timer. */
export class Attempt {
  private delivered = false
  private over = false
  private timer: Fiber.Fiber<unknown> | undefined = undefined

  private readonly guard: Guard
  private readonly context: Context.Context<never>
  private readonly giveUp: () => void

  constructor(guard: Guard, context: Context.Context<never>, giveUp: () => void) {
    this.guard = guard
    this.context = context
    this.giveUp = giveUp
  }

  /** The request has been handed to a node, or has come back. */
  mark(delivered: boolean): void {
    this.delivered = delivered
    if (!delivered) this.wait()
  }

  /** Gives up when no node takes the request in time. The time begins anew only when one has had it. */
  wait(): void {
    if (this.delivered || this.over || this.timer !== undefined) return
    const lapse = Effect.andThen(
      Effect.sleep(this.guard.unavailableAfter),
      Effect.sync(() => {
        this.timer = undefined
        if (!this.delivered && !this.over) this.giveUp()
      })
    )
    this.timer = Effect.runForkWith(this.context)(lapse)
  }

  end(): void {
    this.over = true
    this.timer?.interruptUnsafe()
  }
}

export const CurrentAttempt: Context.Reference<Attempt | undefined> = Context.Reference<Attempt | undefined>(
  "troupe/cluster/Attempt",
  { defaultValue: () => undefined }
)

/** Runs a request that has to find a node in time, or fails with `late`. */
export const run = <A, E, E2>(request: Effect.Effect<A, E>, guard: Guard, late: () => E2): Effect.Effect<A, E | E2> =>
  orGiveUp(
    () => Cause.fail(late()),
    (context, giveUp) => {
      const attempt = new Attempt(guard, context, giveUp)
      const fiber = Effect.runForkWith(Context.add(context, CurrentAttempt, attempt))(request)
      attempt.wait()
      return { fiber, ended: () => attempt.end() }
    }
  )
