/**
 * Refs are futures. Submitting a call returns an ObjectRef at once, and plain async code can use it like any promise:
 * `await` it, hand it to `Promise.all`, race it against a timeout.
 */
import { setTimeout as delay } from "node:timers/promises"
import { Actor, AsyncHandle } from "@troupe/core"
import { Effect } from "effect"
import { check, type Program } from "./Program.ts"
import { Timeline } from "./Timeline.ts"

// #region show
class Kitchen extends Actor.Service<Kitchen>()("tour/Kitchen", {
  make: Effect.gen(function* () {
    const timeline = yield* Timeline
    return {
      cook: (dish: string, millis: number) =>
        Effect.sleep(millis).pipe(
          Effect.as(`${dish} is ready`),
          timeline.lane(dish)
        )
    }
  })
}) {}

const dinner = async (
  kitchen: AsyncHandle.AsyncHandle<Kitchen["Service"]>
) => {
  // A ref is a future.
  const soup = await kitchen.cook("soup", 300)

  // Many refs are many futures.
  const sides = await Promise.all([
    kitchen.cook("rice", 600),
    kitchen.cook("beans", 300)
  ])

  // Not awaited yet: a ref to a call that runs.
  const roast = kitchen.cook("roast", 1000)
  const early = await Promise.race([
    roast,
    delay(300, "the roast needs more time")
  ])
  // Losing the race did not hurt the call.
  const late = await roast

  return { soup, sides, early, late }
}
// #endregion

export const refs: Program = {
  title: "Refs as futures: await, Promise.all, a race against a timeout",
  about:
    "No Effect needed here. AsyncHandle gives an actor eager methods, and each call gives an ObjectRef, " +
    "which is a future to await, to combine, or to leave for later.",
  file: import.meta.url,
  lanes: ["soup", "rice", "beans", "roast"],
  seconds: 1.9,
  run: Effect.gen(function* () {
    const kitchen = yield* Kitchen
    const served = yield* Effect.promise(() =>
      dinner(AsyncHandle.make(kitchen))
    )
    return {
      checks: [
        check(`await gives "${served.soup}"`, served.soup, "soup is ready"),
        check("Promise.all gives 2 of 2 answers, in order", served.sides, [
          "rice is ready",
          "beans is ready"
        ]),
        check(
          `the race goes to the timeout: "${served.early}"`,
          served.early,
          "the roast needs more time"
        ),
        check(
          `the ref is still good afterwards: "${served.late}"`,
          served.late,
          "roast is ready"
        )
      ]
    }
  }).pipe(Effect.provide(Kitchen.layer))
}
