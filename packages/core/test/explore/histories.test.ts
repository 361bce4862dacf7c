/**
 * Histories of actors, held against models that do one call after the other.
 */
import { describe } from "@effect/vitest"
import { Actor, ObjectRef } from "@troupe/core"
import { History } from "@troupe/testing"
import { it } from "@troupe/testing/vitest"
import { Effect, Exit, Fiber, Ref } from "effect"

/** Reads, lets others go first, writes: right only if nothing comes in between. */
class Account extends Actor.Service<Account>()("test/Account", {
  maxConcurrency: 1,
  make: Effect.gen(function* () {
    const balance = yield* Ref.make(0)
    return {
      deposit: (amount: number) =>
        Effect.gen(function* () {
          const before = yield* Ref.get(balance)
          yield* Effect.yieldNow
          yield* Ref.set(balance, before + amount)
          return before + amount
        }),
      withdraw: (amount: number) =>
        Effect.gen(function* () {
          const before = yield* Ref.get(balance)
          if (before < amount) return yield* Effect.fail("too little" as const)
          yield* Effect.yieldNow
          yield* Ref.set(balance, before - amount)
          return before - amount
        }),
      balance: () => Ref.get(balance)
    }
  })
}) {}

const account: History.Model<number, Effect.Success<ReturnType<typeof Account.spawn>>> = {
  initial: 0,
  methods: {
    deposit: (balance, amount) => [balance + amount, balance + amount],
    withdraw: (balance, amount) =>
      balance < amount ? [balance, Exit.fail("too little" as const)] : [balance - amount, balance - amount],
    balance: (balance) => [balance, balance]
  }
}

describe("the history of an actor that runs one call at a time is linearizable", () => {
  it.explore(
    "with askers, refs and refs as arguments",
    Effect.gen(function* () {
      const { handle, history } = History.record(yield* Account.spawn())
      const first = yield* handle.deposit.remote(5)
      const askers = yield* Effect.forkChild(
        Effect.all([Effect.exit(handle.withdraw(3)), handle.balance(), handle.deposit(2)], { concurrency: "unbounded" })
      )
      yield* handle.deposit(1)
      yield* first
      yield* Fiber.join(askers)
      yield* handle.balance()
      yield* History.check(history, account)
    }),
    { schedules: 400 }
  )

  it.explore(
    "with calls that are cancelled, and an instance that is killed",
    Effect.gen(function* () {
      const { handle, history } = History.record(yield* Account.spawn())
      const doomed = yield* handle.deposit.remote(100)
      const asker = yield* Effect.forkChild(Effect.exit(handle.deposit(10)))
      yield* handle.deposit(1)
      yield* ObjectRef.cancel(doomed)
      yield* handle.balance()
      const last = yield* Effect.forkChild(Effect.exit(handle.balance()))
      yield* Actor.kill(handle)
      yield* Fiber.join(asker)
      yield* Fiber.join(last)
      yield* History.check(history, account)
    }),
    { schedules: 400 }
  )
})
