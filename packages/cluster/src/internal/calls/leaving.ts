/**
 * Whether an interruption means "cancel", or only that this process, or the place of an actor in it, comes to its end.
 *
 * A durable call outlives both. An actor that is interrupted since its node leaves runs again elsewhere and finds the
 * durable calls that it made, which must not be cancelled by then. The same goes for an instance that is killed, fenced
 * off or restarted, and for a reminder that is being fired when its node leaves.
 */
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { memoize } from "effect/Function"
import { orGiveUp } from "../base/giveUp.ts"
import { Entity, Sharding } from "../engine.ts"
import { CurrentWork, type Submission, TellsSubmissions } from "./durableCall.ts"

/** The places of actors on one node. */
export interface Places {
  /** Notes that this node gives an actor up. */
  leave(actor: string): Effect.Effect<void>
  /** Whether a fiber in this context works for an actor whose place here comes to its end. */
  isLeft(context: Context.Context<never>): boolean
}

/** The places on a node. */
const placesOf = memoize((sharding: Sharding.Sharding["Service"]): Places => {
  const left = new Set<string>()
  return {
    leave: (actor) =>
      Effect.sync(() => {
        left.add(actor)
      }),
    isLeft: (context) => {
      const own = Context.getOrUndefined(context, Entity.CurrentAddress)
      return own !== undefined && (left.has(own.entityType) || !sharding.hasShardId(own.shardId))
    }
  }
})

/** Those on the node that is in context. */
export const places: Effect.Effect<Places, never, Sharding.Sharding> = Effect.map(Sharding.Sharding, placesOf)

/** The durable calls that callers in this process wait for. */
export class Waits {
  private state: "open" | "terminating" | "left" = "open"
  private readonly waiting = new Set<() => void>()
  private readonly places: Places
  /** Whether it is known of calls when they are stored. */
  private readonly tells: boolean

  constructor(places: Places, storage: object) {
    this.places = places
    this.tells = TellsSubmissions in storage
  }

  /** All callers stop waiting, once their calls are stored: this process, or this part of it, comes to its end. */
  readonly leave: Effect.Effect<void> = Effect.sync(() => {
    this.state = "left"
    for (const detach of this.waiting) detach()
  })

  /** The process is told to end: what is interrupted from now on is interrupted for that. */
  readonly terminate = (): void => {
    if (this.state === "open") this.state = "terminating"
  }

  /** Whether a fiber in this context was interrupted for another reason than that its call is not wanted any more. */
  isTeardown(context: Context.Context<never>): boolean {
    if (this.state !== "open" || this.places.isLeft(context)) return true
    return Context.get(context, CurrentWork)?.over === true || Home.endsWithInstance(context)
  }

  /**
   * Runs a call until it ends, or until this process leaves: then it fails with `late`, and is interrupted. A call that is
   * not stored by then would be lost, so it is stored first.
   */
  run<A, E, E2>(call: Effect.Effect<A, E>, submission: Submission, late: () => E2): Effect.Effect<A, E | E2> {
    const cause = () => (this.tells ? Home.goesOn(late()) : Cause.fail(late()))
    return orGiveUp(cause, (context, giveUp) => {
      const detach = this.tells ? () => submission.whenStored(giveUp) : giveUp
      this.waiting.add(detach)
      const fiber = Effect.runForkWith(context)(call)
      if (this.state === "left") detach()
      return { fiber, ended: () => this.waiting.delete(detach) }
    })
  }
}
