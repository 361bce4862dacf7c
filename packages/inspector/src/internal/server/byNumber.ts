/**
 * Operations on calls and instances over HTTP, where only their numbers are known.
 */
import * as ActorSystem from "@troupe/core/ActorSystem"
import * as ByNumber from "@troupe/core/ByNumber"
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { Refused, refuse } from "./reply.ts"

const noCall = (call: number) => Effect.fail(refuse(404, `there is no unsettled call #${call}: it may have settled`))

const noInstance = (instance: number) =>
  Effect.fail(refuse(404, `there is no living instance #${instance}: it may have ended`))

/** A sentence that says where an unsettled call is, and what it waits for. */
export const explain = (call: number): Effect.Effect<string, Refused> =>
  Effect.flatMap(ByNumber.explain(call), (text) => (text === undefined ? noCall(call) : Effect.succeed(text)))

/** Succeeds when the call has settled. */
export const cancel = (call: number, recursive: boolean): Effect.Effect<string, Refused> =>
  Effect.flatMap(ByNumber.cancel(call, { recursive }), (outcome) =>
    outcome === undefined ? noCall(call) : Effect.succeed(outcome)
  )

/** Why an instance was not told to end: it does not exist, or cannot end. */
const cannotEnd = (instance: number): Effect.Effect<never, Refused> =>
  Effect.flatMap(ActorSystem.snapshot({ instance, limit: 1 }), ({ instances }) => {
    const [task] = instances.filter(({ state }) => state !== "dead")
    return task === undefined
      ? noInstance(instance)
      : Effect.fail(refuse(400, `${task.actor} is a task, which cannot be ended: cancel its calls`))
  })

/** Succeeds at once: finalizers may take as long as they like. */
export const kill = (instance: number): Effect.Effect<string, Refused> =>
  Effect.flatMap(ByNumber.kill(instance, { why: "it was killed from the inspector" }), (killed) =>
    killed ? Effect.succeed("killed") : cannotEnd(instance)
  )

/** Succeeds at once: calls that it has accepted may take as long as they like. */
export const stop = (instance: number): Effect.Effect<string, Refused> =>
  Effect.flatMap(ByNumber.stop(instance, { why: "it was stopped from the inspector" }), (stopped) =>
    stopped ? Effect.succeed("stopping") : cannotEnd(instance)
  )

export const resize = (instance: number, limit: number, group: string | undefined): Effect.Effect<string, Refused> =>
  ByNumber.resize(instance, limit, { concurrencyGroup: group }).pipe(
    Effect.flatMap((resized) => (resized ? Effect.succeed("resized") : noInstance(instance))),
    // There is no such group. The message says which ones there are.
    Effect.catchCause((cause) => {
      const error = Cause.squash(cause)
      return Effect.fail(
        error instanceof Refused ? error : refuse(400, error instanceof Error ? error.message : Home.errorText(error))
      )
    })
  )
