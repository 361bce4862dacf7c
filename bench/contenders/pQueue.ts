/** p-queue: a queue of promise-returning functions. */
import { Effect } from "effect"
import PQueue from "p-queue"
import { type Contender, idle, plainLifecycle, promiseMethod, type Settings } from "./contender.ts"

const start = (settings: Settings) => {
  const queue = new PQueue({ concurrency: settings.limit })
  const increment = promiseMethod(settings)
  return { queue, call: (by: number) => queue.add(() => increment(by)) }
}

export const pQueue: Contender = {
  name: "p-queue",
  open: (settings) => Effect.sync(() => ({ dialect: "promise", call: start(settings).call })),
  lifecycle: plainLifecycle({
    start: () => start(idle),
    stop: ({ queue }) => queue.clear(),
    counter: ({ call }) => ({ dialect: "promise", call })
  }),
  notes: { actors: "a queue: nothing runs, stopping clears it" }
}
