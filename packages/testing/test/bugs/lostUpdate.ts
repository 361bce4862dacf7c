// A wallet reads its balance, asks for the fee of the day, and writes the new balance. Two deposits may read the same one.
import { Actor } from "@troupe/core"
import { Effect, Ref } from "effect"
import type { Bug } from "./bug.ts"

class Fees extends Actor.Service<Fees>()("Fees", {
  make: Effect.succeed({ today: () => Effect.succeed(1) })
}) {}

const program = (atomic: boolean) =>
  Effect.gen(function* () {
    const fees = yield* Fees.spawn()
    class Wallet extends Actor.Service<Wallet>()("Wallet", {
      make: Effect.gen(function* () {
        const balance = yield* Ref.make(0)
        const careless = Effect.fnUntraced(function* (amount: number) {
          const before = yield* Ref.get(balance)
          const fee = yield* fees.today()
          yield* Ref.set(balance, before + amount - fee)
        })
        const careful = Effect.fnUntraced(function* (amount: number) {
          const fee = yield* fees.today()
          yield* Ref.update(balance, (before) => before + amount - fee)
        })
        return { deposit: atomic ? careful : careless, balance: () => Ref.get(balance) }
      })
    }) {}
    const wallet = yield* Wallet.spawn()
    yield* Effect.all([wallet.deposit(10), wallet.deposit(20)], { concurrency: "unbounded" })
    const balance = yield* wallet.balance()
    if (balance !== 28) return yield* Effect.die(new Error(`10 and 20 less two fees are 28, not ${balance}`))
  })

export const lostUpdate: Bug = {
  name: "lost update across a yield",
  broken: program(false),
  fixed: program(true),
  kind: "Failure",
  within: 50
}
