// An order refunds in a fiber that nobody waits for. Once its failure is stored it never runs again, and when its node dies
// then, the refund is lost.
import { ClusterHome, Delivery } from "@troupe/cluster"
import * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { Actor } from "@troupe/core"
import { Effect, Layer, Schema } from "effect"
import { type Bug, expected } from "./bug.ts"

class SoldOut extends Schema.TaggedError<SoldOut>()("SoldOut", {}) {}

class Stock extends Actor.Keyed<Stock>()("bugs/Tickets", {
  key: Schema.String,
  methods: { take: Delivery.durable(Actor.method({ args: [Schema.String], error: SoldOut }), { id: (order) => order }) }
}) {}

class Order extends Actor.Keyed<Order>()("bugs/Order", {
  key: Schema.String,
  methods: { place: Delivery.durable(Actor.method({ error: SoldOut })) }
}) {}

const program = (awaited: boolean) =>
  Effect.gen(function* () {
    // The bank books each key once.
    const booked = new Set<string>()
    const bank = (key: string) => Effect.delay(Effect.asVoid(Effect.sync(() => booked.add(key))), "5 millis")
    let sold: string | undefined
    const StockLive = Stock.toLayer(() =>
      Effect.succeed(
        Stock.of({
          take: (order) =>
            Effect.suspend(() => {
              sold ??= order
              return sold === order ? Effect.void : Effect.fail(new SoldOut())
            })
        })
      )
    )
    const OrderLive = Order.toLayer(
      Effect.fnUntraced(function* (order) {
        const stock = yield* Stock.get("concert")
        const refund = bank(`refund ${order}`)
        return Order.of({
          place: Effect.fnUntraced(function* () {
            yield* bank(`charge ${order}`)
            yield* Effect.tapError(Effect.catchTag(stock.take(order), "ActorError", Effect.die), () =>
              awaited ? refund : Effect.forkDetach(refund)
            )
          })
        })
      }, Effect.orDie)
    )
    const actors = ClusterHome.layer(Order, OrderLive).pipe(Layer.provideMerge(ClusterHome.layer(Stock, StockLive)))
    const cluster = yield* SimulatedCluster.make({ actors, client: ClusterHome.client(Order), faults: { kills: 1 } })
    const buyers = ["ada", "bob"]
    const place = (who: string) => Effect.flatMap(Order.get(who), (order) => Effect.result(order.place()))
    yield* cluster.run(Effect.forEach(buyers, place, { concurrency: "unbounded" }))
    yield* cluster.settled()
    yield* Effect.sleep("1 second")
    for (const who of buyers) {
      const paid = booked.has(`charge ${who}`) && !booked.has(`refund ${who}`)
      expected(`whether ${who} has paid`, paid, sold === who)
    }
  })

export const detachedRefund: Bug = {
  name: "a refund that nobody waits for",
  broken: program(false),
  fixed: program(true),
  within: 400
}
