/**
 * What durable calls find in contexts: the id that the caller wants, and whether it is still at work. And what methods
 * find there, the id.
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

/** Work that no call stands for, and that another process takes up when it is over here. */
export interface Work {
  over: boolean
}

/** The work that durable calls are made for, if it is such work: they are not cancelled when it is over. */
export const CurrentWork = Context.Reference<Work | undefined>("troupe/cluster/Work", {
  defaultValue: () => undefined
})
