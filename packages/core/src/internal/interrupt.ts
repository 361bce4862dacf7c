/**
 * Interruption that keeps true results (semantics 5.2).
 *
 * Effect interrupts a fiber at the end of its uninterruptible region, and in doing so drops the value that the region
 * has just produced. A method that is uninterruptible as a whole would lose a result that it did compute. So while a
 * fiber is in such a region we wait for its end, let the fiber run on, and interrupt it at its next suspension: if it
 * has none, it has finished with its result.
 */
import type * as Fiber from "effect/Fiber"

export const interrupt = (fiber: Fiber.Fiber<unknown, unknown>): void => {
  if (fiber.pollUnsafe() !== undefined) return
  if (isInterruptible(fiber)) fiber.interruptUnsafe()
  else onceInterruptible(fiber, () => interrupt(fiber))
}

/** Not part of Effect's public interface of fibers. Were it gone, fibers would be interrupted as Effect does it. */
const KEY = "interruptible"

const isInterruptible = (fiber: any): boolean => fiber[KEY] !== false

/** Calls back, in a later turn of the fiber's scheduler, after the fiber has become interruptible. */
const onceInterruptible = (fiber: Fiber.Fiber<unknown, unknown>, then: () => void): void => {
  const data = { configurable: true, enumerable: true, writable: true }
  Object.defineProperty(fiber, KEY, {
    configurable: true,
    enumerable: true,
    get: () => false,
    set: (interruptible: boolean) => {
      if (!interruptible) return
      Object.defineProperty(fiber, KEY, { ...data, value: true })
      fiber.currentDispatcher.scheduleTask(then, 0)
    }
  })
}
