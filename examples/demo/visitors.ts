/**
 * What happens in the shop: visitors who look, buy and leave, and two books that lock each other out now and then.
 */
import { Actor } from "@troupe/core"
import { Clock, type Duration, Effect, Random } from "effect"
import { Audit, Basket, Catalog, Checkout, Courier, Customer, Ledger, Post, Stock } from "./shop.ts"
import { Thumbnails } from "./Thumbnails.ts"

const products = ["Teapot", "Lamp", "Chair", "Carpet", "Clock", "Kettle", "Mirror", "Shelf", "Stool", "Vase"]
const names = ["ada", "bob", "cleo", "dan", "eve", "finn", "gus", "hana", "ivo", "jo", "kim", "lea", "max", "nora"]

const pick = <A>(from: ReadonlyArray<A>) => Effect.map(Random.nextIntBetween(0, from.length - 1), (i) => from[i]!)
/** Popular products come first. */
const product = Effect.map(Random.next, (luck) => products[Math.floor(luck ** 2.2 * products.length)]!)

/** Repeats `what`, however it ends. The pause is outside the part that may fail, so that failing is no hot loop. */
const again = <A, E, R>(pause: Effect.Effect<Duration.Input>, what: Effect.Effect<A, E, R>) =>
  Effect.exit(what).pipe(Effect.andThen(pause), Effect.flatMap(Effect.sleep), Effect.forever)

const every = <A, E, R>(pause: Duration.Input, what: Effect.Effect<A, E, R>) => again(Effect.succeed(pause), what)

/** A rush of 15 seconds in every 45: too much for the shop, which then catches up. */
const isRush = Effect.map(Clock.currentTimeMillis, (now) => now % 45_000 < 15_000)

/** How long a visitor looks around before the next purchase. */
const lookAround = Effect.flatMap(isRush, (rush) =>
  rush ? Random.nextIntBetween(50, 600) : Random.nextIntBetween(1000, 4000)
)

/** A visitor who puts things into a basket and pays, and stays after an error. */
const purchase = Effect.gen(function* () {
  const catalog = yield* Catalog
  const basket = yield* Basket
  const checkout = yield* Checkout
  const name = yield* pick(names)
  const own = basket.get(name)
  yield* catalog.search(yield* product)
  const wanted = yield* Effect.all([product, product])
  for (const one of wanted) yield* own.add(one)
  yield* checkout.pay(name, [...new Set(wanted)])
})

const thumbnails = Effect.gen(function* () {
  const thumbnails = yield* Thumbnails
  yield* Effect.all(
    products.slice(0, 6).map((one, i) => thumbnails.shrink(one, 4 + i * 6)),
    { concurrency: "unbounded" }
  )
})

/** A wave of letters, more than can be delivered at once: the queue grows and shrinks. */
const newsletter = Effect.gen(function* () {
  const post = yield* Post
  const catalog = yield* Catalog
  yield* Effect.forEach(Array.from({ length: 240 }), (_, i) => post.letter.remote(`${names[i % names.length]}`))
  yield* Effect.forEach(products, (one) => catalog.price(one))
})

/** Each book holds its permit and waits for the other. Only the timeout ends it, so nothing fails as a deadlock. */
const lockedOut = Effect.gen(function* () {
  const ledger = yield* Ledger
  const audit = yield* Audit
  const patient = "7 seconds"
  yield* Effect.sleep("6 seconds")
  yield* Effect.all(
    [ledger.balance(Effect.timeout(audit.total(), patient)), audit.check(Effect.timeout(ledger.total(), patient))],
    { concurrency: "unbounded" }
  )
})

/** A courier is dismissed in the middle of a tour: undelivered parcels become dead letters. */
const courierTour = (tour: number) =>
  Effect.gen(function* () {
    const courier = yield* Courier.options({ name: `tour ${tour}` }).spawn(tour)
    const parcels = yield* Effect.forEach(names.slice(0, 6), (name) => courier.deliver.remote(name))
    yield* Effect.sleep("2500 millis")
    yield* Actor.kill(courier)
    // Waiting for them handles their failures, so that the log does not warn of them.
    yield* Effect.forEach(parcels, Effect.exit)
  }).pipe(Effect.scoped)

const refill = Effect.gen(function* () {
  const stock = yield* Stock
  yield* Effect.forEach(products, (one) => stock.get(one).refill(), { concurrency: "unbounded" })
})

/** Many customers, a few of them active. */
const crowd = (size: number) =>
  Effect.gen(function* () {
    if (size === 0) return
    const customer = yield* Customer
    const called = (i: number) => customer.get(`customer-${String(i).padStart(4, "0")}`)
    yield* Effect.forEach(Array.from({ length: size }), (_, i) => called(i).greet(), { concurrency: 50 })
    const one = Effect.flatMap(Random.nextIntBetween(0, size - 1), (i) => called(i).look())
    yield* every("5 millis", Effect.forkChild(one))
  })

/** Everything at once, until the Scope closes. */
export const visitors = (options: { readonly crowd: number }) =>
  Effect.gen(function* () {
    let tour = 0
    for (let i = 0; i < 18; i++) yield* Effect.forkScoped(again(lookAround, purchase))
    yield* Effect.forkScoped(every("400 millis", thumbnails))
    yield* Effect.forkScoped(every("12 seconds", newsletter))
    yield* Effect.forkScoped(every("9 seconds", lockedOut))
    yield* Effect.forkScoped(
      every(
        "8 seconds",
        Effect.suspend(() => courierTour(++tour))
      )
    )
    yield* Effect.forkScoped(every("110 seconds", refill))
    yield* Effect.forkScoped(crowd(options.crowd))
  })
