/**
 * A transfer between two accounts: a durable workflow of `effect/workflow`. It goes on where it was when its node dies.
 */
import { Effect, Schedule, Schema } from "effect"
import * as Activity from "effect/workflow/Activity"
import * as Workflow from "effect/workflow/Workflow"
import { Account, AccountClosed, InsufficientFunds } from "./Account.ts"

export const Refused = Schema.Union([InsufficientFunds, AccountClosed])

export const Transfer = Workflow.make("bank/Transfer", {
  payload: { id: Schema.String, from: Schema.String, to: Schema.String, amount: Schema.Int },
  // The same transfer twice is one transfer.
  idempotencyKey: ({ id }) => id,
  error: Refused
})

/**
 * A node that died, and a database that is away, are waited for without end: money is on its way. Each step is booked
 * once for its entry, so repeating one whose answer was lost is safe.
 */
const persistently = <A, E extends { readonly _tag: string }, R>(step: Effect.Effect<A, E, R>) =>
  Effect.retry(step, {
    while: (error) => error._tag === "ActorError" || error._tag === "DurableStateError",
    schedule: Schedule.spaced("200 millis")
  }) as Effect.Effect<A, Exclude<E, { readonly _tag: "ActorError" | "DurableStateError" }>, R>

/** The saga: take the money, bring it, and if it is not taken there, bring it back. */
export const TransferLive = Transfer.toLayer(({ amount, from, id, to }) =>
  Effect.gen(function* () {
    const [source, target] = yield* Effect.all([Account.get(from), Account.get(to)])
    yield* Activity.make({
      name: "withdraw",
      error: InsufficientFunds,
      execute: persistently(source.withdraw(`${id}/withdraw`, amount))
    })
    const deposit = Activity.make({
      name: "deposit",
      error: AccountClosed,
      execute: persistently(target.deposit(`${id}/deposit`, amount))
    })
    const refund = Activity.make({ name: "refund", execute: persistently(source.refund(`${id}/refund`, amount)) })
    yield* Effect.tapError(deposit, () => refund)
  })
)
