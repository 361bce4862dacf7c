/**
 * The classes of contracts: what a caller elsewhere has of an actor, and nothing that runs one. What does takes them from
 * `Actor.toLayer` on.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { checkId } from "../base/ids.ts"
import { show } from "../base/show.ts"
import { checkNames, type Implementation, type MethodSpec } from "../call/method.ts"

export type Contract = Readonly<Record<string, NonNullable<MethodSpec["contract"]>>>

/** A class that was made from a contract. */
export interface ContractClass extends Context.Service<any, any> {
  readonly methods: Contract
  /** Where it has an instance per key. */
  readonly keySchema?: unknown
}

/** `Contract.Service<Self>()`. */
export const service = (id: string, input: any): ContractClass => make("Contract.Service", id, input?.methods)

/** `Contract.Keyed<Self>()`. */
export const keyed = (id: string, input: any): ContractClass =>
  withKeys(findsKeys(make("Contract.Keyed", id, input?.methods)), input.key)

const make = (constructor: string, id: string, methods: Contract): ContractClass => {
  checkId(constructor, id)
  return ofContract((Context.Service as any)()(id), methods)
}

/** Has a service stand for an actor of which the methods are known. */
export const ofContract = (key: any, methods: Contract): ContractClass => {
  if (typeof methods !== "object" || methods === null)
    throw new TypeError(
      `${key.key}: a contract needs "methods", an object of Actor.method(...), but got ${show(methods)}`
    )
  checkNames(key.key, Object.keys(methods))
  return Object.assign(key, { methods, of: (implementation: Implementation) => implementation })
}

export const withKeys = (key: ContractClass, keySchema: unknown): ContractClass => Object.assign(key, { keySchema })

/** Has a service give the handle of a key. */
export const findsKeys = (key: any): any =>
  Object.assign(key, {
    get: (of: unknown) => Effect.map(key as Effect.Effect<any>, (service: any) => service.get(of))
  })

/** The class that a contract made, of which users extend theirs: it is the same for all that join it. */
export const contractOf = (operation: string, actor: unknown): ContractClass => {
  let made: any = actor
  while (typeof made === "function" && !Object.hasOwn(made, "methods")) made = Object.getPrototypeOf(made)
  if (typeof made === "function") return made
  throw new TypeError(`${operation} takes the class of a contract, but got ${show(actor)}`)
}
