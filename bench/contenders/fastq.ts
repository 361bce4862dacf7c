/** fastq, through its promise API. */
import { Effect } from "effect"
import fastq from "fastq"
import { type Contender, idle, plainLifecycle, promiseMethod, type Settings } from "./contender.ts"

const start = (settings: Settings) => {
  const increment = promiseMethod(settings)
  return fastq.promise(async (by: number) => increment(by), settings.limit)
}

export const fastqContender: Contender = {
  name: "fastq",
  open: (settings) =>
    Effect.sync(() => {
      const queue = start(settings)
      return { dialect: "promise", call: (by) => queue.push(by) }
    }),
  lifecycle: plainLifecycle({
    start: () => start(idle),
    stop: (queue) => queue.kill(),
    counter: (queue) => ({ dialect: "promise", call: (by) => queue.push(by) })
  }),
  notes: { actors: "a queue: nothing runs, stopping clears it" }
}
