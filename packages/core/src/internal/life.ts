/**
 * How instances end, as effects.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { ActorContext } from "../ActorContext.ts"
import { type ActorDied, ActorError } from "../ActorError.ts"
import * as calls from "./call.ts"
import { current } from "./call.ts"
import { type Cell, HASTENED } from "./cell.ts"
import { deathReason } from "./failure.ts"
import { cellOf, checkHandle, residentOf } from "./handle.ts"
import * as options from "./options.ts"

export const stop = (handle: object): Effect.Effect<void> =>
  end(handle, (cell) => cell.stop("it was stopped"), Effect.void)

/** From inside, the kill interrupts its own caller at the next chance, which is here unless the caller forbids it. */
export const kill = (handle: object): Effect.Effect<void> =>
  end(handle, (cell) => cell.kill("it was killed", undefined), Effect.yieldNow)

/** Ends an instance and waits until it is gone. From inside that would be waiting for oneself. */
const end = (handle: object, how: (cell: Cell) => void, inside: Effect.Effect<void>): Effect.Effect<void> => {
  checkHandle(handle)
  return Effect.withFiber((fiber) => {
    const cell = residentOf(handle)
    if (cell === undefined) return Effect.void
    how(cell)
    if (cell.gone) return Effect.void
    return isInside(fiber.context, cell) ? inside : cell.ended()
  })
}

/** Whether a fiber works for a call of this instance, directly or through calls to others. */
const isInside = (context: Context.Context<never>, cell: Cell): boolean => {
  const call = current(context)
  return (
    call !== undefined &&
    (call.queue.cell === cell || calls.callers(call, Infinity).some((caller) => caller.queue.cell === cell))
  )
}

export const resize = (handle: object, limit: number, group: string | undefined): Effect.Effect<void> => {
  const resident = residentOf(handle)
  options.limit(resident?.actor ?? String(handle), "maxConcurrency", limit)
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

const liveClock = Context.get(Context.empty(), Clock.Clock)

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
    else cell.stop("its Scope closed")
    if (cell.gone) return Effect.void
    const patience = Effect.sleep(cell.options.shutdownTimeout)
    const isLive = Context.get(fiber.context, Clock.Clock) === liveClock
    const timeout = isLive
      ? patience
      : Effect.raceFirst(patience, Effect.provideService(Effect.sleep(TEST_PATIENCE), Clock.Clock, liveClock))
    const kill = Effect.suspend(() => {
      cell.kill("its Scope closed and its calls did not finish within shutdownTimeout", undefined)
      return cell.ended()
    })
    const ended = Effect.raceFirst(cell.ended(), Effect.andThen(timeout, kill))
    if (owner === undefined) return ended
    const forget = owner.guard(cell)
    return Effect.ensuring(ended, Effect.sync(forget))
  })

/** The actor inside which a fiber runs, be it in a method, in its constructor or in a finalizer. */
const ownerIn = (context: Context.Context<never>): Cell | undefined =>
  Context.getOrUndefined(context as Context.Context<ActorContext>, ActorContext) as unknown as Cell | undefined
