/**
 * Interruption that keeps true results (semantics 5.2).
 *
 * Effect interrupts a fiber at the end of its uninterruptible region, and in doing so drops the value that the region
 * has just produced. A method that is uninterruptible to its end would lose a result that it did compute. So while a
 * fiber is in such a region we wait for its end, and interrupt the fiber then only if it has anything left to do.
 */
import type * as Fiber from "effect/Fiber"

/** What works on a call: a fiber, or a home. */
export type Interruptible = Pick<Fiber.Fiber<any, any>, "interruptUnsafe">

/** What we need to know of a fiber, and Effect's public interface of fibers does not tell. */
interface Inside {
  interruptible?: boolean
  readonly _children?: ReadonlySet<Fiber.Fiber<unknown, unknown>>
  /** The continuations of what it is doing. */
  readonly _stack?: ReadonlyArray<unknown>
}

/** What a fiber has forked, and will interrupt when it ends. */
export const childrenOf = (fiber: Interruptible): ReadonlyArray<Fiber.Fiber<unknown, unknown>> => [
  ...((fiber as Interruptible & Inside)._children ?? [])
]

/** Whether interrupting a fiber does not end what it waits for now. */
export const holdsOut = (fiber: Interruptible): boolean => (fiber as Interruptible & Inside).interruptible === false

/** Were these parts of a fiber gone, it would be interrupted as Effect does it. */
export const interrupt = (fiber: Interruptible): void => {
  const inside: Inside = fiber as Interruptible & Inside
  if (inside.interruptible !== false || inside._stack === undefined) return fiber.interruptUnsafe()
  Object.defineProperty(fiber, "interruptible", {
    configurable: true,
    enumerable: true,
    get: () => false,
    set: (interruptible: boolean) => {
      if (!interruptible) return
      Object.defineProperty(fiber, "interruptible", {
        value: true,
        configurable: true,
        enumerable: true,
        writable: true
      })
      if (inside._stack!.length > 0) fiber.interruptUnsafe()
    }
  })
}
