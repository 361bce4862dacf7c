/**
 * Calls and instances by their numbers, which a console knows from a snapshot, in another process maybe.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { EndOptions } from "../../ByNumber.ts"
import type { CancelOutcome } from "../../ObjectRef.ts"
import { limit, onlyKnown } from "../base/options.ts"
import type { Call } from "../call/call.ts"
import type { Cell } from "../instance/cell.ts"
import { registriesIn, tasks } from "../instance/registry.ts"
import * as cancelling from "../refs/cancelling.ts"
import { explainCall } from "./explain.ts"
import { callsOf } from "./snapshot.ts"

const findCell = (context: Context.Context<never>, instance: number): Cell | undefined => {
  for (const { cells } of registriesIn<Cell>(context)) {
    const cell = cells.get(instance)
    if (cell !== undefined) return cell
  }
  return undefined
}

const findCall = (context: Context.Context<never>, id: number, instance?: number): Call | undefined => {
  const cells = instance === undefined ? busyIn(context) : [findCell(context, instance) ?? []].flat()
  for (const cell of cells) for (const { call } of callsOf(cell)) if (call.id === id) return call
  return undefined
}

/** The instances among whose calls one is to be looked for. */
const busyIn = (context: Context.Context<never>): ReadonlyArray<Cell> =>
  registriesIn<Cell>(context).flatMap(({ busy, cells }) => [...(busy ?? cells.values())])

export const explain = (
  id: number,
  options: { readonly instance?: number | undefined } = {}
): Effect.Effect<string | undefined> => {
  onlyKnown("ByNumber.explain", options, { instance: true })
  return Effect.withFiber((fiber) => {
    const call = findCall(fiber.context, id, options.instance)
    return Effect.succeed(call && explainCall(call))
  })
}

export const args = (
  id: number,
  options: { readonly instance?: number | undefined } = {}
): Effect.Effect<ReadonlyArray<unknown> | undefined> => {
  onlyKnown("ByNumber.args", options, { instance: true })
  return Effect.withFiber((fiber) => Effect.succeed(findCall(fiber.context, id, options.instance)?.args))
}

export const cancel = (
  id: number,
  options: { readonly recursive?: boolean | undefined } = {}
): Effect.Effect<CancelOutcome | undefined> => {
  onlyKnown("ByNumber.cancel", options, { recursive: true })
  return Effect.withFiber((fiber) => {
    const call = findCall(fiber.context, id)
    return call === undefined ? Effect.undefined : cancelling.cancel(call, options)
  })
}

/** An operator does not wait until the instance is gone: the snapshot shows it. */
const end = (
  operation: string,
  instance: number,
  options: EndOptions,
  how: (cell: Cell) => void
): Effect.Effect<boolean> => {
  onlyKnown(`ByNumber.${operation}`, options, { why: true })
  return Effect.withFiber((fiber) => {
    const cell = findCell(fiber.context, instance)
    // A task is a function: there is nothing to end.
    if (cell === undefined || cell.registry === tasks) return Effect.succeed(false)
    how(cell)
    return Effect.succeed(true)
  })
}

export const kill = (instance: number, options: EndOptions = {}) =>
  end("kill", instance, options, (cell) => cell.life.kill(options.why ?? "it was killed"))

export const stop = (instance: number, options: EndOptions = {}) =>
  end("stop", instance, options, (cell) => cell.life.stop(options.why ?? "it was stopped"))

export const resize = (
  instance: number,
  maxConcurrency: number,
  options: { readonly concurrencyGroup?: string | undefined } = {}
): Effect.Effect<boolean> => {
  onlyKnown("ByNumber.resize", options, { concurrencyGroup: true })
  return Effect.withFiber((fiber) => {
    limit("ByNumber.resize", "maxConcurrency", maxConcurrency)
    const cell = findCell(fiber.context, instance)
    if (cell === undefined) return Effect.succeed(false)
    cell.line(options.concurrencyGroup).resize(maxConcurrency)
    return Effect.succeed(true)
  })
}
