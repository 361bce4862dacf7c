/** p-limit: a limiter around a plain function. */
import { Effect } from "effect"
import pLimit from "p-limit"
import { type Contender, idle, plainLifecycle, promiseMethod, type Settings } from "./contender.ts"

const start = (settings: Settings) => {
  const limit = pLimit(settings.limit)
  const increment = promiseMethod(settings)
  return { limit, call: (by: number) => limit(() => increment(by)) }
}

export const pLimitContender: Contender = {
  name: "p-limit",
  open: (settings) => Effect.sync(() => ({ dialect: "promise", call: start(settings).call })),
  lifecycle: plainLifecycle({
    start: () => start(idle),
    stop: ({ limit }) => limit.clearQueue(),
    counter: ({ call }) => ({ dialect: "promise", call })
  }),
  notes: { actors: "a limiter: nothing runs, stopping clears its queue" }
}
