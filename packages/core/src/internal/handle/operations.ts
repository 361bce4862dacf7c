/**
 * What can be done with an instance through its handle, as effects: end it, watch it, change its limits.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { ActorContext } from "../../ActorContext.ts"
import { type ActorDied, ActorError } from "../../ActorError.ts"
import * as options from "../base/options.ts"
import { show } from "../base/show.ts"
import { current } from "../call/currentCall.ts"
import { deathReason } from "../call/failure.ts"
import type { Cell } from "../instance/cell.ts"
import { tasks } from "../instance/registry.ts"
import { end } from "../instance/shutdown.ts"
import { cellOf, checkHandle, residentOf } from "./handle.ts"

export const stop = (handle: object): Effect.Effect<void> =>
  endBehind("stop", handle, (cell) => cell.life.stop("it was stopped"), Effect.void)

/** From inside, the kill interrupts its own caller at the next chance, which is here unless the caller forbids it. */
export const kill = (handle: object): Effect.Effect<void> =>
  endBehind("kill", handle, (cell) => cell.life.kill("it was killed"), Effect.yieldNow)

const endBehind = (
  operation: string,
  handle: object,
  how: (cell: Cell) => void,
  inside: Effect.Effect<void>
): Effect.Effect<void> => {
  checkHandle(`Actor.${operation}`, handle)
  return Effect.suspend(() => {
    const cell = residentOf(handle)
    return cell === undefined ? Effect.void : end(cell, how, inside)
  })
}

export const resize = (
  handle: object,
  limit: number,
  given: { readonly concurrencyGroup?: string | undefined } = {}
): Effect.Effect<void> => {
  options.onlyKnown("Actor.resize", given, { concurrencyGroup: true })
  checkHandle("Actor.resize", handle)
  const group = given.concurrencyGroup
  const resident = residentOf(handle)
  options.limit(resident?.actor ?? show(handle), "maxConcurrency", limit)
  // What is wrong is said where it is written, if it can be known there.
  resident?.line(group)
  return Effect.sync(() => cellOf(handle).line(group).resize(limit))
}

export const exit: Effect.Effect<never, never, ActorContext> = /* @__PURE__ */ Effect.withFiber((fiber) => {
  const cell = cellInside("Actor.exit", fiber.context)
  if (cell.registry === tasks)
    return Effect.die(new TypeError(`${cell.actor}: a task has no instance that Actor.exit could end`))
  const call = current(fiber.context)
  cell.life.retire("it called Actor.exit", call)
  if (call !== undefined) return Effect.interrupt
  // In a constructor: an interruption would tell nothing to the one that starts the instance.
  return Effect.die(new ActorError({ reason: deathReason(cell.actor, "make", cell.death!, { mayHaveRun: true }) }))
})

export const self = (actor: { readonly key: string }): Effect.Effect<object, never, ActorContext> =>
  Effect.withFiber((fiber) => {
    const cell = cellInside(`Actor.self(${show(actor?.key)})`, fiber.context)
    if (cell.id !== actor?.key) {
      return Effect.die(new TypeError(`Actor.self(${actor?.key}) was run inside another actor, ${cell.actor}`))
    }
    const handle = cell.life.self
    if (handle !== undefined) return Effect.succeed(handle)
    const why =
      "its handle is there once its constructor has finished: ask for it in a method, or in a fiber of its own"
    return Effect.die(new TypeError(`${cell.actor}: ${why}`))
  })

/** The service is the cell itself, see Life.inside. */
const cellInside = (operation: string, context: Context.Context<never>): Cell => {
  const inside = Context.getOrUndefined(context, ActorContext)
  if (inside === undefined) throw new TypeError(`${operation} was run outside of all actors: run it in a method of one`)
  return inside as unknown as Cell
}

export const watch = (handle: object): Effect.Effect<ActorDied> => {
  checkHandle("Actor.watch", handle)
  return Effect.suspend(() => {
    const cell = cellOf(handle)
    return Effect.map(cell.life.ended(), () => deathReason(cell.actor, "", cell.death!, { mayHaveRun: false }))
  })
}
