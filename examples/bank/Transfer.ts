/**
 * A transfer between two accounts: a durable workflow of `effect/workflow`. If its node dies, it resumes where it was.
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
 * Waits without end for a dead node or an unavailable database: money is on its way. Each step is booked once per
 * entry, so repeating a step whose answer was lost is safe.
 */
const persistently = <A, E extends { readonly _tag: string }, R>(step: Effect.Effect<A, E, R>) =>
  Effect.retry(step, {
    while: (error) => error._tag === "ActorError" || error._tag === "DurableStateError",
    schedule: Schedule.spaced("200 millis")
  }) as Effect.Effect<A, Exclude<E, { readonly _tag: "ActorError" | "DurableStateError" }>, R>

/** The saga: take the money, deliver it, and if the other account refuses it, bring it back. */
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
