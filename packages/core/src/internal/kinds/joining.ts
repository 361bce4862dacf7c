/**
 * Joining a contract with what implements it: here, or elsewhere.
 */
import type { Layer } from "effect/Layer"
import * as deadlock from "../call/deadlock.ts"
import { contractOf } from "./contracts.ts"
import * as factory from "./factory.ts"
import * as keyed from "./keyed.ts"

/** `Actor.toLayer`. */
export const toLayer: typeof toClients = (actor, make, options) => {
  deadlock.install()
  return join("Actor.toLayer", actor, make, options)
}

/** `Actor.toFactory`. */
export const toFactory: typeof factory.toFactory = (actor, make, options) => {
  deadlock.install()
  return factory.toFactory(actor, make, options)
}

/** `Home.toClients`. */
export const toClients = (actor: unknown, make: any, options?: any): Layer<any, any, any> =>
  join("Home.toClients", actor, make, options)

const join = (operation: string, actor: unknown, make: any, options: any): Layer<any, any, any> => {
  const key = contractOf(operation, actor)
  return "keySchema" in key ? keyed.join(key, make, options) : (factory.toFactory(key, make, options) as any).layer
}
