/**
 * The start and the end of an instance, as what others wait for, and as what waits itself: a constructor that asks, or a
 * finalizer. The search for deadlocks follows them as it follows calls.
 */
import type * as Fiber from "effect/Fiber"
import { shared } from "../base/copies.ts"
import type { Instance } from "./call.ts"
import { Ref } from "./ref.ts"
import type { Wait, Waiter } from "./waits.ts"

export class OwnTransition extends Ref implements Waiter {
  /** What its fiber waits for. */
  waits: Wait | undefined = undefined
  /** On which fiber the constructor runs, or on which the finalizers do. */
  fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined

  declare readonly cell: Instance
  declare readonly part: "start" | "end"

  constructor(cell: Instance, part: "start" | "end") {
    super()
    this.cell = cell
    this.part = part
  }

  override get origin(): string {
    return `the ${this.part} of ${this.cell.actor}`
  }
}

export const Transition = /* @__PURE__ */ shared("Transition", OwnTransition)
export type Transition = OwnTransition
