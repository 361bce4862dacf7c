/** The implementation of an account: its balance is a durable state, which changes once per entry. */
import * as DurableState from "@troupe/cluster/DurableState"
import { Effect, type Layer, Schema } from "effect"
import { Account, AccountClosed, InsufficientFunds } from "./Account.ts"

const State = Schema.Struct({ balance: Schema.Int, closed: Schema.Boolean })
type State = typeof State.Type

/** The opening balance of each account. */
export const GIFT = 1000

const book = (state: State, amount: number) => [undefined, { ...state, balance: state.balance + amount }] as const

export const AccountLive: Layer.Layer<Account, never, DurableState.DurableStateStorage> = Account.toLayer((account) =>
  Effect.gen(function* () {
    const state = yield* DurableState.make(State, { initial: { balance: GIFT, closed: false } })
    const once = (id: string) => ({ id, result: Schema.Undefined, remember: 1000 })
    return Account.of({
      withdraw: (entry, amount) =>
        state.modifyOnceEffect(once(entry), (now) =>
          now.balance < amount
            ? Effect.fail(new InsufficientFunds({ account, balance: now.balance }))
            : Effect.succeed(book(now, -amount))
        ),
      deposit: (entry, amount) =>
        state.modifyOnceEffect(once(entry), (now) =>
          now.closed ? Effect.fail(new AccountClosed({ account })) : Effect.succeed(book(now, amount))
        ),
      refund: (entry, amount) => state.modifyOnce(once(entry), (now) => book(now, amount)),
      close: () => state.update((now) => ({ ...now, closed: true })),
      balance: () => Effect.map(state.refresh, ({ balance }) => balance)
    })
  })
)
