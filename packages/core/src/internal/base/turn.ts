/**
 * When a line of calls is worked off that were submitted without waiting for them (semantics 1.3).
 *
 * A turn of the event loop costs as much as fifteen asks, a microtask as much as one. So a line gets its turn in a
 * microtask, as long as the event loop has turned lately: timers and I/O must not starve. Where the scheduler is not
 * Effect's own (a test explores schedules, `Effect.runSync` keeps all to itself), it decides about each turn.
 */
import * as Context from "effect/Context"
import * as Scheduler from "effect/Scheduler"
import { OneDispatcher } from "./oneDispatcher.ts"
import { apart } from "./request.ts"
import * as stack from "./stack.ts"
import { elapsed, liveClock } from "./time.ts"

/** So many turns go by between two looks at the clock, which take as long as a call. */
const UNSEEN = 16

/** For how many milliseconds the event loop may have to wait. */
const PATIENCE = 1

const none = Context.empty()
const standard = Context.get(none, Scheduler.Scheduler)
const resolved = Promise.resolve()

let unseen = 0
/** When the event loop turned, as far as we know. */
let turned = 0

const mayGoFirst = (): boolean => {
  if (++unseen < UNSEEN) return true
  unseen = 0
  return elapsed(liveClock) - turned < PATIENCE
}

/** Has something done soon. Says whether that is in a microtask, where nothing is lost if it is done at once instead. */
export const soon = (
  dispatcher: Scheduler.SchedulerDispatcher | undefined,
  context: Context.Context<never>,
  task: () => void
): boolean => {
  // Where requests are kept apart, another one could have its turn first, and would start the calls as its own.
  if (isStandard(context) && (apart || mayGoFirst())) {
    void resolved.then(task)
    return true
  }
  stack.later(dispatcher, context, () => {
    turned = elapsed(liveClock)
    task()
  })
  return false
}

/** Plain code has no context. That is seen at once, and a look into it is a twentieth of an `await`. */
const isStandard = (context: Context.Context<never>): boolean => {
  if (context === none) return true
  const scheduler = Context.get(context, Scheduler.Scheduler)
  return scheduler === standard || (scheduler instanceof OneDispatcher && scheduler.scheduler === standard)
}
