/**
 * Waiting for refs as a call does: it is noted what waits for what, and looked whether that is a deadlock.
 */
import * as Fiber from "effect/Fiber"
import * as asyncContext from "../base/asyncContext.ts"
import type { Observer, Ref } from "./ref.ts"
import { waiterOn } from "./waiters.ts"
import { search, Wait } from "./waits.ts"

/** Notes that the present fiber waits, if it works for a call or the like. Call {@link begun} once it does. */
export const begin = (
  refs: Ref | ReadonlyArray<Ref>,
  asked: boolean,
  resume: Observer | undefined
): Wait | undefined => {
  const fiber = Fiber.getCurrent()
  const waiter = fiber && waiterOn(fiber)
  return waiter && new Wait(waiter, fiber!, refs, asked, resume)
}

/** The wait has begun. */
export const begun = (wait: Wait | undefined): void => {
  if (wait !== undefined) search.check(wait.waiter)
}

/** One of several refs has settled, and that did not end the wait. */
export const told = (wait: Wait | undefined): void => {
  if (wait === undefined) return
  wait.untold--
  search.check(wait.waiter)
}

/**
 * Has `onExit` called when a ref has settled, and notes what waits for it. If it is `firm`, the wait cannot be ended before
 * that. Returns how to stop waiting.
 */
export const observe = (ref: Ref, asked: boolean, onExit: Observer, firm = false): (() => void) => {
  const resume = asyncContext.bindResume(onExit)
  const wait = begin(ref, asked, firm ? undefined : resume)
  if (wait === undefined) {
    ref.observe(resume)
    return () => ref.unobserve(resume)
  }
  const observer: Observer = (exit) => {
    wait.end()
    resume(exit)
  }
  wait.leave = () => {
    wait.end()
    ref.unobserve(observer)
  }
  ref.observe(observer)
  search.check(wait.waiter)
  return wait.leave
}
