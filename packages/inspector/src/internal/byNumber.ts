/**
 * What can be done to calls and instances over HTTP, where they are known by their numbers only.
 */
import * as ActorSystem from "@troupe/core/ActorSystem"
import * as ByNumber from "@troupe/core/ByNumber"
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { Refused, refuse } from "./reply.ts"

const noCall = (call: number) =>
  Effect.fail(refuse(404, `there is no unsettled call with the number ${call}, or not any more`))

const noInstance = (instance: number) =>
  Effect.fail(refuse(404, `there is no living instance with the number ${instance}, or not any more`))

/** A sentence on where an unsettled call is, and why it is not done. */
export const explain = (call: number): Effect.Effect<string, Refused> =>
  Effect.flatMap(ByNumber.explain(call), (text) => (text === undefined ? noCall(call) : Effect.succeed(text)))

/** Succeeds when the call has settled. */
export const cancel = (call: number, recursive: boolean): Effect.Effect<string, Refused> =>
  Effect.flatMap(ByNumber.cancel(call, { recursive }), (outcome) =>
    outcome === undefined ? noCall(call) : Effect.succeed(outcome)
  )

/** Why an instance has not been told to end: it is not there, or cannot end. */
const cannotEnd = (instance: number): Effect.Effect<never, Refused> =>
  Effect.flatMap(ActorSystem.snapshot({ instance, limit: 1 }), ({ instances }) => {
    const [task] = instances.filter(({ state }) => state !== "dead")
    return task === undefined
      ? noInstance(instance)
      : Effect.fail(refuse(400, `${task.actor} is a task, which cannot be ended: cancel its calls`))
  })

/** Succeeds at once: finalizers may take as long as they like. */
export const kill = (instance: number): Effect.Effect<string, Refused> =>
  Effect.flatMap(ByNumber.kill(instance, { why: "it was killed by way of the inspector" }), (killed) =>
    killed ? Effect.succeed("killed") : cannotEnd(instance)
  )

/** Succeeds at once: calls that it has accepted may take as long as they like. */
export const stop = (instance: number): Effect.Effect<string, Refused> =>
  Effect.flatMap(ByNumber.stop(instance, { why: "it was stopped by way of the inspector" }), (stopped) =>
    stopped ? Effect.succeed("stopping") : cannotEnd(instance)
  )

export const resize = (instance: number, limit: number, group: string | undefined): Effect.Effect<string, Refused> =>
  ByNumber.resize(instance, limit, { concurrencyGroup: group }).pipe(
    Effect.flatMap((resized) => (resized ? Effect.succeed("resized") : noInstance(instance))),
    // It knows no such group, and says which there are.
    Effect.catchCause((cause) => {
      const error = Cause.squash(cause)
      return Effect.fail(
        error instanceof Refused ? error : refuse(400, error instanceof Error ? error.message : Home.errorText(error))
      )
    })
  )
