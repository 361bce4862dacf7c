/** The same fifty calls, ten at a time: `maxConcurrency` is the number of permits that an actor has. */
import { Effect } from "effect"
import { fiftyCalls, numbers, Sleeper } from "./3-fifty.ts"
import { check, type Program } from "./Program.ts"
import { peak, started, Timeline, waves } from "./Timeline.ts"

// #region show
const inWaves = fiftyCalls.pipe(
  Effect.provide(Sleeper.options({ maxConcurrency: 10 }).layer)
)
// #endregion

export const wavesOfTen: Program = {
  title: "The same fifty calls with maxConcurrency: 10",
  about:
    "Ten calls get a permit and start. The others wait in line, each as a plain record, and start in order as permits " +
    "come back. All calls sleep equally long, so they run in five waves.",
  file: import.meta.url,
  lanes: numbers,
  seconds: 3,
  run: Effect.gen(function* () {
    yield* inWaves
    const events = yield* (yield* Timeline).events
    const sizes = waves(events)
    return {
      checks: [
        check(
          `${sizes.length} waves of ${sizes.join(", ")} calls`,
          sizes,
          [10, 10, 10, 10, 10]
        ),
        check(
          `never more than ${peak(events)} calls at a time`,
          peak(events),
          10
        ),
        check(
          "they started in the order in which they were submitted",
          started(events),
          numbers
        )
      ]
    }
  })
}
