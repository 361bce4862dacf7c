// A basket is in memory. When its node leaves, the basket is made again on another one, and is empty.
import { ClusterHome, Delivery, DurableState } from "@troupe/cluster"
import * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { Actor } from "@troupe/core"
import { Effect, Layer, Ref, Schema } from "effect"
import { type Bug, expected } from "./bug.ts"

class Basket extends Actor.Keyed<Basket>()("bugs/Basket", {
  key: Schema.String,
  methods: {
    put: Delivery.durable(Actor.method({ args: [Schema.String] })),
    count: Delivery.atLeastOnce(Actor.method({ success: Schema.Int }))
  }
}) {}

type Things = ReadonlyArray<string>

const inMemory = Effect.map(Ref.make<Things>([]), (ref) => ({
  update: (f: (things: Things) => Things) => Ref.update(ref, f),
  get: Ref.get(ref)
}))

const stored = Effect.map(DurableState.make(Schema.Array(Schema.String), { initial: [] }), (state) => ({
  update: (f: (things: Things) => Things) => Effect.orDie(state.update(f)),
  get: Effect.orDie(state.refresh)
}))

const program = (durable: boolean) =>
  Effect.gen(function* () {
    const BasketLive = Basket.toLayer(
      Effect.fnUntraced(function* () {
        const things = durable ? yield* stored : yield* inMemory
        return Basket.of({
          put: (thing) => things.update((all) => [...all.filter((other) => other !== thing), thing]),
          count: () => Effect.map(things.get, (all) => all.length)
        })
      }, Effect.orDie)
    )
    const cluster = yield* SimulatedCluster.make({
      actors: ClusterHome.layer(Basket, BasketLive).pipe(Layer.provide(DurableState.layer)),
      client: ClusterHome.client(Basket),
      faults: { leaves: 1 }
    })
    yield* cluster.run(
      Effect.gen(function* () {
        const basket = yield* Basket.get("ada")
        for (const thing of ["tea", "milk", "honey"]) yield* basket.put(thing)
        expected("things in the basket", yield* basket.count(), 3)
      })
    )
  })

export const forgetfulLeave: Bug = {
  name: "state that a leaving node forgets",
  broken: program(false),
  fixed: program(true),
  within: 400
}
