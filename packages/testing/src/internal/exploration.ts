/**
 * What a schedule offers to those who simulate a part of the world outside. See `Exploration.ts`.
 */
import * as Context from "effect/Context"
import type * as Exploration_ from "../Exploration.ts"
import type { VirtualClock } from "./clock.ts"
import type { Random } from "./random.ts"
import type { ExplorerScheduler } from "./scheduler.ts"
import type { Thread } from "./thread.ts"
import type { Trace } from "./trace.ts"

export const Exploration: Context.Reference<Exploration_.Exploration | undefined> = Context.Reference<
  Exploration_.Exploration | undefined
>("troupe/testing/Exploration", { defaultValue: () => undefined })

const words = new Map<string, string>()
/** There are few names. Programs that make up ever more of them start again. */
const MAX_WORDS = 1000

/** A plan names choices: so their names are words of it. */
const wordOf = (name: string): string => {
  const known = words.get(name)
  if (known !== undefined) return known
  if (words.size === MAX_WORDS) words.clear()
  const word = name.replaceAll(/\W/g, "_")
  words.set(name, word)
  return word
}

export const makeExploration = (
  scheduler: ExplorerScheduler,
  clock: VirtualClock,
  random: Random,
  trace: Trace | undefined
): Exploration_.Exploration => {
  // Made when it is needed: in a program without a simulation, all threads have the ids that they had.
  let made: Thread | undefined
  const thread = () => (made ??= scheduler.make(scheduler.root))
  return {
    now: () => clock.currentTimeMillisUnsafe(),
    soon: (task) => scheduler.add(thread(), task),
    at: (millis, task) => clock.at(millis, thread(), task),
    choose: (name, options, likelihood) => scheduler.choose(wordOf(name), options, likelihood),
    random: () => random.fraction(),
    note: (who, what) => trace?.noted(who, what),
    traced: trace !== undefined
  }
}
