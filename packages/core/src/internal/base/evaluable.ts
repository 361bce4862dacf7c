/**
 * A base class for objects that fibers can run: subclasses say how in `evaluate`.
 *
 * `Effectable.Class` does the same, but hides the fiber, whose context and dispatcher we need.
 *
 * Those that others extend declare their fields and set them in the constructor: the engine does not inline the constructor
 * of a class that extends one with fields, and calls are made often. That took a quarter of an ask.
 */

import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import type * as Fiber from "effect/Fiber"
import { shared } from "./copies.ts"
import { attempt, isInstance, show } from "./show.ts"

const make = (): (abstract new () => object) => {
  const Base = function () {}
  Base.prototype = Effectable.Prototype<any>({
    label: "Troupe",
    evaluate(this: { evaluate(fiber: Fiber.Fiber<any, any>): Effect.Effect<any, any> }, fiber) {
      return this.evaluate(fiber)
    }
  })
  return Base as any
}

export const Evaluable = /* @__PURE__ */ shared("Evaluable", /* @__PURE__ */ make())

/** `Effect.isEffect`, without its detour for what is no object: it takes a fifth of the time of an ask. */
export const isEffect = (u: unknown): u is Effect.Effect<any, any> =>
  typeof u === "object" && u !== null ? Effect.TypeId in u : Effect.isEffect(u)

/**
 * Says what stands where an Effect has to be, and what makes one of it. A Promise that was not asked for is not waited for
 * either: what it rejects with must not end the process.
 */
export const noEffect = (value: unknown): string => {
  if (isInstance(value, Promise)) attempt(() => Promise.prototype.then.call(value, undefined, () => {}))
  return attempt(() => wrapping(value)) ?? kindOf(value)
}

const wrapping = (value: any): string => {
  if (value === undefined) return "undefined. Is a return missing?"
  if (typeof value?.then === "function") return "a Promise. Wrap it: Effect.promise(() => ...)"
  if (typeof value?.[Symbol.iterator] === "function" && typeof value.next === "function")
    return "a generator. Wrap it: Effect.gen(function* () { ... })"
  return `${kindOf(value)}. Effect.succeed wraps a value`
}

/** What a value is, in two words. */
export const kindOf = (value: unknown): string => {
  if (typeof value === "function") return "a function"
  return typeof value === "object" && value !== null ? "an object" : show(value)
}
