/**
 * What all instances of an actor with the same options share.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { callUsers } from "../base/errors.ts"
import { isEffect, kindOf, noEffect } from "../base/evaluable.ts"
import * as options from "../base/options.ts"
import { show } from "../base/show.ts"
import { checkNames, type Implementation, isReadable, type MethodSpec, methodNames, reserved } from "../call/method.ts"
import * as handles from "../handle/handle.ts"
import { subscriptions } from "../handle/streaming.ts"
import type { Contract } from "./contracts.ts"

type Constructor = (...args: ReadonlyArray<any>) => Effect.Effect<Implementation, any>

export type Make = Effect.Effect<Implementation, any> | Constructor

export interface Definition {
  readonly id: string
  readonly key: Context.Service<any, any>
  /** Given arguments, runs the constructor. All instances share what needs none. */
  readonly construct: (args: ReadonlyArray<unknown>) => Effect.Effect<Implementation, any>
  readonly make: Make
  readonly contract: Contract | undefined
  /** The options as they were given, for `options({...})` to build on, and which ones there are. */
  readonly input: any
  readonly known: options.Known<any>
  readonly options: options.InstanceOptions
  readonly shapes: Shapes
}

/** Made with the first instance of plain actors, before which the methods are not known. Definitions may share it. */
export interface Shapes {
  shape: Shape | undefined
}

export interface Shape {
  readonly methods: ReadonlyArray<MethodSpec>
  readonly members: handles.Members
  readonly Handle: handles.Constructor
}

export const define = (
  id: string,
  key: Context.Service<any, any>,
  make: Make,
  contract: Contract | undefined,
  input: any,
  known: options.Known<any>,
  shapes: Shapes = { shape: undefined }
): Definition => {
  const looked = (made: Effect.Effect<Implementation, any>) =>
    Effect.map(made, (implementation) => {
      shapeOf(definition, implementation)
      return implementation
    })
  const shared = Effect.isEffect(make) ? looked(make) : undefined
  const definition: Definition = {
    id,
    key,
    make,
    construct: (args) => shared ?? Effect.suspend(() => looked(call(id, make as Constructor, args))),
    contract,
    input,
    known,
    options: options.normalize(id, input, known),
    shapes
  }
  return definition
}

/** The same definition with other options. An option that is `undefined` is one that was not given. */
export const override = (definition: Definition, overrides: object): Definition => {
  const { contract, id, input, key, known, make, shapes } = definition
  options.onlyKnown(id, overrides, known)
  const given = { ...input }
  let isOfMethods = false
  for (const [option, value] of Object.entries(overrides)) {
    if (value === undefined) continue
    given[option] = value
    isOfMethods ||= OF_METHODS.has(option)
  }
  return define(id, key, make, contract, given, known, isOfMethods ? undefined : shapes)
}

/** The options that say something of methods. Whatever else differs, methods are the same. */
const OF_METHODS = new Set(["concurrencyGroups", "maxTaskRetries", "methodOptions", "retry", "validate"])

/** Calls a constructor that takes arguments, and looks at what it gives. From untyped code it may be anything. */
const call = (id: string, make: Constructor, args: ReadonlyArray<unknown>): Effect.Effect<Implementation, any> => {
  const effect: unknown = callUsers(make, args)
  if (Effect.isEffect(effect)) return effect as Effect.Effect<Implementation, any>
  return Effect.die(new TypeError(`${id}: the constructor must return an Effect, but returned ${noEffect(effect)}`))
}

/** The methods of an implementation, checked against all that speaks of them. */
export const shapeOf = (definition: Definition, implementation: Implementation): Shape => {
  const { contract, id, key, shapes } = definition
  const { shape } = shapes
  // Nearly always the methods are those of the instance before, and then nothing is left to check.
  if (shape !== undefined && hasMethods(implementation, shape.methods)) return shape
  if (typeof implementation !== "object" || implementation === null) {
    throw new TypeError(
      `${id}: the constructor must succeed with an object of methods, but did with ${show(implementation)}`
    )
  }
  const names = contract === undefined ? methodNames(implementation) : Object.keys(contract)
  checkNames(id, names)
  if (isLiteral(implementation)) checkMembers(definition, implementation)
  checkImplementation(definition, implementation)
  const methods = names.map((name) => ({
    ...describe(definition, name),
    isSubscription: isReadable(implementation[name])
  }))
  shapes.shape = {
    methods,
    members: handles.makeMembers(methods),
    Handle: handles.constructorOf(handles.makePrototype(id, key, names))
  }
  return shapes.shape
}

const hasMethods = (implementation: Implementation, methods: ReadonlyArray<MethodSpec>): boolean => {
  let index = 0
  for (const name in implementation) {
    if (methods[index]?.name !== name || typeof implementation[name] !== "function") return false
    index++
  }
  return index === methods.length
}

/** The instance of a class has fields, and methods for its own use. What is written as a literal is meant for callers. */
const isLiteral = (implementation: Implementation): boolean => {
  const prototype = Object.getPrototypeOf(implementation)
  return prototype === Object.prototype || prototype === null
}

const checkMembers = ({ contract, id }: Definition, implementation: Implementation): void => {
  for (const name of Reflect.ownKeys(implementation)) {
    if (typeof name === "symbol") throw reserved(id, name)
    const member: unknown = implementation[name]
    if (typeof member !== "function") {
      const what = isEffect(member) ? "an Effect that has not run (is a yield* missing?)" : kindOf(member)
      throw new TypeError(
        `${id}: the constructor must give methods only, but "${name}" is ${what}. Keep state in variables that the methods close over`
      )
    }
    if (contract !== undefined && !Object.hasOwn(contract, name)) {
      throw new TypeError(
        `${id}: its contract has no method "${name}", it has ${Object.keys(contract).join(", ")}. Add it to the contract, or keep it out of the implementation`
      )
    }
  }
}

/** Methods that the options or the contract speak of have to exist. */
const checkImplementation = (definition: Definition, implementation: Implementation): void => {
  const { contract, id, options } = definition
  const withOptions = [
    ...Object.keys(options.methodOptions),
    ...Object.values(options.concurrencyGroups ?? {}).flatMap(({ methods }) => methods)
  ]
  const mentioned = [...Object.keys(contract ?? {}), ...withOptions]
  const missing = mentioned.find((name) => typeof implementation?.[name] !== "function")
  if (missing !== undefined) {
    const names = methodNames(implementation).join(", ")
    throw new TypeError(`${id}: its contract or options name a method "${missing}", but it has only ${names}`)
  }
  for (const [name, { subscription = false }] of Object.entries(contract ?? {})) {
    if (subscription !== isReadable(implementation[name]))
      throw new TypeError(`${id}: "${name}" must be what Broadcast.make gives if, and only if, its contract says so`)
  }
  subscriptions.reading?.check(id, implementation, withOptions)
}

/** What is known of a method by its name, whether or not it exists. */
export const describe = (
  { contract, id, key, options: actor, shapes }: Definition,
  name: string,
  label?: string
): MethodSpec => {
  const own = actor.methodOptions[name]
  const groups = actor.concurrencyGroups && Object.entries(actor.concurrencyGroups)
  const group = groups?.find(([, { methods }]) => methods.includes(name))?.[0]
  return {
    actor: id,
    key,
    name,
    label: own?.name ?? label ?? `${id}.${name}`,
    group: own?.concurrencyGroup ?? group,
    maxTaskRetries: own?.maxTaskRetries ?? actor.maxTaskRetries,
    retry: own?.retry ?? actor.retry,
    timeout: own?.timeout === undefined ? undefined : options.duration(`${id}.${name}`, "timeout", own.timeout),
    signal: undefined,
    contract: actor.validate ? contract?.[name] : undefined,
    isSubscription:
      contract === undefined
        ? shapes.shape?.methods.find((method) => method.name === name)?.isSubscription === true
        : contract[name]?.subscription === true
  }
}
