/**
 * What an asker does once it has submitted its call: it waits, and cancels the call when it is interrupted.
 */
import * as Effect from "effect/Effect"
import * as asyncContext from "../base/asyncContext.ts"
import { type Call, Stage } from "../call/call.ts"
import { cancel } from "../call/ending.ts"
import * as waiting from "../call/waiting.ts"

/** Waits as an asker does: interruption cancels the call and waits until it has settled (semantics 1.2). */
export const waitOrCancel = (call: Call): Effect.Effect<any, any> =>
  Effect.callback((resume) => {
    const leave = waiting.observe(call, true, resume)
    return Effect.suspend(() => {
      leave()
      return cancelAndWait(call)
    })
  })

/** Cancels a call now, if there is one by now. Succeeds once it has settled. */
export const cancelAndWait = (call: Call | undefined): Effect.Effect<void> => {
  if (call === undefined || call.stage === Stage.New || call.spared) return Effect.void
  cancel(call)
  return settled(call)
}

/** Succeeds once the call has settled, however it did. */
const settled = (call: Call): Effect.Effect<void> => {
  if (call.exit !== undefined) return Effect.void
  return Effect.callback((resume) => {
    const done = asyncContext.bindResume(() => resume(Effect.void))
    call.observe(done)
    return Effect.sync(() => call.unobserve(done))
  })
}
