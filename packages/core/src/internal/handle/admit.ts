/**
 * Submitting a call to an instance that may have no room for it.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { ActorError } from "../../ActorError.ts"
import * as asyncContext from "../base/asyncContext.ts"
import type { Call } from "../call/call.ts"
import * as failure from "../call/failure.ts"
import * as signals from "../call/signals.ts"
import * as tracing from "../call/tracing.ts"
import * as waiting from "../call/waiting.ts"
import type { Cell } from "../instance/cell.ts"

/**
 * Submits to an instance that was full just now: fails or waits, as `overflow` says. A call that settles meanwhile, since its
 * time is over, needs no room any more, and one whose signal has fired needs none at all.
 */
export const admit = (cell: Cell, call: Call, submit: () => void): Effect.Effect<void, ActorError> => {
  if (!signals.isAborted(call)) {
    if (cell.options.overflow === "fail") return refuse(cell, call)
    if (cell.fullOfOthers) return failure.ofAnotherRequest(call)
  }
  return Effect.callback((resume) => {
    // Between this operation and the one before, room may have come or the signal fired, and then nothing would tell.
    if (!cell.full || signals.isAborted(call)) {
      submit()
      return resume(Effect.void)
    }
    const go = asyncContext.bindResume(() => {
      wait?.end()
      call.unobserve(go)
      resume(Effect.void)
    })
    cell.whenRoom(call, () => {
      submit()
      go(undefined)
    })
    call.observe(go)
    // What waits for room waits for what it asks for, in either way.
    const wait = waiting.begin(call, true, go)
    waiting.begun(wait)
    return Effect.sync(() => {
      wait?.end()
      call.unobserve(go)
      cell.leaveRoom(call)
    })
  })
}

/**
 * Submits a call that its caller waits for with `wait`. It does so in this very operation, if there is room: the instance of
 * a key may be gone by the next one.
 */
export const submitAsked = <A, E>(
  call: Call,
  fiber: Fiber.Fiber<unknown, unknown>,
  wait: () => Effect.Effect<A, E>
): Effect.Effect<A, E | ActorError> => {
  const cell = call.line.cell as Cell
  tracing.mark(call, fiber, true)
  const submit = () => cell.submit(call, fiber.currentDispatcher, true)
  if (cell.full) return Effect.andThen(admit(cell, call, submit), Effect.suspend(wait))
  submit()
  return wait()
}

/** Says no to a call for want of room. */
export const refuse = (cell: Cell, call: Call): Exit.Exit<never, ActorError> => {
  cell.openBooks().refused++
  cell.registry.hub?.refused(call)
  return failure.limitExceeded(call, cell.options.maxPendingCalls)
}
