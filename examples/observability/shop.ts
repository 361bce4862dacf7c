/** A small shop to observe. Nothing in here knows of spans, metrics or timelines. */
import { Actor } from "@troupe/core"
import { Effect, Layer, Ref, Schema } from "effect"

class CardRefused extends Schema.TaggedError<CardRefused>()("CardRefused", { card: Schema.String }) {
  override get message() {
    return `the card ${this.card} was refused`
  }
}

class Busy extends Schema.TaggedError<Busy>()("Busy", {}) {
  override get message() {
    return "the bank is busy"
  }
}

class Stock extends Actor.Service<Stock>()("shop/Stock", {
  // One at a time: orders wait for each other here.
  maxConcurrency: 1,
  make: Effect.succeed({ reserve: (item: string) => Effect.as(Effect.sleep("20 millis"), `${item} is yours`) })
}) {}

class Bank extends Actor.Service<Bank>()("shop/Bank", {
  maxTaskRetries: 3,
  retry: (error: Busy | CardRefused) => error._tag === "Busy",
  make: Effect.gen(function* () {
    const calls = yield* Ref.make(0)
    return {
      charge: Effect.fnUntraced(function* (card: string) {
        const call = yield* Ref.updateAndGet(calls, (n) => n + 1)
        yield* Effect.sleep("10 millis")
        if (call === 1) return yield* new Busy()
        if (card === "stolen") return yield* new CardRefused({ card })
      })
    }
  })
}) {}

class Mailer extends Actor.Service<Mailer>()("shop/Mailer", {
  make: Effect.succeed({
    send: (text: string) => Effect.andThen(Effect.sleep("30 millis"), Effect.logInfo(`mail: ${text}`))
  })
}) {}

export class Checkout extends Actor.Service<Checkout>()("shop/Checkout", {
  make: Effect.gen(function* () {
    const stock = yield* Stock
    const bank = yield* Bank
    const mailer = yield* Mailer
    return {
      order: Effect.fnUntraced(function* (item: string, card: string) {
        const reserved = yield* stock.reserve(item)
        yield* bank.charge(card)
        // The order does not wait for the mail, which gets its own trace with a link to this call.
        yield* mailer.send.remote(reserved)
        return reserved
      })
    }
  })
}) {}

export const shop = Checkout.layer.pipe(Layer.provide(Layer.mergeAll(Stock.layer, Bank.layer, Mailer.layer)))

/** Three orders at once. The last one is paid with a card that is refused. */
export const orders = Effect.gen(function* () {
  const checkout = yield* Checkout
  const order = (item: string, card: string) =>
    checkout.order(item, card).pipe(Effect.withSpan("POST /orders", { attributes: { item } }), Effect.exit)
  yield* Effect.all([order("book", "visa"), order("lamp", "visa"), order("ring", "stolen")], {
    concurrency: "unbounded"
  })
})
