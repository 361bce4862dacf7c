/**
 * The actor of the chaos runs: a log for each key, to which clients append.
 */

import * as Delivery from "@troupe/cluster/Delivery"
import * as DurableState from "@troupe/cluster/DurableState"
import * as Actor from "@troupe/core/Actor"
import * as Schema from "effect/Schema"

export const Entry = Schema.Struct({ op: Schema.String, writer: Schema.String })

const appending = Actor.method({
  args: [Schema.String],
  /** The position in the log. */
  success: Schema.Int,
  error: DurableState.DurableStateError
})

export class Ledger extends Actor.Keyed<Ledger>()("chaos/Ledger", {
  key: Schema.String,
  methods: {
    /** Appends an operation once, however often it is delivered. */
    append: Delivery.durable(appending),
    /** Appends an operation each time that it runs. */
    touch: appending,
    read: Delivery.atLeastOnce(Actor.method({ success: Schema.Array(Entry), error: DurableState.DurableStateError }))
  }
}) {}
