/** The same asks, unwatched and watched: what it costs when somebody looks, and that it costs nothing when nobody does. */
import { ActorSystem } from "@troupe/core"
import { Effect, Layer, type Scope } from "effect"
import { type Contender, settings } from "../contenders/contender.ts"
import { troupe } from "../contenders/troupe.ts"
import { measure, type Options } from "../harness.ts"
import { type Report, timeRatio } from "../report.ts"
import { oneByOne } from "./workloads.ts"

/** The same contender in an ActorSystem of its own, with somebody who watches that one. */
const watched = (name: string, watcher: Effect.Effect<unknown, never, Scope.Scope>): Contender => ({
  ...troupe,
  name,
  open: (settings) =>
    Effect.gen(function* () {
      const system = yield* ActorSystem.make
      return yield* Effect.andThen(watcher, troupe.open(settings)).pipe(
        Effect.provideService(ActorSystem.ActorSystem, system)
      )
    })
})

const contenders: ReadonlyArray<Contender> = [
  troupe,
  watched(
    "a watcher",
    ActorSystem.watch(() => {})
  ),
  watched("metrics", Layer.build(ActorSystem.layerMetrics()))
]

export const watch = async (options: Options): Promise<Report> => {
  const plan = { settings: () => settings("count", 1000), workload: oneByOne, batch: 1000 }
  const timings = await measure(plan, { ...options, contenders })
  return {
    tables: [
      {
        title: "watch: the calls of the ask row, with somebody who watches",
        columns: ["who watches", "us/call", "fastest", "slowest", "x nobody"],
        lines: contenders.map(({ name }) => {
          const { median, least, most } = timings.get(name)!
          return {
            name: name === "troupe" ? "nobody" : name,
            cells: [median, least, most, timeRatio(timings, name, "troupe")]
          }
        })
      }
    ],
    targets: []
  }
}
