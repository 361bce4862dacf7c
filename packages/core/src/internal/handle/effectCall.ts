/**
 * The call of a method that returns an Effect, and what its caller can do with it: wait, and cancel.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import * as asyncContext from "../base/asyncContext.ts"
import { isEffect, noEffect, runSync } from "../base/evaluable.ts"
import { Call, Stage } from "../call/call.ts"
import * as waiting from "../call/waiting.ts"

export class EffectCall extends Call {
  override accept(value: unknown): Effect.Effect<any, any> {
    const effect = isEffect(value) && this.trace === undefined ? runSync(value) : value
    return isEffect(effect) ? effect : Exit.die(notAnEffect(this, effect))
  }

  override wait(): Effect.Effect<any, any> {
    if (this.exit !== undefined) return this.look()!
    return Effect.callback((resume) => Effect.sync(waiting.observe(this, false, resume)))
  }
}

const notAnEffect = (call: Call, value: unknown): TypeError => {
  if (Stream.isStream(value)) {
    return new TypeError(
      `${call.origin} gives a Stream, and was run as an Effect: use Stream.runForEach(handle.method(...), ...), or in plain code for await (const item of Stream.toAsyncIterable(handle.method(...)))`
    )
  }
  const got = noEffect(value)
  return new TypeError(`${call.origin} must return an Effect, but returned ${got}`)
}

/** Waits as an asker does: interruption cancels the call and waits until it has settled (semantics 1.2). */
export const waitOrCancel = (call: Call): Effect.Effect<any, any> =>
  Effect.callback((resume) => {
    const leave = waiting.observe(call, true, resume)
    return Effect.suspend(() => {
      leave()
      return cancelAndWait(call)
    })
  })

export const cancelAndWait = (call: Call): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (call.stage === Stage.New || call.spared) return Effect.void
    call.queue.cell.cancel(call)
    return settled(call)
  })

/** Succeeds once the call has settled, however it did. */
const settled = (call: Call): Effect.Effect<void> => {
  if (call.exit !== undefined) return Effect.void
  return Effect.callback((resume) => {
    const done = asyncContext.bindResume(() => resume(Effect.void))
    call.observe(done)
    return Effect.sync(() => call.unobserve(done))
  })
}
