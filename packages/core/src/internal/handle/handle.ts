/**
 * Handles: objects with one accessor per method, which binds the method when it is first used, and below them one prototype
 * per actor that knows what to say when an unknown method is called from untyped code. A handle takes 49 bytes, however many
 * methods it has.
 */
import * as Effect from "effect/Effect"
import { NodeInspectSymbol } from "effect/Inspectable"
import { stranger, VersionKey, versioned } from "../base/copies.ts"
import * as options from "../base/options.ts"
import { attempt, show } from "../base/show.ts"
import { version } from "../base/version.ts"
import { Call } from "../call/call.ts"
import type { MethodSpec } from "../call/method.ts"
import { older } from "../call/older.ts"
import type { Cell, Target } from "../instance/cell.ts"
import { Ask, Remote } from "./ask.ts"
import * as samples from "./samples.ts"

export const CellKey: unique symbol = Symbol.for(versioned("troupe/Cell")) as any
/** Where a keyed service keeps what it was made from. */
export const DefinitionKey: unique symbol = Symbol.for(versioned("troupe/Definition")) as any
/** Where the address of a key keeps how calls find its instance, and bring it up. */
export const TargetKey: unique symbol = Symbol.for(versioned("troupe/Target")) as any

/** The methods of a handle that have been used, by their places. A method costs nothing before that. */
const BoundKey: unique symbol = Symbol("bound") as any

/** The methods of handles as accessors, which bind a method when it is used first. All handles of one shape share them. */
export type Members = ReadonlyArray<readonly [name: string, member: PropertyDescriptor]>

/** A method of a handle, which `read` finds. */
export const member = <Handle extends object>(name: string, read: (handle: Handle) => unknown): PropertyDescriptor => ({
  enumerable: true,
  configurable: true,
  get(this: Handle) {
    return read(this)
  },
  // People replace methods in tests.
  set(this: Handle, value: unknown) {
    Object.defineProperty(this, name, { value, enumerable: true, configurable: true, writable: true })
  }
})

/** Gives a handle its methods, which are its own properties, as those of a plain object would be. */
export const addMembers = <Handle extends object>(handle: Handle, members: Members): Handle => {
  for (const [name, descriptor] of members) Object.defineProperty(handle, name, descriptor)
  return handle
}

export const makeMembers = (methods: ReadonlyArray<MethodSpec>): Members =>
  methods.map((method, place) => [
    method.name,
    member<Bare>(method.name, (handle) => handle[BoundKey]?.[place] ?? bind(handle, place, methods.length, method))
  ])

const bind = (handle: Bare, place: number, count: number, method: MethodSpec): unknown => {
  const cell = handle[CellKey]
  const bound = makeMethod(cell, method)
  // Not `[]`, which has room for 17 as soon as it has one.
  handle[BoundKey] ??= new Array(count)
  handle[BoundKey][place] = bound
  return bound
}

/** A handle before it has methods. */
interface Bare {
  readonly [CellKey]: Cell
  [BoundKey]: Array<unknown> | undefined
}

/** Makes the bare handles of an actor. */
export type Constructor = new (cell: Cell) => object

/** Its objects have their prototype from the start: to give it to one that is made takes half a microsecond. */
export const constructorOf = (prototype: object): Constructor => {
  const Handle: any = function (this: { -readonly [K in keyof Bare]: Bare[K] }, cell: Cell) {
    this[CellKey] = cell
    this[BoundKey] = undefined
  }
  Handle.prototype = settable(prototype, { [CellKey]: undefined, [BoundKey]: undefined })
  return Handle
}

/**
 * A prototype whose objects get these properties without a Proxy behind it: what is set is looked for in all prototypes
 * first, and found in the first one here. The Proxy took a fifteenth of a start.
 */
export const settable = (prototype: object, properties: object): object =>
  Object.assign(Object.create(prototype), properties)

/** What has a line for each concurrency group, and throws when there is no such group. */
export interface Lines {
  line(group: string | undefined): Target
}

export const makeMethod = (lines: Lines, method: MethodSpec): unknown => {
  const target = lines.line(method.group)
  samples.keep(Call)
  const ask: any = (...args: ReadonlyArray<unknown>) => new Ask(target, method, args)
  ask.remote = (...args: ReadonlyArray<unknown>) => new Remote(target, method, args)
  ask.options = (overrides: any) => makeMethod(lines, override(method, overrides))
  return ask
}

const override = (method: MethodSpec, overrides: any): MethodSpec => {
  options.callOptions(method.label, overrides)
  if (method.maxTaskRetries === 0) options.retryNeedsTimes(method.label, overrides)
  return {
    ...method,
    label: overrides.name ?? method.label,
    group: overrides.concurrencyGroup ?? method.group,
    maxTaskRetries: overrides.maxTaskRetries ?? method.maxTaskRetries,
    retry: overrides.retry ?? method.retry,
    timeout:
      overrides.timeout === undefined ? method.timeout : options.duration(method.label, "timeout", overrides.timeout),
    signal: overrides.signal ?? method.signal,
    stray: method.stray ?? Object.keys(overrides).find((option) => option !== "signal")
  }
}

/** `operation` is named in errors. */
export const checkHandle = (operation: string, handle: unknown): void => {
  if (!isHandle(handle)) throw noHandle(operation, handle)
}

/** Says what was given in place of a handle, and how to come by the handle. */
export const noHandle = (operation: string, other: unknown): TypeError =>
  new TypeError(`${operation} takes the handle of an actor, but got ${attempt(() => meant(other)) ?? show(other)}`)

const meant = (other: any): string => {
  const foreign = stranger(other)
  if (foreign !== undefined) return `${show(other)}. ${foreign}`
  if (other?.[DefinitionKey] !== undefined)
    return `${other}, which has an instance per key: get(key) gives the handle of one`
  if (typeof other?.remote === "function")
    return "a single method. AsyncHandle.make takes methods in an object, like { add: counter.add }"
  if (typeof other === "function") {
    const name = typeof other.key === "string" ? other.name : "Counter"
    const effect = typeof other.get === "function" ? `${name}.get(key)` : name
    return `${show(other)}, which is none: \`yield* ${effect}\` gives one, and so does \`await runtime.runPromise(${effect})\``
  }
  if (typeof other?.then === "function") return "a Promise: await it"
  if (Effect.isEffect(other)) return "an Effect: yield* it, or give it to runtime.runPromise, and take what that gives"
  if (typeof other?.build === "function") return "a Layer: provide it, and `yield* Counter` gives the handle"
  return show(other)
}

/** The cell behind a handle: of a key, the one that is up, if there is one. */
export const residentOf = (handle: object): Cell | undefined => (handle as any)[CellKey]

/** The cell behind a handle, which has to be up. */
export const cellOf = (handle: object): Cell => {
  const cell = residentOf(handle)
  if (cell === undefined) throw new TypeError(`${String(handle)} has no instance now: it gets one with its next call`)
  return cell
}

/** Whether a handle is the address of a key, behind which instances come and go. */
export const isAddress = (handle: object): boolean => TargetKey in handle

export const isHandle = (u: unknown): boolean =>
  typeof u === "object" && u !== null && attempt(() => CellKey in u) === true

/** What debuggers and assertion libraries look for on any object. A method of such a name has to be defined. */
export const probes = new Set(["then", "toJSON", "constructor", "asymmetricMatch", "nodeType", "tagName", "$$typeof"])

/** The prototype of all handles of an actor. */
export const makePrototype = (actor: string, key: object, methods: ReadonlyArray<string>): object => {
  const describe = (handle: object): string => {
    // The prototype itself, which a debugger shows.
    if (residentOf(handle) === undefined) return actor
    const { death, instance, main } = cellOf(handle)
    const state = death === undefined ? `${main.running} running, ${main.waiting} waiting` : `dead: ${death.why}`
    return `${actor}(#${instance}, ${state})`
  }
  const base = {
    toString(this: object) {
      return describe(this)
    },
    toJSON(this: object) {
      if (residentOf(this) === undefined) return { _id: "Actor", actor, methods }
      const { instance } = cellOf(this)
      return { _id: "Actor", actor, instance, methods }
    },
    [NodeInspectSymbol](this: object) {
      return describe(this)
    },
    [VersionKey]: version
  }
  return refusingOthers(base, actor, key, methods)
}

export const refusingOthers = (base: object, actor: string, key: object, methods: ReadonlyArray<string>): object =>
  refusing(base, (name) => `${actor} has no method "${name}", it has ${methods.join(", ")}${older(actor, key)}`)

/** Found only for properties that a handle does not have, so calls of real methods never come by here. */
export const refusing = (base: object, why: (name: string) => string): object =>
  new Proxy(base, {
    get(target, name, handle) {
      if (name in target || typeof name === "symbol" || probes.has(name)) return Reflect.get(target, name, handle)
      return unknownMethod(why(name))
    }
  })

const unknownMethod = (message: string): unknown => {
  const fail = () => {
    throw new TypeError(message)
  }
  return Object.assign(fail, { remote: fail, options: fail })
}
