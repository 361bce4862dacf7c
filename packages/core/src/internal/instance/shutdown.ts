/**
 * Ending an instance and waiting for it, within the time that there is.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { ActorContext } from "../../ActorContext.ts"
import { elapsed, liveClock } from "../base/time.ts"
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

/** When instances that end together began to, by each clock: those of a Scope, which are stopped one after the other. */
const begun = new WeakMap<object, Map<Clock.Clock, number>>()

type AnyFiber = Fiber.Fiber<unknown, unknown>

/**
 * What the end of its Scope does to an instance: stop it, and kill it when that takes too long. Where an actor closes the
 * Scope that ends at once itself, the instance does, too: a family is not given `shutdownTimeout` per level.
 */
export const shutdown = (scope: Scope.Scope, cell: Cell): Effect.Effect<void> =>
  Effect.withFiber((fiber) => shutdownOn(fiber, scope, cell))

/** The same for many that share no Scope with others. Those that end at once, as idle ones do, need no fiber each. */
export const shutdownAll = (cells: Iterable<Cell>): Effect.Effect<void> =>
  Effect.withFiber((fiber) =>
    Effect.forEach(cells, (cell) => shutdownOn(fiber, cells, cell), { concurrency: "unbounded", discard: true })
  )

const shutdownOn = (fiber: AnyFiber, together: object, cell: Cell): Effect.Effect<void> => {
  if (ownerIn(fiber.context)?.abrupt) cell.life.kill(HASTENED)
  else close(cell)
  if (cell.life.isGone || waitsForFiber(cell, fiber)) return Effect.void
  return hurried(fiber, together, cell, cell.options.shutdownTimeout, cell.life.ended())
}

/** Refuses new calls, since the Scope closes; those accepted may finish. */
export const close = (cell: Cell): void => cell.life.stop("its Scope closed")

/**
 * Waits until something has ended. Kills the instance, and what comes with it, when that takes longer than `timeout`,
 * counted from when those that end `together` began to, and where an actor waits for it that ends at once, or comes to.
 */
export const hurried = (
  fiber: AnyFiber,
  together: object,
  { life }: Cell,
  timeout: Duration.Duration,
  end: Effect.Effect<void>,
  killOthers?: (why: string) => void
): Effect.Effect<void> => {
  const hurry = (why: string) => {
    life.kill(why)
    killOthers?.(why)
  }
  // Until then there is no deadlock in its calls: their end is near.
  life.isDoomed = Duration.isFinite(timeout)
  // It has a fiber of its own, which is not a child of the one that waits: see deadlock.ts.
  const cut = Effect.map(patienceIn(fiber.context, together, Duration.toMillis(timeout)), () =>
    hurry("its Scope closed and its calls did not finish within shutdownTimeout")
  )
  const patience = Effect.runForkWith(fiber.context)(cut)
  const forget = ownerIn(fiber.context)?.guard(() => hurry(HASTENED))
  return Effect.onExit(end, () => {
    forget?.()
    patience.interruptUnsafe()
    return Effect.void
  })
}

/** Sleeps, though for no more than a second of real time under a test clock, which may stand still. */
const patienceIn = (context: Context.Context<never>, together: object, timeout: number): Effect.Effect<void> => {
  const clock = Context.get(context, Clock.Clock)
  const patience = rest(together, clock, timeout)
  return clock === liveClock ? patience : Effect.raceFirst(patience, rest(together, liveClock, 1000))
}

/** Sleeps for what is left of the time that is shared. */
const rest = (together: object, clock: Clock.Clock, timeout: number): Effect.Effect<void> => {
  const times = begun.get(together) ?? new Map<Clock.Clock, number>()
  const now = elapsed(clock)
  const since = times.get(clock) ?? now
  begun.set(together, times.set(clock, since))
  return clock.sleep(Duration.millis(since + timeout - now))
}

/** The life of the actor inside which a fiber runs, be it in a method, in its constructor or in a finalizer. */
const ownerIn = (context: Context.Context<never>): Life | undefined =>
  (Context.getOrUndefined(context as Context.Context<ActorContext>, ActorContext) as Cell | undefined)?.life
