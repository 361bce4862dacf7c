// The bank knows a charge by its id, but only for a second: shorter than a failover takes, after which the call comes again.
import { ClusterHome, Delivery } from "@troupe/cluster"
import * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { Actor } from "@troupe/core"
import { Clock, Effect, Schema } from "effect"
import { type Bug, expected } from "./bug.ts"

class Order extends Actor.Keyed<Order>()("bugs/Order", {
  key: Schema.String,
  methods: { pay: Delivery.durable(Actor.method({ args: [Schema.Int] })) }
}) {}

const program = (remembered: number) =>
  Effect.gen(function* () {
    let charges = 0
    const known = new Map<string, number>()
    const charge = Effect.fnUntraced(function* (id: string) {
      const now = yield* Clock.currentTimeMillis
      if (now - (known.get(id) ?? -Infinity) < remembered) return
      known.set(id, now)
      charges++
    })
    const OrderLive = Order.toLayer(() =>
      Effect.sync(() =>
        Order.of({
          pay: Effect.fnUntraced(function* () {
            const call = yield* ClusterHome.DurableCall
            yield* charge(call!.id)
            yield* Effect.sleep("10 millis")
          })
        })
      )
    )
    const cluster = yield* SimulatedCluster.make({
      actors: ClusterHome.layer(Order, OrderLive),
      client: ClusterHome.client(Order),
      faults: { kills: 1 }
    })
    yield* cluster.run(Effect.flatMap(Order.get("1"), (order) => order.pay(995)))
    yield* cluster.settled()
    expected("charges", charges, 1)
  })

export const earlyPurge: Bug = {
  name: "ids that are forgotten before the call comes again",
  broken: program(1000),
  fixed: program(3_600_000),
  within: 400
}
