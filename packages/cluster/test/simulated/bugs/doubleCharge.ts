// An order charges the customer. Its node dies after the bank has been asked and before that is stored, so the call runs
// again, and asks again. With the id of the call, the bank knows that it is the same charge.
import { ClusterHome, Delivery } from "@troupe/cluster"
import * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { Actor } from "@troupe/core"
import { Effect, Schema } from "effect"
import { type Bug, expected } from "./bug.ts"

class Order extends Actor.Keyed<Order>()("bugs/Order", {
  key: Schema.String,
  methods: { pay: Delivery.durable(Actor.method({ args: [Schema.Int] })) }
}) {}

const program = (withId: boolean) =>
  Effect.gen(function* () {
    // The bank is no part of the cluster.
    const charges = new Map<string, number>()
    const charge = (id: string, cents: number) => Effect.sync(() => void charges.set(id, cents))
    const OrderLive = Order.toLayer(() =>
      Effect.sync(() =>
        Order.of({
          pay: Effect.fnUntraced(function* (cents: number) {
            const call = yield* ClusterHome.DurableCall
            yield* charge(withId ? call!.id : `charge ${charges.size}`, cents)
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
    expected("charges", charges.size, 1)
  })

export const doubleCharge: Bug = {
  name: "a step of a saga without an id",
  broken: program(false),
  fixed: program(true),
  within: 400
}
