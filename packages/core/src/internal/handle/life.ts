/**
 * How instances end, as effects.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { ActorContext } from "../../ActorContext.ts"
import { type ActorDied, ActorError } from "../../ActorError.ts"
import * as options from "../base/options.ts"
import { show } from "../base/show.ts"
import { liveClock } from "../base/time.ts"
import { waitsForFiber } from "../call/awaited.ts"
import { current } from "../call/call.ts"
import { deathReason } from "../call/failure.ts"
import { type Cell, HASTENED } from "../instance/cell.ts"
import { cellOf, checkHandle, residentOf } from "./handle.ts"

export const stop = (handle: object): Effect.Effect<void> =>
  endBehind(handle, (cell) => cell.stop("it was stopped"), Effect.void)

/** From inside, the kill interrupts its own caller at the next chance, which is here unless the caller forbids it. */
export const kill = (handle: object): Effect.Effect<void> =>
  endBehind(handle, (cell) => cell.kill("it was killed", undefined), Effect.yieldNow)

const endBehind = (handle: object, how: (cell: Cell) => void, inside: Effect.Effect<void>): Effect.Effect<void> => {
  checkHandle(handle)
  return Effect.suspend(() => {
    const cell = residentOf(handle)
    return cell === undefined ? Effect.void : end(cell, how, inside)
  })
}

/** Ends an instance and waits until it is gone, unless the instance waits for the very work that this is part of. */
export const end = (cell: Cell, how: (cell: Cell) => void, inside: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    how(cell)
    if (cell.gone) return Effect.void
    return waitsForFiber(cell, fiber) ? inside : cell.ended()
  })

export const resize = (
  handle: object,
  limit: number,
  given: { readonly concurrencyGroup?: string | undefined } = {}
): Effect.Effect<void> => {
  options.onlyKnown("Actor.resize", given, { concurrencyGroup: true })
  const group = given.concurrencyGroup
  const resident = residentOf(handle)
  options.limit(resident?.actor ?? show(handle), "maxConcurrency", limit)
  // What is wrong is said where it is written, if it can be known there.
  resident?.queue(group)
  return Effect.sync(() => {
    const cell = cellOf(handle)
    cell.resize(cell.queue(group), limit)
  })
}

export const exit: Effect.Effect<never, never, ActorContext> = Effect.withFiber((fiber) => {
  const cell = cellInside(fiber.context)
  if (cell.permanent)
    return Effect.die(new TypeError(`${cell.actor}: a task has no instance that Actor.exit could end`))
  const call = current(fiber.context)
  cell.retire("it called Actor.exit", call)
  if (call !== undefined) return Effect.interrupt
  // In a constructor: nobody would make sense of an interruption.
  return Effect.die(new ActorError({ reason: deathReason(cell.actor, "make", cell.death!, true) }))
})

export const self = (actor: { readonly key: string }): Effect.Effect<object, never, ActorContext> =>
  Effect.withFiber((fiber) => {
    const cell = cellInside(fiber.context)
    if (cell.id !== actor.key) {
      return Effect.die(new TypeError(`Actor.self(${actor.key}) was run inside another actor, ${cell.actor}`))
    }
    const handle = cell.self
    if (handle !== undefined) return Effect.succeed(handle)
    const why =
      "its handle is there once its constructor has finished: ask for it in a method, or in a fiber of its own"
    return Effect.die(new TypeError(`${cell.actor}: ${why}`))
  })

/** The service is the cell itself, see Cell.inside. */
const cellInside = (context: Context.Context<never>): Cell =>
  Context.get(context as Context.Context<ActorContext>, ActorContext) as unknown as Cell

export const watch = (handle: object): Effect.Effect<ActorDied> => {
  checkHandle(handle)
  return Effect.suspend(() => {
    const cell = cellOf(handle)
    return Effect.map(cell.ended(), () => deathReason(cell.actor, "", cell.death!, false))
  })
}

/** Why an instance dies whose calls take too long for a Scope that closes. */
const TOOK_TOO_LONG = "its Scope closed and its calls did not finish within shutdownTimeout"

/** How long a Scope that closes waits in real time while a test clock stands still, which nobody moves then. */
const TEST_PATIENCE = "1 second"

/**
 * What the end of its Scope does to an instance: stop it, and kill it when that takes too long. Where an actor closes the
 * Scope that ends at once itself, the instance does, too: a family is not given `shutdownTimeout` per level.
 */
export const shutdown = (cell: Cell): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const owner = ownerIn(fiber.context)
    if (owner?.abrupt) cell.kill(HASTENED, undefined)
    else close(cell)
    if (cell.gone || waitsForFiber(cell, fiber)) return Effect.void
    doom(cell, cell.options.shutdownTimeout)
    return hurried(cell.ended(), cell.options.shutdownTimeout, (why) => cell.kill(why, undefined))
  })

/** Until then there is no deadlock in its calls: their end is near. */
export const doom = (cell: Cell, timeout: Duration.Duration): void => {
  cell.doomed = Duration.isFinite(timeout)
}

/** Refuses new calls, since the Scope closes; those accepted may finish. */
export const close = (cell: Cell): void => cell.stop("its Scope closed")

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

/** The actor inside which a fiber runs, be it in a method, in its constructor or in a finalizer. */
const ownerIn = (context: Context.Context<never>): Cell | undefined =>
  Context.getOrUndefined(context as Context.Context<ActorContext>, ActorContext) as unknown as Cell | undefined
