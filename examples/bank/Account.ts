/** The contract of an account: what its callers need to know. */
import * as Delivery from "@troupe/cluster/Delivery"
import * as DurableState from "@troupe/cluster/DurableState"
import { Actor } from "@troupe/core"
import { Schema } from "effect"

/** There is not as much in the account. */
export class InsufficientFunds extends Schema.TaggedError<InsufficientFunds>()("InsufficientFunds", {
  account: Schema.String,
  balance: Schema.Int
}) {}

/** The account takes no money any more. */
export class AccountClosed extends Schema.TaggedError<AccountClosed>()("AccountClosed", { account: Schema.String }) {}

/** `entry` names what is booked: the same one is booked once, however often it arrives. So it may arrive often. */
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
    /** Takes back what `withdraw` took, also if the account is closed. */
    refund: Delivery.atLeastOnce(Actor.method({ args: [entry, amount], error: DurableState.DurableStateError })),
    close: Delivery.atLeastOnce(Actor.method({ error: DurableState.DurableStateError })),
    balance: Delivery.atLeastOnce(Actor.method({ success: Schema.Int, error: DurableState.DurableStateError }))
  }
}) {}
