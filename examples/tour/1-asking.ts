/**
 * Asking. `yield* greeter.greet("Ada")` submits a call and waits for its answer. An ask is an Effect like any other, so
 * Effect's own operators decide whether asks run one after the other or all at once.
 */
import { Actor } from "@troupe/core"
import { Effect } from "effect"
import { check, type Program } from "./Program.ts"
import { peak, Timeline } from "./Timeline.ts"

// #region show
class Greeter extends Actor.Service<Greeter>()("tour/Greeter", {
  make: Effect.gen(function* () {
    const timeline = yield* Timeline
    return {
      greet: (name: string) =>
        Effect.sleep("400 millis").pipe(
          Effect.as(`Hello, ${name}!`),
          timeline.lane(name)
        )
    }
  })
}) {}

const greetings = Effect.gen(function* () {
  const greeter = yield* Greeter

  // One after the other: each yield* waits for its answer.
  const ada = yield* greeter.greet("Ada")
  const grace = yield* greeter.greet("Grace")

  // All at once: one actor, four calls running, none blocks another.
  const names = ["Alan", "Barbara", "Edsger", "Frances"]
  const others = yield* Effect.forEach(
    names,
    (name) => greeter.greet(name),
    { concurrency: "unbounded" }
  )

  return [ada, grace, ...others]
})
// #endregion

export const asking: Program = {
  title: "Asking, and awaiting concurrently",
  about:
    "An actor is a service whose methods return Effects. Asking it submits one call and waits for the answer. " +
    "Two asks in a row take two turns; four asks at once take one.",
  file: import.meta.url,
  lanes: ["Ada", "Grace", "Alan", "Barbara", "Edsger", "Frances"],
  seconds: 1.2,
  run: Effect.gen(function* () {
    const said = yield* greetings
    const events = yield* (yield* Timeline).events
    return {
      checks: [
        check(`the answers are ${said[0]} ... ${said.at(-1)}`, said, [
          "Hello, Ada!",
          "Hello, Grace!",
          "Hello, Alan!",
          "Hello, Barbara!",
          "Hello, Edsger!",
          "Hello, Frances!"
        ]),
        check(
          "asked in a row, at most 1 call runs at a time",
          peak(events.slice(0, 4)),
          1
        ),
        check(
          "asked at once, 4 of 4 calls run together",
          peak(events.slice(4)),
          4
        )
      ]
    }
  }).pipe(Effect.provide(Greeter.layer))
}
