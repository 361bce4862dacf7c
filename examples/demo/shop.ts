/**
 * The actors of a web shop: each of them gives the live view something to show.
 */
import { Actor } from "@troupe/core"
import { Effect, Layer, Random, Schedule, Schema } from "effect"

export class Declined extends Schema.TaggedError<Declined>()("Declined", { card: Schema.String }) {
  override get message() {
    return `the bank declined ${this.card}`
  }
}

export class SoldOut extends Schema.TaggedError<SoldOut>()("SoldOut", { product: Schema.String }) {
  override get message() {
    return `${this.product} is sold out`
  }
}

/** Pretends to work: now and then twice as long as usual, rarely ten times as long. */
const work = (millis: number) =>
  Effect.flatMap(Random.next, (luck) =>
    Effect.sleep(Math.round(millis * (luck > 0.98 ? 10 : luck > 0.85 ? 2 : 0.5 + luck)))
  )

/** Fast, and called all the time. */
export class Catalog extends Actor.Service<Catalog>()("shop/Catalog", {
  make: Effect.succeed({
    search: (words: string) => Effect.as(work(8), [words]),
    price: (product: string) => Effect.succeed(product.length * 100)
  })
}) {}

/** One per customer. Idle ones end. */
export class Basket extends Actor.Keyed<Basket>()("shop/Basket", {
  maxConcurrency: 1,
  idleTimeToLive: "20 seconds",
  make: (_customer: string) =>
    Effect.sync(() => {
      const products: Array<string> = []
      return {
        add: (product: string) => Effect.as(work(4), products.push(product)),
        empty: () => Effect.sync(() => products.splice(0))
      }
    })
}) {}

/** One per product, one call at a time: popular products have a line. */
export class Stock extends Actor.Keyed<Stock>()("shop/Stock", {
  maxConcurrency: 1,
  idleTimeToLive: "5 minutes",
  make: (product: string) =>
    Effect.sync(() => {
      let left = 400
      return {
        reserve: Effect.fnUntraced(function* (count: number) {
          yield* work(product === "Teapot" ? 120 : 25)
          if (left < count) return yield* new SoldOut({ product })
          left -= count
          return left
        }),
        refill: () => Effect.sync(() => (left = 400))
      }
    })
}) {}

/** Slow, with few permits, and restarted when it has a defect. */
export class Payments extends Actor.Service<Payments>()("shop/Payments", {
  maxConcurrency: 3,
  onDefect: "restart",
  restart: Schedule.spaced("1500 millis"),
  maxTaskRetries: 2,
  make: Effect.as(Effect.sleep("300 millis"), {
    charge: Effect.fnUntraced(function* (card: string, _amount: number) {
      yield* work(180)
      const luck = yield* Random.next
      if (luck < 0.06) return yield* new Declined({ card })
      if (luck > 0.992) return yield* Effect.die(new Error("the connection to the bank was reset"))
      return `receipt for ${card}`
    })
  })
}) {}

/**
 * Two lines: letters never wait for parcels. In a rush, parcels arrive faster than they leave, since no caller waits
 * for them; between rushes, their line drains.
 */
export class Post extends Actor.Service<Post>()("shop/Post", {
  maxPendingCalls: 500,
  // No caller waits for the post, so it does not keep the shop open.
  shutdownTimeout: "300 millis",
  concurrencyGroups: {
    letters: { maxConcurrency: 4, methods: ["letter"] },
    parcels: { maxConcurrency: 2, methods: ["parcel"] }
  },
  make: Effect.succeed({
    letter: (_to: string) => work(40),
    parcel: (_to: string) => work(200)
  })
}) {}

/** Waits for all the others. */
export class Checkout extends Actor.Service<Checkout>()("shop/Checkout", {
  maxConcurrency: 12,
  make: Effect.gen(function* () {
    const payments = yield* Payments
    const post = yield* Post
    const stock = yield* Stock
    const basket = yield* Basket
    return {
      pay: Effect.fnUntraced(function* (customer: string, products: ReadonlyArray<string>) {
        yield* Effect.forEach(products, (product) => stock.get(product).reserve(1), { concurrency: "unbounded" })
        const receipt = yield* payments.charge(`card of ${customer}`, products.length * 100)
        yield* post.parcel.remote(customer)
        yield* post.letter(customer)
        yield* basket.get(customer).empty()
        return receipt
      })
    }
  })
}) {}

/** The two books of the shop: each looks into the other, and they have one permit each. */
export class Ledger extends Actor.Service<Ledger>()("shop/Ledger", {
  maxConcurrency: 1,
  make: Effect.succeed({
    /** Holds its permit while it waits. */
    balance: <E>(other: Effect.Effect<number, E>) => Effect.andThen(work(200), other),
    total: () => Effect.as(work(20), 42)
  })
}) {}

export class Audit extends Actor.Service<Audit>()("shop/Audit", {
  maxConcurrency: 1,
  make: Effect.succeed({
    check: <E>(other: Effect.Effect<number, E>) => Effect.andThen(work(200), other),
    total: () => Effect.as(work(20), 42)
  })
}) {}

/** Starts a tour, and is gone before all of its parcels are delivered. */
export class Courier extends Actor.Service<Courier>()("shop/Courier", {
  maxConcurrency: 1,
  shutdownTimeout: "300 millis",
  make: (_tour: number) => Effect.succeed({ deliver: (_parcel: string) => work(700) })
}) {}

/** For `--crowd`: many instances, most of them with nothing to do. */
export class Customer extends Actor.Keyed<Customer>()("shop/Customer", {
  idleTimeToLive: "1 hour",
  maxInstances: 100_000,
  make: (_name: string) => Effect.succeed({ look: () => work(60), greet: () => Effect.void })
}) {}

/** All actors that live in this process. */
export const shop = Checkout.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(Payments.layer, Post.layer, Stock.layer, Basket.layer)),
  Layer.merge(Layer.mergeAll(Catalog.layer, Ledger.layer, Audit.layer, Customer.layer))
)
