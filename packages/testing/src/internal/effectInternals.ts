/**
 * The one door of this package to the insides of Effect: what its types and its documentation do not promise, and any
 * version may change. Each part is looked for once, when this module loads; what takes its place is said at each.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { SingleShotGen } from "effect/Utils"
import { INTERRUPTED, NEXT, PARENT, RUNNING } from "./effectNames.ts"

type AnyFiber = Fiber.Fiber<unknown, unknown>

const fiber: any = Effect.runFork(Effect.never)
const knowsInterrupts = INTERRUPTED in fiber
fiber.interruptUnsafe()

/** Which fiber has forked another, if it has not ended. Otherwise threads are named after what ran before them. */
export const parentOf = (fiber: AnyFiber): AnyFiber | undefined => (fiber as any)[PARENT]

/** Whether a fiber is on the JavaScript stack. Otherwise the thread that began last is taken for the one that runs. */
export const isRunning = (fiber: AnyFiber | undefined): boolean => (fiber as any)?.[RUNNING] === true

/** Whether a fiber may have been interrupted. Otherwise each may: none is preempted before its first operation. */
export const mayBeInterrupted: (fiber: AnyFiber) => boolean = knowsInterrupts
  ? (fiber: any) => fiber[INTERRUPTED] !== undefined
  : () => true

/**
 * Calls back whenever a generator yields an effect while `run` runs, with the JavaScript stack: the generator is its second
 * frame. Otherwise never, and a trace has no places.
 *
 * The class and its method are public, and to replace the method for a moment is the only way to be there in time. Where a
 * generator stands can be read off the JavaScript stack alone, while the generator is on it, and nothing else runs then:
 * the scheduler, the tracer and core's hub are called when it has given its effect away. The frames that Effect records
 * itself (`References.CurrentStackFrame`) are those of `Effect.fn` and of spans: where a function was called, not which
 * of its lines is next. It is done in traced runs only, which are those of a schedule that has failed.
 */
export const whileYielding = <A>(arrived: (stack: string | undefined) => void, run: () => A): A => {
  const prototype: any = SingleShotGen.prototype
  const next = prototype[NEXT]
  if (typeof next !== "function") return run()
  prototype[NEXT] = function (this: any, value: unknown) {
    if (!this.done) arrived(new Error().stack)
    return next.call(this, value)
  }
  try {
    return run()
  } finally {
    prototype[NEXT] = next
  }
}
