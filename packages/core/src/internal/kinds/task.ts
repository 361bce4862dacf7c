/**
 * A task is an instance of its own with a single method, that is never started and never ends.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Schema from "effect/Schema"
import type { TaskDefinition, Tasks } from "../../Home.ts"
import { stranger, VersionKey, versioned } from "../base/copies.ts"
import { callUsers } from "../base/errors.ts"
import { kindOf, noEffect } from "../base/evaluable.ts"
import { checkId } from "../base/ids.ts"
import * as options from "../base/options.ts"
import { show } from "../base/show.ts"
import { version } from "../base/version.ts"
import * as deadlock from "../call/deadlock.ts"
import type { MethodSpec } from "../call/method.ts"
import * as handles from "../handle/handle.ts"
import { Cell } from "../instance/cell.ts"
import { tasks } from "../instance/registry.ts"

/** The one method of what is not an actor to its users. */
export const singleMethod = (name: string, { maxTaskRetries, retry }: options.InstanceOptions): MethodSpec => ({
  actor: name,
  name: "run",
  label: name,
  group: undefined,
  maxTaskRetries,
  retry,
  timeout: undefined,
  signal: undefined,
  contract: undefined,
  isSubscription: false
})

export const make = (
  name: string,
  run: (...args: ReadonlyArray<any>) => Effect.Effect<any, any>,
  input: any = {}
): unknown => {
  checkId("Task.make", name)
  deadlock.install()
  if (typeof run !== "function") {
    const remedy = Effect.isEffect(run) ? "an Effect. Make it a function: () => effect" : kindOf(run)
    throw new TypeError(`${name}: a task needs a function that returns an Effect, but got ${remedy}`)
  }
  options.onlyKnown(name, input, options.ofTasks)
  const { args: argSchemas, error, success, ...own } = input
  const schemas = { args: argSchemas, success, error }
  checkSchemas(name, schemas)
  const normalized = options.normalize(name, own, options.ofTasks)
  const definition: TaskDefinition = { name, run, ...schemas }
  const implementation = {
    run: (...args: ReadonlyArray<unknown>) =>
      Effect.withFiber(({ context }) => {
        const elsewhere = Context.get(context, TaskHome)?.find(name, definition)
        return elsewhere?.(args) ?? here(args)
      })
  }
  const here = (args: ReadonlyArray<unknown>) => {
    const effect = callUsers(run, args)
    if (Effect.isEffect(effect)) return Effect.scoped(effect as Effect.Effect<any, any>)
    return Effect.die(new TypeError(`${name} must return an Effect, but returned ${noEffect(effect)}`))
  }
  // Made with the first call: a task that is only defined costs nothing.
  let cell: Cell | undefined
  const cellOf = (): Cell => {
    if (cell !== undefined) return cell
    cell = new Cell(name, Effect.succeed(implementation), normalized, Context.empty(), { registry: tasks })
    cell.implementation = implementation
    return cell
  }
  const task: any = handles.makeMethod(
    {
      line: (group) => {
        if (group !== undefined)
          throw new RangeError(`${name}: a task has no concurrency groups, so not "${group}" either`)
        return { resolve: () => cellOf().main }
      }
    },
    singleMethod(name, normalized)
  )
  const describe = (): string => `${name}(${cell?.main.running ?? 0} running, ${cell?.main.waiting ?? 0} waiting)`
  Object.defineProperties(task, {
    toString: { value: describe },
    [NodeInspectSymbol]: { value: describe },
    [VersionKey]: { value: version }
  })
  task[TaskKey] = { ...definition, cellOf }
  return task
}

const checkSchemas = (name: string, { args = [], error, success }: any): void => {
  if (!Array.isArray(args)) throw new TypeError(`${name}: args must be an array of schemas, one for each argument`)
  const given = [...args.map((schema) => ["args", schema]), ["success", success], ["error", error]]
  const wrong = given.find(([, schema]) => schema !== undefined && !Schema.isSchema(schema))
  if (wrong !== undefined) throw new TypeError(`${name}: ${wrong[0]} takes schemas, but got ${show(wrong[1])}`)
}

export const resize = (task: any, limit: number): Effect.Effect<void> => {
  const { cellOf, name } = task?.[TaskKey] ?? {}
  if (cellOf === undefined) throw new TypeError(`Task.resize takes a task, but got ${show(task)}${foreign(task)}`)
  options.limit(name, "maxConcurrency", limit)
  return Effect.sync(() => cellOf().main.resize(limit))
}

const foreign = (task: unknown): string => {
  const its = stranger(task)
  return its === undefined ? "" : `. ${its}`
}

/** Where a task keeps what it runs. */
export const TaskKey: unique symbol = Symbol.for(versioned("troupe/Task")) as any

/** Where tasks run, if not in the process of their caller. */
export const TaskHome = /* @__PURE__ */ Context.Reference<Tasks | undefined>("troupe/TaskHome", {
  defaultValue: () => undefined
})
