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
export const GRACE = { actor: 300, engine: 500, node: 700 }

/** The storage has so much of the time to answer: calls that run need the rest, and need no storage. */
const BRIEF = 3

export class Shutdown {
  private waitsFor: string | undefined
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
      const closed = yield* waitFor(closing, this.left + grace)
      if (!closed) yield* Effect.logWarning(`${this.late} ${this.waitsFor ?? what()}`)
    })
  }

  /** Asks the storage for something that is worth a part of the time, and no more. Says whether it was done. */
  brief(asking: Effect.Effect<void>): Effect.Effect<boolean> {
    return Effect.suspend(() => {
      this.waitsFor = "the storage, which has to hear that it leaves"
      return Effect.tap(waitFor(asking, this.left / BRIEF), () =>
        Effect.sync(() => {
          this.waitsFor = undefined
        })
      )
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

/** Waits for an effect that nothing can interrupt, and says whether it has ended. */
const waitFor = (effect: Effect.Effect<void>, millis: number): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkDetach(effect, { startImmediately: true })
    const exit = yield* Effect.timeoutOption(Effect.interruptible(Fiber.await(fiber)), millis)
    if (exit._tag === "None") return false
    yield* exit.value
    return true
  })

const now = (clock: Clock.Clock): number => Number(clock.currentTimeNanosUnsafe()) / 1e6
