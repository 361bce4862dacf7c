/**
 * Ending an instance and waiting for it, within the time that there is.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { ActorContext } from "../../ActorContext.ts"
import { liveClock } from "../base/time.ts"
import { waitsForFiber } from "../call/awaited.ts"
import type { Cell } from "./cell.ts"
import type { Life } from "./life.ts"

/** Ends an instance and waits until it is gone, unless the instance waits for the very work that this is part of. */
export const end = (cell: Cell, how: (cell: Cell) => void, inside: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    how(cell)
    if (cell.life.isGone) return Effect.void
    return waitsForFiber(cell, fiber) ? inside : cell.life.ended()
  })

/** Why an instance dies whose Scope cannot wait for its calls. */
const HASTENED = "its Scope closed at once, since the actor that owns it was killed or restarts"

/** Why an instance dies whose calls take too long for a Scope that closes. */
const TOOK_TOO_LONG = "its Scope closed and its calls did not finish within shutdownTimeout"

/** How long a Scope that closes waits in real time while a test clock stands still, which is not moved then. */
const TEST_PATIENCE = "1 second"

/**
 * What the end of its Scope does to an instance: stop it, and kill it when that takes too long. Where an actor closes the
 * Scope that ends at once itself, the instance does, too: a family is not given `shutdownTimeout` per level.
 */
export const shutdown = (cell: Cell): Effect.Effect<void> => Effect.withFiber((fiber) => shutdownOn(fiber, cell))

/** The same for many. Those that end at once, as idle ones do, need no fiber each. */
export const shutdownAll = (cells: Iterable<Cell>): Effect.Effect<void> =>
  Effect.withFiber((fiber) =>
    Effect.forEach(cells, (cell) => shutdownOn(fiber, cell), { concurrency: "unbounded", discard: true })
  )

const shutdownOn = (fiber: Fiber.Fiber<unknown, unknown>, cell: Cell): Effect.Effect<void> => {
  const owner = ownerIn(fiber.context)
  if (owner?.abrupt) cell.life.kill(HASTENED, undefined)
  else close(cell)
  if (cell.life.isGone || waitsForFiber(cell, fiber)) return Effect.void
  doom(cell, cell.options.shutdownTimeout)
  return hurried(cell.life.ended(), cell.options.shutdownTimeout, (why) => cell.life.kill(why, undefined))
}

/** Until then there is no deadlock in its calls: their end is near. */
export const doom = (cell: Cell, timeout: Duration.Duration): void => {
  cell.life.isDoomed = Duration.isFinite(timeout)
}

/** Refuses new calls, since the Scope closes; those accepted may finish. */
export const close = (cell: Cell): void => cell.life.stop("its Scope closed")

/**
 * Waits until something has ended. Hurries it up when that takes longer than `timeout`, and where an actor waits for it
 * that ends at once, or comes to.
 */
export const hurried = (
  end: Effect.Effect<void>,
  timeout: Duration.Duration,
  hurry: (why: string) => void
): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const owner = ownerIn(fiber.context)
    if (owner?.abrupt) {
      hurry(HASTENED)
      return end
    }
    // It has a fiber of its own, which is not a child of the one that waits: see deadlock.ts.
    const cut = Effect.map(patienceIn(fiber.context, timeout), () => hurry(TOOK_TOO_LONG))
    const patience = Effect.runForkWith(fiber.context)(cut)
    const forget = owner?.guard(() => hurry(HASTENED))
    return Effect.onExit(end, () => {
      forget?.()
      patience.interruptUnsafe()
      return Effect.void
    })
  })

/** Sleeps, though under a test clock not for long. */
const patienceIn = (context: Context.Context<never>, timeout: Duration.Duration): Effect.Effect<void> => {
  const patience = Effect.sleep(timeout)
  if (Context.get(context, Clock.Clock) === liveClock) return patience
  return Effect.raceFirst(patience, Effect.provideService(Effect.sleep(TEST_PATIENCE), Clock.Clock, liveClock))
}

/** The life of the actor inside which a fiber runs, be it in a method, in its constructor or in a finalizer. */
const ownerIn = (context: Context.Context<never>): Life | undefined =>
  (Context.getOrUndefined(context as Context.Context<ActorContext>, ActorContext) as Cell | undefined)?.life
