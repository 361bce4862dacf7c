// The saga of the guide: an order charges a card, takes a ticket, and refunds if there is none. See `docs/test-a-saga.md`.
import { ClusterHome, Delivery } from "@troupe/cluster"
import * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { Actor } from "@troupe/core"
import { Effect, Layer, Schema } from "effect"
import type { Bug } from "./bug.ts"

class SoldOut extends Schema.TaggedError<SoldOut>()("SoldOut", {}) {}

class Stock extends Actor.Keyed<Stock>()("bugs/Stock", {
  key: Schema.String,
  methods: { take: Delivery.durable(Actor.method({ args: [Schema.String], error: SoldOut }), { id: (order) => order }) }
}) {}

class Order extends Actor.Keyed<Order>()("bugs/Order", {
  key: Schema.String,
  methods: { place: Delivery.durable(Actor.method({ args: [Schema.String], error: SoldOut })) }
}) {}

const program = (keyed: boolean) =>
  Effect.gen(function* () {
    // The world outside, which survives the nodes: what the bank has booked, and who has a ticket.
    const booked: Array<string> = []
    const tickets = new Set<string>()
    const bank = (what: string) =>
      Effect.delay(
        Effect.sync(() => {
          if (!keyed || !booked.includes(what)) booked.push(what)
        }),
        "5 millis"
      )

    const StockLive = Stock.toLayer(() =>
      Effect.succeed(
        Stock.of({
          take: (order) =>
            Effect.suspend(() => {
              if (tickets.size === 2 && !tickets.has(order)) return Effect.fail(new SoldOut())
              tickets.add(order)
              return Effect.void
            })
        })
      )
    )
    const OrderLive = Order.toLayer(
      Effect.fnUntraced(function* (order) {
        const stock = yield* Stock.get("concert")
        return Order.of({
          place: Effect.fnUntraced(function* (card: string) {
            yield* bank(`charge ${card}`)
            yield* Effect.onError(Effect.catchTag(stock.take(order), "ActorError", Effect.die), () =>
              bank(`refund ${card}`)
            )
          })
        })
      }, Effect.orDie)
    )
    const actors = ClusterHome.layer(Order, OrderLive).pipe(Layer.provideMerge(ClusterHome.layer(Stock, StockLive)))
    const cluster = yield* SimulatedCluster.make({ actors, client: ClusterHome.client(Order), faults: { kills: 1 } })

    const buyers = ["ada", "bob", "cleo"]
    const place = (who: string) => Effect.flatMap(Order.get(who), (order) => Effect.result(order.place(who)))
    yield* cluster.run(Effect.forEach(buyers, place, { concurrency: "unbounded" }))
    yield* cluster.settled()
    for (const who of buyers) {
      const times = (what: string) => booked.filter((line) => line === `${what} ${who}`).length
      const paid = times("charge") - times("refund")
      const wanted = tickets.has(who) ? 1 : 0
      if (paid !== wanted) yield* Effect.die(new Error(`${who} has ${wanted} tickets and has paid for ${paid}`))
    }
  })

export const saga: Bug = {
  name: "a saga whose first step is done twice",
  broken: program(false),
  fixed: program(true),
  within: 400
}
