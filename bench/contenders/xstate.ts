/**
 * xstate: `send` runs the transition on the caller's stack and answers nothing, so the counter is read from the snapshot.
 * Work that takes time is a promise actor per call; xstate has no limit, so it stands behind the semaphore of `raw`.
 */
import { Effect } from "effect"
import { type Actor, createActor, fromPromise, fromTransition, toPromise } from "xstate"
import { type Contender, type PlainCounter, type PromiseCounter, plainLifecycle, promiseMethod } from "./contender.ts"
import { PromiseSemaphore } from "./raw.ts"

interface Increment {
  readonly type: "increment"
  readonly by: number
}

const counterLogic = fromTransition((count: number, event: Increment) => count + event.by, 0)

const counter = (actor: Actor<typeof counterLogic>): PlainCounter => ({
  dialect: "plain",
  call: (by) => {
    actor.send({ type: "increment", by })
    return actor.getSnapshot().context
  }
})

const behindSemaphore = (method: (by: number) => number | Promise<number>, limit: number): PromiseCounter => {
  const logic = fromPromise<number, number>(async ({ input }) => method(input))
  const semaphore = new PromiseSemaphore(limit)
  return {
    dialect: "promise",
    call: async (by) => {
      await semaphore.acquire()
      try {
        return await toPromise(createActor(logic, { input: by }).start())
      } finally {
        semaphore.release()
      }
    }
  }
}

const promiseActors = "has no limit: a promise actor per call, behind the semaphore of `raw`"

export const xstate: Contender = {
  name: "xstate",
  open: (settings) =>
    Effect.sync(() =>
      settings.work === "count"
        ? counter(createActor(counterLogic).start())
        : behindSemaphore(promiseMethod(settings), settings.limit)
    ),
  lifecycle: plainLifecycle({
    start: () => createActor(counterLogic).start(),
    stop: (actor) => actor.stop(),
    counter
  }),
  notes: {
    ask: "bare `send` and a look at the snapshot, on the caller's stack: no reply, no limit, no cancellation",
    remote: "bare `send` and a look at the snapshot, on the caller's stack: nothing is in flight",
    hop: promiseActors,
    sleep: promiseActors,
    waiting: promiseActors
  }
}
