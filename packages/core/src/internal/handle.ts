/**
 * Handles: plain objects with one function per method, and below them one prototype per actor that knows what to say
 * when an unknown method is called from untyped code.
 */
import { NodeInspectSymbol } from "effect/Inspectable"
import { Ask, remote } from "./ask.ts"
import type { Cell, Implementation } from "./cell.ts"
import type { MethodSpec } from "./method.ts"
import * as options from "./options.ts"

const CellKey: unique symbol = Symbol.for("troupe/Cell") as any

/** Makes the handle of an instance. `methods` are those of its implementation. */
export const make = (cell: Cell, methods: ReadonlyArray<MethodSpec>, prototype: object): object => {
  const handle: any = { [CellKey]: cell }
  for (const method of methods) handle[method.name] = makeMethod(cell, method)
  return Object.setPrototypeOf(handle, prototype)
}

const makeMethod = (cell: Cell, method: MethodSpec): unknown => {
  const queue = cell.queue(method.group)
  const ask: any = (...args: ReadonlyArray<unknown>) => new Ask(queue, method, args)
  ask.remote = (...args: ReadonlyArray<unknown>) => remote(queue, method, args)
  ask.options = (overrides: any) => makeMethod(cell, override(method, overrides))
  return ask
}

const override = (method: MethodSpec, overrides: any): MethodSpec => {
  options.methodOptions(method.label, overrides)
  return {
    ...method,
    label: overrides.name ?? method.label,
    group: overrides.concurrencyGroup ?? method.group,
    maxTaskRetries: overrides.maxTaskRetries ?? method.maxTaskRetries,
    retry: overrides.retry ?? method.retry,
    timeout:
      overrides.timeout === undefined ? method.timeout : options.duration(method.label, "timeout", overrides.timeout)
  }
}

/** The cell behind a handle. */
export const cellOf = (handle: object): Cell => {
  const cell = (handle as any)?.[CellKey]
  if (cell === undefined) throw new TypeError(`Not the handle of an actor: ${String(handle)}`)
  return cell
}

export const isHandle = (u: unknown): boolean => typeof u === "object" && u !== null && CellKey in u

/** The names of the methods of an implementation: its own functions, and those of its class if it has one. */
export const methodNames = (implementation: Implementation): Array<string> => {
  const names = new Set<string>()
  const methods: any = implementation
  for (let object = methods; object !== null && object !== Object.prototype; object = Object.getPrototypeOf(object)) {
    for (const name of Object.getOwnPropertyNames(object)) {
      if (name !== "constructor" && typeof methods[name] === "function") names.add(name)
    }
  }
  return [...names]
}

export const checkNames = (actor: string, names: ReadonlyArray<string>): void => {
  if (names.includes("then")) {
    throw new TypeError(`${actor}: no method may be called "then", await would take the handle for a promise`)
  }
}

/** What debuggers and assertion libraries look for on any object. A method of such a name has to be defined. */
const probes = new Set([
  "then",
  "toJSON",
  "inspect",
  "constructor",
  "asymmetricMatch",
  "nodeType",
  "tagName",
  "$$typeof"
])

/** The prototype of all handles of an actor. */
export const makePrototype = (actor: string, methods: ReadonlyArray<string>): object => {
  const describe = (handle: object): string => {
    const { death, instance, main } = cellOf(handle)
    const state = death === undefined ? `${main.running} running, ${main.waiting} waiting` : `dead: ${death.why}`
    return `${actor}(#${instance}, ${state})`
  }
  const base = {
    toString(this: object) {
      return describe(this)
    },
    toJSON(this: object) {
      const { instance } = cellOf(this)
      return { _id: "Actor", actor, instance, methods }
    },
    [NodeInspectSymbol](this: object) {
      return describe(this)
    }
  }
  // Found only for properties that a handle does not have, so calls of real methods never come by here.
  return new Proxy(base, {
    get(target, key, handle) {
      if (key in target || typeof key === "symbol" || probes.has(key)) return Reflect.get(target, key, handle)
      return unknownMethod(actor, key, methods)
    }
  })
}

const unknownMethod = (actor: string, name: string, methods: ReadonlyArray<string>): unknown => {
  const fail = () => {
    throw new TypeError(`${actor} has no method "${name}", it has ${methods.join(", ")}`)
  }
  return Object.assign(fail, { remote: fail, options: fail })
}
