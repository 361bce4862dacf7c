// A box office looks whether a seat is free, charges the customer, then writes down who has the seat.
import { Actor } from "@troupe/core"
import { Effect } from "effect"
import type { Bug } from "./bug.ts"

class Bank extends Actor.Service<Bank>()("Bank", {
  make: Effect.sync(() => {
    let charges = 0
    return {
      charge: (_customer: string) => Effect.sync(() => ++charges),
      charges: () => Effect.sync(() => charges)
    }
  })
}) {}

const program = (claimFirst: boolean) =>
  Effect.gen(function* () {
    const bank = yield* Bank.spawn()
    class BoxOffice extends Actor.Service<BoxOffice>()("BoxOffice", {
      make: Effect.sync(() => {
        const holder = new Map<number, string>()
        return {
          book: Effect.fnUntraced(function* (seat: number, customer: string) {
            if (holder.has(seat)) return false
            if (claimFirst) holder.set(seat, customer)
            yield* bank.charge(customer)
            holder.set(seat, customer)
            return true
          })
        }
      })
    }) {}
    const office = yield* BoxOffice.spawn()
    yield* Effect.all([office.book(7, "Ada"), office.book(7, "Bob")], { concurrency: "unbounded" })
    const charges = yield* bank.charges()
    if (charges !== 1) return yield* Effect.die(new Error(`one seat was sold ${charges} times`))
  })

export const checkThenAct: Bug = {
  name: "check, then act",
  broken: program(false),
  fixed: program(true),
  kind: "Failure",
  within: 50
}
