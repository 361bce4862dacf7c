/**
 * The same application, version 2: optional fields, one more error, methods that version 1 lacks, and a state with a field
 * that version 1 ignores.
 */
import { ClusterHome, Delivery, DurableState } from "@troupe/cluster"
import { Actor } from "@troupe/core"
import { Effect, Layer, Schema } from "effect"
import { serve } from "./main.ts"

class Empty extends Schema.TaggedError<Empty>()("Empty", { balance: Schema.Int }) {}
class Frozen extends Schema.TaggedError<Frozen>()("Frozen", {}) {}

const State = Schema.Struct({ balance: Schema.Int, note: Schema.optionalKey(Schema.String) })

export class Account extends Actor.Keyed<Account>()("rolling/Account", {
  key: Schema.String,
  methods: {
    deposit: Delivery.durable(
      Actor.method({ payload: { amount: Schema.Int, note: Schema.optionalKey(Schema.String) }, success: Schema.Int })
    ),
    take: Delivery.durable(
      Actor.method({ payload: { amount: Schema.Int }, success: Schema.Int, error: Schema.Union([Frozen, Empty]) })
    ),
    balance: Delivery.atLeastOnce(
      Actor.method({ success: Schema.Struct({ balance: Schema.Int, note: Schema.optionalKey(Schema.String) }) })
    ),
    version: Delivery.atLeastOnce(Actor.method({ success: Schema.Int })),
    gift: Delivery.durable(Actor.method({ payload: { amount: Schema.Int }, success: Schema.Int, since: "2.0.0" })),
    peek: Actor.method({ success: Schema.Int, since: "2.0.0" })
  }
}) {}

export const AccountLive = Account.toLayer(
  Effect.fnUntraced(function* () {
    const state = yield* DurableState.make(State, { initial: { balance: 0 } })
    const add = (amount: number, more: { readonly note?: string } = {}) =>
      state
        .modifyOnce({ result: Schema.Int }, (old) => [
          old.balance + amount,
          { ...old, ...more, balance: old.balance + amount }
        ])
        .pipe(Effect.orDie)
    return Account.of({
      deposit: ({ amount, note }) => add(amount, note === undefined ? {} : { note }),
      take: Effect.fnUntraced(function* ({ amount }) {
        const { balance } = yield* Effect.orDie(state.get)
        return balance < amount ? yield* new Empty({ balance }) : yield* add(-amount)
      }),
      balance: () => Effect.orDie(state.get),
      version: () => Effect.succeed(2),
      gift: ({ amount }) => add(amount),
      peek: () => Effect.map(Effect.orDie(state.get), ({ balance }) => balance)
    })
  }),
  { maxConcurrency: 1 }
)

serve(ClusterHome.layer(Account, Layer.provide(AccountLive, DurableState.layer)))
