/**
 * `Actor.toLayer`: joins a contract that was made without the runtime with an implementation.
 */
import type { Layer } from "effect/Layer"
import { contractOf } from "./contracts.ts"
import { toFactory } from "./factory.ts"
import * as keyed from "./keyed.ts"

export const toLayer = (actor: unknown, make: any, options?: any): Layer<any, any, any> => {
  const key = contractOf("Actor.toLayer", actor)
  return "keySchema" in key ? keyed.join(key, make, options) : (toFactory(key, make, options) as any).layer
}
