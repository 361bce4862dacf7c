/**
 * The classes of contracts: what a caller elsewhere has of an actor, and nothing that runs one. What does takes them from
 * `Actor.toLayer` on.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Any } from "../../ActorMiddleware.ts"
import { explainMissing } from "../base/effectInternals.ts"
import { kindOf, noEffect } from "../base/evaluable.ts"
import { checkId } from "../base/ids.ts"
import * as options from "../base/options.ts"
import { show } from "../base/show.ts"
import { checkNames, type Implementation, type MethodSpec } from "../call/method.ts"

export type Contract = Readonly<
  Record<string, NonNullable<MethodSpec["contract"]> & { readonly subscription?: true | undefined }>
>

/** A class that was made from a contract. */
export interface ContractClass extends Context.Service<any, any> {
  readonly methods: Contract
  readonly middleware: ReadonlyArray<Any> | undefined
  /** Where it has an instance per key. */
  readonly keySchema?: unknown
}

/** `Contract.Service<Self>()`. */
export const service = (id: string, input: any): ContractClass =>
  make("Contract.Service", id, input?.methods, input?.middleware)

/** `Contract.Keyed<Self>()`. */
export const keyed = (id: string, input: any): ContractClass =>
  withKeys(findsKeys(make("Contract.Keyed", id, input?.methods, input?.middleware)), input.key)

const make = (
  constructor: string,
  id: string,
  methods: Contract,
  middleware: ReadonlyArray<Any> | undefined
): ContractClass => {
  checkId(constructor, id)
  const key = (Context.Service as any)()(id)
  const join = (name: string) => `what Actor.toLayer(${name}, ...) gives`
  lacks(key, ["toLayer", "toFactory", ...WAYS], `is a contract, which Actor.toLayer joins with an implementation`)
  return ofContract(needsLayer(key, join), methods, middleware)
}

/** Has the class of an actor name its Layer where that is missing. `layer` says which one, given the name of the class. */
export const needsLayer = (key: any, layer: (name: string) => string): any =>
  explainMissing(key, (self) => {
    // Users extend the class, mostly under the name that its id ends with.
    const name = self === key ? key.key.split("/").at(-1) : (self as unknown as { readonly name: string }).name
    return `${key.key} is not provided here: give ${layer(name)} to Effect.provide or ManagedRuntime.make`
  })

/** How instances of other actors are started. */
export const WAYS = ["layer", "layerArgs", "spawn", "options"]

/**
 * Has a class say why it lacks what other classes of actors have: without types that would be `undefined`. A static member
 * that the user adds takes its place.
 */
export const lacks = (key: any, names: ReadonlyArray<string>, why: string): void => {
  for (const name of names) {
    Object.defineProperty(key, name, {
      configurable: true,
      get() {
        throw new TypeError(`${key.key} has no ${name}: it ${why}`)
      },
      set(value) {
        Object.defineProperty(this, name, { value, configurable: true, enumerable: true, writable: true })
      }
    })
  }
}

/** Has a service stand for an actor of which the methods are known. */
export const ofContract = (key: any, methods: Contract, middleware: ReadonlyArray<Any> | undefined): ContractClass => {
  if (typeof methods !== "object" || methods === null || Array.isArray(methods))
    throw new TypeError(
      `${key.key}: a contract needs "methods", an object of Actor.method(...), but got ${show(methods)}`
    )
  for (const [name, method] of Object.entries(methods)) {
    if ((method as any)?.["~troupe/ContractMethod"] !== true)
      throw new TypeError(
        `${key.key}: "${name}" of a contract must be an Actor.method({ ... }), but is ${kindOf(method)}`
      )
  }
  checkNames(key.key, Object.keys(methods))
  const all = middleware && options.middleware(key.key, "middleware", middleware)
  const of = (implementation: Implementation) => implementation
  return Object.assign(key, { methods: withErrors(methods, all ?? []), middleware: all, of })
}

/** Callers and readers get the errors of middleware as they do those of the methods. */
const withErrors = (methods: Contract, middleware: ReadonlyArray<Any>): Contract => {
  const errors = middleware.map(({ error }) => error).filter(({ ast }) => ast._tag !== "Never")
  if (errors.length === 0) return methods
  const all = Object.entries(methods).map(([name, method]: [string, any]) => {
    const own = method.error.ast._tag === "Never" ? [] : [method.error]
    return [name, { ...method, error: Schema.Union([...own, ...errors]) }]
  })
  return Object.fromEntries(all)
}

export const withKeys = (key: ContractClass, keySchema: unknown): ContractClass => {
  if (!Schema.isSchema(keySchema))
    throw new TypeError(`${key.key}: a contract with keys needs "key", their Schema, but got ${show(keySchema)}`)
  return Object.assign(key, { keySchema })
}

/** Has a service give the handle of a key. */
export const findsKeys = (key: any): any =>
  Object.assign(key, {
    get: (of: unknown) => Effect.map(key as Effect.Effect<any>, (service: any) => service.get(of))
  })

/** The options of an implementation, and what its contract says. */
export const withMiddleware = ({ middleware }: ContractClass, given: object): object =>
  middleware === undefined ? given : { ...given, middleware }

/** What joins a contract takes its implementation. In untyped code there may be none. */
export const checkMake = (key: ContractClass, make: unknown, keyed: boolean): void => {
  if (typeof make === "function" || (!keyed && Effect.isEffect(make))) return
  const [what, is] = keyed
    ? [
        "a function of the key that returns an Effect of the methods",
        Effect.isEffect(make) ? "an Effect" : kindOf(make)
      ]
    : ["an Effect of the methods", make === undefined ? "missing" : noEffect(make)]
  throw new TypeError(`${key.key}: its implementation must be ${what}, but is ${is}`)
}

/** The class that a contract made, of which users extend theirs: it is the same for all that join it. */
export const contractOf = (operation: string, actor: unknown): ContractClass => {
  let made: any = actor
  while (typeof made === "function" && !Object.hasOwn(made, "methods")) made = Object.getPrototypeOf(made)
  if (typeof made === "function") return made
  throw new TypeError(`${operation} takes the class of a contract, but got ${show(actor)}`)
}
