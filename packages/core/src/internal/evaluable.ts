/**
 * A base class for objects that fibers can run: subclasses say how in `evaluate`.
 *
 * `Effectable.Class` does the same, but hides the fiber, whose context and dispatcher we need.
 */

import type * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import type * as Fiber from "effect/Fiber"

export const Evaluable: abstract new () => object = (() => {
  const Base = function () {}
  Base.prototype = Effectable.Prototype<any>({
    label: "Troupe",
    evaluate(this: { evaluate(fiber: Fiber.Fiber<any, any>): Effect.Effect<any, any> }, fiber) {
      return this.evaluate(fiber)
    }
  })
  return Base as any
})()
