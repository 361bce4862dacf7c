/**
 * Keys in a simulated cluster: once nothing is wrong any more, each has one instance, which all nodes reach.
 */
import { ClusterHome, Delivery } from "@troupe/cluster"
import * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { Actor } from "@troupe/core"
import { Effect, Schema } from "effect"

class Place extends Actor.Keyed<Place>()("test/Place", {
  key: Schema.String,
  methods: { who: Delivery.atLeastOnce(Actor.method({ success: Schema.Int })) }
}) {}

const KEYS = ["a", "b", "c", "d", "e", "f"]
const NODES = [0, 1, 2]

const who = (key: string) => Effect.flatMap(Place.get(key), (place) => place.who())

export const places = (faults: SimulatedCluster.Faults) =>
  Effect.gen(function* () {
    let instances = 0
    const PlaceLive = Place.toLayer(() =>
      Effect.sync(() => {
        const instance = ++instances
        return Place.of({ who: () => Effect.succeed(instance) })
      })
    )
    const cluster = yield* SimulatedCluster.make({
      actors: ClusterHome.layer(Place, PlaceLive),
      client: ClusterHome.client(Place),
      faults
    })
    // Instances on all nodes, by then.
    yield* Effect.sleep("2 seconds")
    yield* cluster.run(Effect.forEach(KEYS, who, { concurrency: "unbounded" }))
    yield* Effect.sleep("6 seconds")
    yield* cluster.settled()
    yield* Effect.sleep("10 seconds")
    for (const key of KEYS) {
      const seen = yield* Effect.forEach(NODES, (node) => cluster.on(node, who(key)))
      if (new Set(seen).size > 1) yield* Effect.die(new Error(`${key} has several instances: ${seen.join(", ")}`))
    }
  })
