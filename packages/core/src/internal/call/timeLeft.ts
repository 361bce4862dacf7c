/**
 * How much time a call has until it ends in any case (semantics 13.3): its own, or that of a call further up for which it
 * works. A call that has settled, or was told to end, bounds nothing any more: what its finalizers ask for has the time
 * that it needs.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { elapsedIn } from "../base/time.ts"
import { type Call, Stage } from "./call.ts"
import { current } from "./currentCall.ts"

/** In milliseconds, or `undefined` where nothing bounds it. */
export const timeLeft = (call: Call | undefined): number | undefined => {
  let least = Infinity
  for (let at = call; at !== undefined; at = current(at.context)) {
    if (at.stage <= Stage.Running) least = Math.min(least, ownTime(at))
  }
  return least === Infinity ? undefined : Math.max(0, least)
}

const ownTime = (call: Call): number => {
  const { grace = 0, timeout, until } = call.method
  const left = until === undefined ? Infinity : until - elapsedIn(call.context)
  if (timeout === undefined) return left
  // Its timer is started once it has not settled on the stack of its submitter: until then no time has passed.
  return Math.min(left, (call.line.cell.timers?.left(call) ?? Duration.toMillis(timeout)) - grace)
}

export const ofCurrent: Effect.Effect<Option.Option<Duration.Duration>> = /* @__PURE__ */ Effect.withFiber(
  ({ context }) => {
    const left = timeLeft(current(context))
    return Effect.succeed(left === undefined ? Option.none() : Option.some(Duration.millis(left)))
  }
)
