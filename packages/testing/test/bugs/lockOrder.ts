// Two transfers between two accounts, in opposite directions. Each takes the account that pays, then the other one.
import { Actor } from "@troupe/core"
import { Effect, Semaphore } from "effect"
import type { Bug } from "./bug.ts"

const program = (ordered: boolean) =>
  Effect.gen(function* () {
    class Bank extends Actor.Service<Bank>()("Bank", {
      make: Effect.gen(function* () {
        const locks = [yield* Semaphore.make(1), yield* Semaphore.make(1)] as const
        return {
          transfer: (from: 0 | 1, to: 0 | 1) => {
            const [first, second] = ordered ? locks : [locks[from], locks[to]]
            return first.withPermits(1)(second.withPermits(1)(Effect.void))
          }
        }
      })
    }) {}
    const bank = yield* Bank.spawn()
    yield* Effect.all([bank.transfer(0, 1), bank.transfer(1, 0)], { concurrency: "unbounded" })
  })

export const lockOrder: Bug = {
  name: "locks taken in opposite orders",
  broken: program(false),
  fixed: program(true),
  kind: "Deadlock",
  within: 50
}
