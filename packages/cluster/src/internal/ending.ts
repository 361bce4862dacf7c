/**
 * How a node ends in time, whatever hangs: one `drainTimeout` for all of its parts together.
 *
 * Each part of a node closes in its own way and has its own timeouts: entities, instances, callers, the engine, the
 * connections of a storage that does not answer. One after the other they may take several times as long as is meant. So
 * the clock starts with the first part that closes, all look at the same clock, and a part that is late is left alone.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"

/** What a part has left to close when the calls had their time, in milliseconds: those inside end before those around. */
export const GRACE = { actor: 400, engine: 650, node: 850 }

export class Ending {
  private readonly drainTimeout: number
  private clock: Clock.Clock | undefined
  private until = Infinity

  constructor(drainTimeout: number) {
    this.drainTimeout = drainTimeout
  }

  /** How long the calls that run may take: what is left of `drainTimeout` if the node ends, in milliseconds. */
  get left(): number {
    return this.clock === undefined ? this.drainTimeout : Math.max(0, this.until - now(this.clock))
  }

  /** Builds a layer whose closing is waited for no longer than that. `what` says what was waited for. */
  bounded<A, E, R>(layer: Layer.Layer<A, E, R>, grace: number, what: () => string): Layer.Layer<A, E, R> {
    return Layer.effectContext(
      Effect.gen({ self: this }, function* () {
        const scope = yield* Scope.make()
        yield* Effect.addFinalizer((exit) => this.within(Scope.close(scope, exit), grace, what))
        return yield* Layer.buildWithScope(layer, scope)
      })
    )
  }

  /** Begins to end, if it has not. Waits for an effect, which goes on by itself when time is up. */
  within(closing: Effect.Effect<void>, grace: number, what: () => string): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      yield* this.begin
      const fiber = yield* Effect.forkDetach(closing, { startImmediately: true })
      const exit = yield* Effect.timeoutOption(Effect.interruptible(Fiber.await(fiber)), this.left + grace)
      if (exit._tag === "None") return yield* Effect.logWarning(`${this.late} ${what()}`)
      return yield* exit.value
    })
  }

  private readonly begin: Effect.Effect<void> = Effect.clockWith((clock) =>
    Effect.sync(() => {
      if (this.clock !== undefined) return
      this.clock = clock
      this.until = now(clock) + this.drainTimeout
    })
  )

  private get late(): string {
    return `The drainTimeout of ${this.drainTimeout} ms is over. The node ends without waiting any longer for`
  }
}

const now = (clock: Clock.Clock): number => Number(clock.currentTimeNanosUnsafe()) / 1e6
