/** The contract of an account: all that its callers need to know. */
import * as Delivery from "@troupe/cluster/Delivery"
import * as DurableState from "@troupe/cluster/DurableState"
import { Actor } from "@troupe/core"
import { Schema } from "effect"

/** The account does not hold that much. */
export class InsufficientFunds extends Schema.TaggedError<InsufficientFunds>()("InsufficientFunds", {
  account: Schema.String,
  balance: Schema.Int
}) {}

/** The account accepts no more money. */
export class AccountClosed extends Schema.TaggedError<AccountClosed>()("AccountClosed", { account: Schema.String }) {}

/** `entry` identifies a booking: it is booked once, however often it arrives, so callers may repeat it. */
const entry = Schema.String
const amount = Schema.Int

export class Account extends Actor.Keyed<Account>()("bank/Account", {
  key: Schema.String,
  methods: {
    withdraw: Delivery.atLeastOnce(
      Actor.method({
        args: [entry, amount],
        error: Schema.Union([InsufficientFunds, DurableState.DurableStateError])
      })
    ),
    deposit: Delivery.atLeastOnce(
      Actor.method({ args: [entry, amount], error: Schema.Union([AccountClosed, DurableState.DurableStateError]) })
    ),
    /** Gives back what `withdraw` took, even if the account is closed. */
    refund: Delivery.atLeastOnce(Actor.method({ args: [entry, amount], error: DurableState.DurableStateError })),
    close: Delivery.atLeastOnce(Actor.method({ error: DurableState.DurableStateError })),
    balance: Delivery.atLeastOnce(Actor.method({ success: Schema.Int, error: DurableState.DurableStateError }))
  }
}) {}
