/**
 * What durable calls carry in contexts: the id that the caller wants, and the id that the method finds.
 */
import * as Context from "effect/Context"

/** The id for the durable calls that are made in this context. */
export const CallId: Context.Reference<string | undefined> = Context.Reference<string | undefined>(
  "troupe/cluster/CallId",
  {
    defaultValue: () => undefined
  }
)

/** The durable call that a method runs for. */
export const DurableCall = Context.Reference<{ readonly id: string } | undefined>("troupe/cluster/DurableCall", {
  defaultValue: () => undefined
})
