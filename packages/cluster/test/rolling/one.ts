/**
 * An application, version 1.
 */
import { ClusterHome, Delivery, DurableState } from "@troupe/cluster"
import { Actor } from "@troupe/core"
import { Effect, Layer, Schema } from "effect"
import { serve } from "./main.ts"

class Empty extends Schema.TaggedError<Empty>()("Empty", { balance: Schema.Int }) {}

const State = Schema.Struct({ balance: Schema.Int })

export class Account extends Actor.Keyed<Account>()("rolling/Account", {
  key: Schema.String,
  methods: {
    deposit: Delivery.durable(Actor.method({ payload: { amount: Schema.Int }, success: Schema.Int })),
    take: Delivery.durable(Actor.method({ payload: { amount: Schema.Int }, success: Schema.Int, error: Empty })),
    balance: Delivery.atLeastOnce(Actor.method({ success: Schema.Struct({ balance: Schema.Int }) })),
    version: Delivery.atLeastOnce(Actor.method({ success: Schema.Int }))
  }
}) {}

export const AccountLive = Account.toLayer(
  Effect.fnUntraced(function* () {
    const state = yield* DurableState.make(State, { initial: { balance: 0 } })
    const add = (amount: number) =>
      state
        .modifyOnce({ result: Schema.Int }, ({ balance }) => [balance + amount, { balance: balance + amount }])
        .pipe(Effect.orDie)
    return Account.of({
      deposit: ({ amount }) => add(amount),
      take: Effect.fnUntraced(function* ({ amount }) {
        const { balance } = yield* Effect.orDie(state.get)
        return balance < amount ? yield* new Empty({ balance }) : yield* add(-amount)
      }),
      balance: () => Effect.orDie(state.get),
      version: () => Effect.succeed(1)
    })
  }),
  { maxConcurrency: 1 }
)

serve(ClusterHome.layer(Account, Layer.provide(AccountLive, DurableState.layer)))
