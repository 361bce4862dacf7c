/**
 * A task is an instance of its own with a single method, that nobody started and nobody ends.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { Cell } from "./cell.ts"
import { checkId } from "./definition.ts"
import * as handles from "./handle.ts"
import type { MethodSpec } from "./method.ts"
import * as options from "./options.ts"

export const make = (
  name: string,
  run: (...args: ReadonlyArray<any>) => Effect.Effect<any, any>,
  input: any = {}
): unknown => {
  checkId("Task.make", name)
  if (typeof run !== "function") throw new TypeError(`${name}: a task needs a function, but got ${typeof run}`)
  const normalized = options.normalize(name, input)
  return single(name, normalized, (...args) => {
    const effect = run(...args)
    return Effect.isEffect(effect) ? Effect.scoped(effect as Effect.Effect<any, any>) : effect
  })
}

/** The one method of an instance that is there from the start. */
export const single = (
  name: string,
  normalized: options.InstanceOptions,
  run: (...args: ReadonlyArray<any>) => unknown
): unknown => {
  const { maxTaskRetries, retry } = normalized
  const method: MethodSpec = {
    actor: name,
    name: "run",
    label: name,
    group: undefined,
    maxTaskRetries,
    retry,
    timeout: undefined,
    contract: undefined
  }
  // Made with the first call: a task that is only defined costs nothing.
  let cell: Cell | undefined
  const resolve = () => {
    if (cell === undefined) {
      cell = new Cell(name, Effect.succeed({ run }), normalized, Context.empty())
      cell.implementation = { run }
      cell.permanent = true
    }
    return cell.main
  }
  return handles.makeMethod((group) => {
    if (group !== undefined) throw new RangeError(`${name}: a task has no concurrency groups`)
    return { resolve }
  }, method)
}
