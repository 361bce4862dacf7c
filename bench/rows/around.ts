/** The same asks with what goes around them: middleware that lets all calls pass, and references that travel. */
import { Actor, ActorMiddleware, ActorSystem, Carried } from "@troupe/core"
import { Effect, Layer, Schema, type Scope } from "effect"
import { effectLane, type Lane, measureLanes, type Options } from "../harness.ts"
import { atMost, type Report, timeRatio } from "../report.ts"

class First extends ActorMiddleware.Service<First>()("bench/First") {}
class Second extends ActorMiddleware.Service<Second>()("bench/Second") {}
const passing = Layer.merge(
  Layer.succeed(First)((next) => next),
  Layer.succeed(Second)((next) => next)
)

const make = Effect.sync(() => {
  let count = 0
  return { increment: (by: number) => Effect.sync(() => (count += by)) }
})
class Plain extends Actor.Service<Plain>()("bench/Plain", { make }) {}
class Guarded extends Actor.Service<Guarded>()("bench/Guarded", { middleware: [First], make }) {}
class Twice extends Actor.Service<Twice>()("bench/Twice", { middleware: [First, Second], make }) {}

const Tenant = Carried.Reference<string>("bench/Tenant", { schema: Schema.String, defaultValue: () => "" })

type Ask = (by: number) => Effect.Effect<number, unknown>

const oneByOne = (ask: Ask, n: number) =>
  Effect.gen(function* () {
    let sum = 0
    for (let i = 0; i < n; i++) sum += yield* ask(1)
    return sum
  })

type Counter = { readonly increment: Ask }

const spawned = (
  name: string,
  spawn: Effect.Effect<Counter, never, First | Second | Scope.Scope>,
  run = oneByOne
): Lane =>
  effectLane(
    name,
    Effect.map(Effect.provide(spawn, passing), ({ increment }) => increment),
    run
  )

const NOTHING = "nothing"

const lanes: ReadonlyArray<Lane> = [
  spawned(NOTHING, Plain.spawn()),
  spawned("a carried reference, set for all", Plain.spawn(), (ask, n) =>
    Effect.provideService(oneByOne(ask, n), Tenant, "acme")
  ),
  spawned("a carried reference, set for each", Plain.spawn(), (ask, n) =>
    oneByOne((by) => Effect.provideService(ask(by), Tenant, "acme"), n)
  ),
  spawned("middleware", Guarded.spawn()),
  spawned("two of them", Twice.spawn()),
  spawned(
    "middleware of the system",
    Effect.provide(Plain.spawn(), Layer.provide(ActorSystem.layerMiddleware(First), passing))
  )
]

export const around = async (options: Options): Promise<Report> => {
  const timings = await measureLanes(lanes, { batch: 1000 }, options)
  return {
    tables: [
      {
        title: "around: the calls of the ask row, with what goes around them",
        columns: ["what", "us/call", "fastest", "slowest", `x ${NOTHING}`],
        lines: lanes.map(({ name }) => {
          const { median, least, most } = timings.get(name)!
          return { name, cells: [median, least, most, timeRatio(timings, name, NOTHING)] }
        })
      }
    ],
    targets: [
      atMost(
        "around: a carried reference for all, times none",
        timings,
        "a carried reference, set for all",
        NOTHING,
        2
      ),
      atMost("around: middleware, times none", timings, "middleware", NOTHING, 12)
    ]
  }
}
