// A customer cancels an order. Whoever hears that it was cancelled believes that nothing has been charged.
import { Actor, ObjectRef } from "@troupe/core"
import { Effect, Ref } from "effect"
import type { Bug } from "./bug.ts"

const program = (whole: boolean) =>
  Effect.gen(function* () {
    const charged = yield* Ref.make(false)
    const points = yield* Ref.make(0)
    const recorded = yield* Ref.make(false)
    class Shop extends Actor.Service<Shop>()("Shop", {
      make: Effect.sync(() => {
        const pay = Effect.gen(function* () {
          yield* Ref.set(charged, true)
          yield* Ref.update(points, (points) => points + 1)
          yield* Ref.set(recorded, true)
        })
        return { order: () => (whole ? Effect.uninterruptible(pay) : pay) }
      })
    }) {}
    const shop = yield* Shop.spawn()
    const order = yield* shop.order.remote()
    yield* Effect.yieldNow
    yield* ObjectRef.cancel(order)
    const [money, books] = [yield* Ref.get(charged), yield* Ref.get(recorded)]
    if (money !== books) return yield* Effect.die(new Error("charged, cancelled, and not in the books"))
  })

export const cancelRace: Bug = {
  name: "cancel racing with completion",
  broken: program(false),
  fixed: program(true),
  kind: "Failure",
  within: 200
}
