/** A thousand calls that run and nine thousand that wait are cancelled: all at once, and one by one. */
import { Actor, ObjectRef } from "@troupe/core"
import { Deferred, Effect, Exit, Fiber, Semaphore } from "effect"
import PQueue from "p-queue"
import { chosen, type Lane, measureLanes, type Options } from "../harness.ts"
import { atMost, fasterThan, laneTable, type Report } from "../report.ts"

const RUNNING = 1000
const CALLS = 10_000

class Sleeper extends Actor.Service<Sleeper>()("bench/Sleeper", {
  make: Effect.succeed({ sleep: () => Effect.never }),
  maxConcurrency: RUNNING
}) {}

/** Submits all, cancels all, and says how many have ended as cancelled. */
type Round = () => Promise<number>

const lane = (name: string, round: Round, note?: string): Lane => ({
  name,
  note,
  open: async () => ({
    run: async (calls) => {
      for (let done = 0; done < calls; done += CALLS) {
        const cancelled = await round()
        if (cancelled !== CALLS) throw new Error(`${name}: ${cancelled} of ${CALLS} calls were cancelled`)
      }
    },
    close: async () => {}
  })
})

const troupe =
  (cancel: (refs: ReadonlyArray<ObjectRef.Any>) => Effect.Effect<unknown>): Round =>
  () =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const { sleep } = yield* Sleeper.spawn()
          const refs: Array<ObjectRef.ObjectRef<never, unknown>> = []
          for (let i = 0; i < CALLS; i++) refs.push(yield* sleep.remote())
          yield* cancel(refs)
          let cancelled = 0
          for (const ref of refs) if (Exit.isFailure(yield* Effect.exit(ref))) cancelled++
          return cancelled
        })
      )
    )

/** A fiber, a semaphore permit and a `Deferred` per call; it is cancelled by interrupting the fiber. */
const byHand =
  (interrupt: (fibers: ReadonlyArray<Fiber.Fiber<unknown, unknown>>) => Effect.Effect<unknown>): Round =>
  () =>
    Effect.runPromise(
      Effect.gen(function* () {
        const semaphore = yield* Semaphore.make(RUNNING)
        const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
        const replies: Array<Deferred.Deferred<never>> = []
        for (let i = 0; i < CALLS; i++) {
          const reply = yield* Deferred.make<never>()
          replies.push(reply)
          fibers.push(yield* Effect.forkDetach(Deferred.into(semaphore.withPermit(Effect.never), reply)))
        }
        yield* Effect.yieldNow
        yield* interrupt(fibers)
        let cancelled = 0
        for (const reply of replies) if (Exit.isFailure(yield* Effect.exit(Deferred.await(reply)))) cancelled++
        return cancelled
      })
    )

/** A limit that knows of `AbortSignal`: those that wait leave the line, those that run are told. */
const raw: Round = async () => {
  const waiting = new Set<() => void>()
  let free = RUNNING
  const call = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => {
      const start = () => free--
      const end = () => {
        if (!waiting.delete(start)) {
          free++
          const next = waiting.values().next().value
          if (next !== undefined) {
            waiting.delete(next)
            next()
          }
        }
        reject(signal.reason)
      }
      signal.addEventListener("abort", end, { once: true })
      if (free > 0) start()
      else waiting.add(start)
    })
  const controllers: Array<AbortController> = []
  const promises: Array<Promise<boolean>> = []
  for (let i = 0; i < CALLS; i++) {
    const controller = new AbortController()
    controllers.push(controller)
    promises.push(
      call(controller.signal).then(
        () => false,
        () => true
      )
    )
  }
  // From the back, as the others have those leave first that have not begun.
  for (const controller of controllers.toReversed()) controller.abort()
  return (await Promise.all(promises)).filter(Boolean).length
}

const pQueue: Round = async () => {
  const queue = new PQueue({ concurrency: RUNNING })
  const controllers: Array<AbortController> = []
  const promises: Array<Promise<boolean>> = []
  for (let i = 0; i < CALLS; i++) {
    const controller = new AbortController()
    const { signal } = controller
    controllers.push(controller)
    const sleep = () =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }))
    promises.push(
      queue.add(sleep, { signal }).then(
        () => false,
        () => true
      )
    )
  }
  for (const controller of controllers.toReversed()) controller.abort()
  return (await Promise.all(promises)).filter(Boolean).length
}

const lanes: ReadonlyArray<Lane> = [
  lane("raw", raw, "a limit written by hand that knows of `AbortSignal`"),
  lane("by hand", byHand(Fiber.interruptAll), "`Fiber.interruptAll`"),
  lane(
    "by hand, one by one",
    byHand((fibers) => Effect.forEach(fibers.toReversed(), Fiber.interrupt, { discard: true }))
  ),
  lane("p-queue", pQueue),
  lane("troupe", troupe(ObjectRef.cancelAll), "`ObjectRef.cancelAll`"),
  lane(
    "troupe, one by one",
    troupe((refs) => Effect.forEach([...refs].reverse(), (ref) => ObjectRef.cancel(ref), { discard: true }))
  )
]

export const cancel = async (options: Options): Promise<Report> => {
  const mine = chosen(lanes, options)
  const timings = await measureLanes(mine, { batch: CALLS }, options)
  return {
    tables: [laneTable("cancel: 1,000 running and 9,000 waiting calls, submitted and cancelled", timings, mine)],
    targets: [
      fasterThan("cancel", timings, "by hand", 1),
      atMost("cancel: times by hand, both one by one", timings, "troupe, one by one", "by hand, one by one", 1)
    ]
  }
}
