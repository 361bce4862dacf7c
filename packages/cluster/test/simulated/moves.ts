/**
 * Keys in a simulated cluster that move once nothing is wrong any more: a node joins, and what runs on the others ends
 * before the next instance of its key begins. A node that only believes that it has a key, since it was frozen, say, would
 * be passed over.
 */
import { ClusterHome, Delivery } from "@troupe/cluster"
import * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { Actor } from "@troupe/core"
import { Effect, Fiber, Schema } from "effect"

class Place extends Actor.Keyed<Place>()("test/MovingPlace", {
  key: Schema.String,
  methods: { stay: Delivery.atLeastOnce(Actor.method({ args: [Schema.Int] })) }
}) {}

const KEYS = ["a", "b", "c", "d", "e", "f"]
/** Longer than it takes until keys move to a node that has joined, in milliseconds. */
const STAY = 5000

const stayAll = (millis: number) =>
  Effect.forEach(KEYS, (key) => Effect.flatMap(Place.get(key), (place) => place.stay(millis)), {
    concurrency: "unbounded",
    discard: true
  })

/** Which instances of a key are at work, and whether there were two of them. */
class AtWork {
  readonly doubled = new Set<string>()
  private readonly instances = new Map<string, Set<object>>(KEYS.map((key) => [key, new Set()]))

  during<A>(key: string, instance: object, work: Effect.Effect<A>): Effect.Effect<A> {
    return Effect.suspend(() => {
      const instances = this.instances.get(key)!.add(instance)
      if (instances.size > 1) this.doubled.add(key)
      return Effect.ensuring(
        work,
        Effect.sync(() => instances.delete(instance))
      )
    })
  }
}

export const moves = (faults: SimulatedCluster.Faults) =>
  Effect.gen(function* () {
    let atWork = new AtWork()
    const PlaceLive = Place.toLayer(
      (key) => {
        const instance = {}
        return Effect.succeed(Place.of({ stay: (millis) => atWork.during(key, instance, Effect.sleep(millis)) }))
      },
      { maxConcurrency: 1 }
    )
    const cluster = yield* SimulatedCluster.make({
      actors: ClusterHome.layer(Place, PlaceLive),
      client: ClusterHome.client(Place),
      faults
    })
    yield* cluster.run(stayAll(STAY))
    yield* cluster.settled()
    // By then all nodes know each other again. What was at work under faults does not count.
    yield* Effect.sleep("5 seconds")
    atWork = new AtWork()
    const calls = [yield* Effect.forkChild(cluster.run(stayAll(STAY)))]
    yield* cluster.join
    for (let waited = 0; waited < STAY; waited += STAY / 4) {
      yield* Effect.sleep(STAY / 4)
      calls.push(yield* Effect.forkChild(cluster.run(stayAll(1))))
    }
    yield* Fiber.awaitAll(calls)
    const [key] = atWork.doubled
    if (key !== undefined) yield* Effect.die(new Error(`${key} has two instances at work as a node joins`))
  })
