/**
 * Waiting for an effect that may be given up.
 */
import type * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

export interface Started<A, E> {
  readonly fiber: Fiber.Fiber<A, E>
  /** Called when the effect has ended, whether it was given up or not. */
  readonly ended: () => void
}

/**
 * Waits for a fiber. Once `giveUp` is called the wait fails with `late` at once, and the fiber is interrupted. An
 * interruption of the wait lasts until the fiber has ended.
 */
export const orGiveUp = <A, E, E2>(
  late: () => Cause.Cause<E2>,
  start: (context: Context.Context<never>, giveUp: () => void) => Started<A, E>
): Effect.Effect<A, E | E2> =>
  Effect.withFiber(({ context }) =>
    Effect.callback((resume) => {
      const { ended, fiber } = start(context, () => {
        resume(Effect.failCause(late()))
        fiber.interruptUnsafe()
      })
      fiber.addObserver((exit) => {
        ended()
        resume(exit)
      })
      return Effect.callback<void>((done) => {
        fiber.addObserver(() => done(Effect.void))
        fiber.interruptUnsafe()
      })
    })
  )
