/**
 * Calls that wait for a connection, or for room in it, in the order in which they were made. They wait equally long, so the
 * first to come is the first to give up.
 */
import * as Home from "@troupe/core/Home"
import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Told } from "../wire/hello.ts"
import type { Outgoing } from "./link.ts"
import type { Settings } from "./settings.ts"

export const waitingOf = ({ unavailableAfter }: Settings): Effect.Effect<Waiting, never, Scope.Scope> =>
  Effect.clockWith((clock) =>
    Effect.map(Effect.context<Scope.Scope>(), (context) => new Waiting(unavailableAfter, clock, context))
  )

/** So many calls are under way, which is how many the server takes. */
export const crowded = (count: number, limit: Told): string =>
  `its connection has ${count} calls under way, the most that the server takes (limits.${limit}), and none ended`

export class Waiting {
  /** What a call waits for in vain. */
  why: (call: Outgoing) => string = () => "the server did not say which contracts it has"
  /** With the time until which they wait, in milliseconds of a monotonic clock. */
  private readonly calls = new Map<Outgoing, number>()
  private isWatched = false
  /** Until when they wait at least. */
  private least = 0
  private readonly patience: number
  private readonly clock: Clock.Clock
  private readonly context: Context.Context<Scope.Scope>

  /** `patience` is how long they wait, in milliseconds. Nothing is timed beyond the Scope in `context`. */
  constructor(patience: number, clock: Clock.Clock, context: Context.Context<Scope.Scope>) {
    this.patience = patience
    this.clock = clock
    this.context = context
  }

  /** Until when what comes now waits. */
  until(): number {
    return this.now() + this.patience
  }

  /** The server answers others: those that wait for room will have some. */
  goesOn(): void {
    this.least = this.until()
  }

  /** How long what waits until then still does, in milliseconds. */
  left(until: number): number {
    return Math.max(until, this.least) - this.now()
  }

  add(call: Outgoing, until = this.until()): void {
    this.calls.set(call, until)
    if (this.isWatched) return
    this.isWatched = true
    Effect.runForkWith(this.context)(Effect.forkScoped(this.watch))
  }

  /** They come before those that wait already, and give up no later. */
  addFirst(calls: Iterable<Outgoing>): void {
    const behind = [...this.calls]
    const until = behind[0]?.[1]
    this.calls.clear()
    for (const call of calls) this.add(call, until)
    for (const [call, until] of behind) this.add(call, until)
  }

  delete(call: Outgoing): boolean {
    return this.calls.delete(call)
  }

  /** In order. Some may be deleted meanwhile. */
  all(): Iterable<Outgoing> {
    return this.calls.keys()
  }

  /** There will be nothing to wait for. */
  close(why: string): void {
    for (const call of this.all()) {
      this.delete(call)
      call.lost(why, false)
    }
  }

  private now(): number {
    return Home.elapsed(this.clock)
  }

  private readonly watch: Effect.Effect<void> = Effect.suspend(() => {
    for (const [call, until] of this.calls) {
      const left = this.left(until)
      if (left > 0) return Effect.flatMap(Effect.sleep(left), () => this.watch)
      this.calls.delete(call)
      call.lost(`${this.why(call)} within ${this.patience} ms (unavailableAfter)`, false)
    }
    this.isWatched = false
    return Effect.void
  })
}
