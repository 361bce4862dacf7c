/**
 * What durable calls find in contexts: the id that the caller wants, and whether it is still at work. And what methods
 * find there, the id.
 */
import * as Home from "@troupe/core/Home"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/** The id for the durable calls that are made in a context. */
export interface Id {
  readonly id: string
  /** Whether a caller has set it, who has to hear of it where it has no effect. */
  readonly chosen: boolean
  /** The call in whose method it was set, if it was in one. */
  readonly within: Home.Call | undefined
}

export const CallId: Context.Reference<Id | undefined> = Context.Reference<Id | undefined>("troupe/cluster/CallId", {
  defaultValue: () => undefined
})

/** Sets the id that a caller has chosen. */
export const withId = <A, E, R>(effect: Effect.Effect<A, E, R>, id: string): Effect.Effect<A, E, R> =>
  Effect.withFiber(({ context }) =>
    Effect.provideService(effect, CallId, { id, chosen: true, within: Home.callIn(context) })
  )

/** The id for a call that this is the context of. Calls of methods that an effect has called have ids of their own. */
export const idFor = (context: Context.Context<never>): Id | undefined => {
  const set = Context.get(context, CallId)
  if (set === undefined) return undefined
  const call = Home.callIn(context)
  const caller = call && Home.callIn(call.context)
  return caller === undefined || caller === set.within ? set : undefined
}

/** A durable call on its way to the storage. */
export class Submission {
  /** Whether the id of the call stands for its arguments: then the storage refuses it to a call with other ones. */
  readonly standsForArguments: boolean
  private isStored = false
  private next: (() => void) | undefined = undefined

  constructor(standsForArguments: boolean) {
    this.standsForArguments = standsForArguments
  }

  /** It goes on without its caller from now on. */
  stored(): void {
    this.isStored = true
    this.next?.()
  }

  whenStored(next: () => void): void {
    if (this.isStored) next()
    else this.next = next
  }
}

export const CurrentSubmission: Context.Reference<Submission | undefined> = Context.Reference<Submission | undefined>(
  "troupe/cluster/Submission",
  { defaultValue: () => undefined }
)

/** What a storage has that tells submissions when they are stored. */
export const TellsSubmissions: unique symbol = Symbol.for("troupe/cluster/TellsSubmissions")

/** A call that a method runs for. A firing of a reminder has no method, and an id that nothing else has. */
export interface Running {
  readonly id: string
  readonly method?: string | undefined
}

/** The id of what a call does once: calls of two methods may have the same id. */
export const onceIdOf = ({ id, method }: Running): string => (method === undefined ? id : `${method} ${id}`)

/** The durable call that a method runs for. */
export const DurableCall = Context.Reference<Running | undefined>("troupe/cluster/DurableCall", {
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
