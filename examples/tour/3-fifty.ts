/** Fifty calls start at once: by default, 1000 calls of an actor may run at a time. */
import { Actor, ObjectRef } from "@troupe/core"
import { Array, Effect } from "effect"
import { check, type Program } from "./Program.ts"
import { started, Timeline, waves } from "./Timeline.ts"

// #region show
export class Sleeper extends Actor.Service<Sleeper>()("tour/Sleeper", {
  make: Effect.gen(function* () {
    const timeline = yield* Timeline
    return {
      sleep: (n: number) =>
        Effect.sleep("600 millis").pipe(timeline.lane(n))
    }
  })
}) {}

export const fiftyCalls = Effect.gen(function* () {
  const sleeper = yield* Sleeper
  const refs = yield* Effect.forEach(Array.range(1, 50), (n) =>
    sleeper.sleep.remote(n)
  )
  yield* ObjectRef.get(refs)
})
// #endregion

export const numbers = Array.range(1, 50).map(String)

export const fifty: Program = {
  title: "Fifty calls at once",
  about:
    ".remote submits a call and gives its ref without waiting. ObjectRef.get waits for all fifty; " +
    "it needs Driver, the permission to block, which only the edge of a program has.",
  file: import.meta.url,
  lanes: numbers,
  seconds: 0.6,
  run: Effect.gen(function* () {
    yield* fiftyCalls
    const events = yield* (yield* Timeline).events
    const [first = 0] = waves(events)
    return {
      checks: [
        check(
          `${first} of 50 calls started before the first one ended`,
          first,
          50
        ),
        check(
          "they started in the order in which they were submitted",
          started(events),
          numbers
        )
      ]
    }
  }).pipe(Effect.provide(Sleeper.layer))
}
