import { Actor, ActorError, AsyncHandle } from "@troupe/core"
import { Effect, ManagedRuntime } from "effect"

class Counter extends Actor.Service()("app/Counter", {
  maxConcurrency: 1,
  maxPendingCalls: 100,
  make: Effect.sync(() => {
    let count = 0
    // Stands in for a method that asks a database.
    return { add: (by) => Effect.map(Effect.sleep("10 millis"), () => (count += by)) }
  })
}) {}

export const runtime = ManagedRuntime.make(Counter.layer)
export const counter = AsyncHandle.make(await runtime.runPromise(Counter))

/** The status of a response whose call has failed. */
export const statusOf = (error) => {
  if (!ActorError.isActorError(error)) return 500
  return error.reason._tag === "PendingCallsLimitExceeded" ? 429 : 503
}
