/**
 * Callers: a constructor whose methods send their calls to the entity of the actor.
 *
 * The instances it makes are ordinary ones of this process. So refs, cancellation, timeouts and order are those of core,
 * and only the body of each method is ours.
 */
import * as ActorContext from "@troupe/core/ActorContext"
import * as Home from "@troupe/core/Home"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { ClusterSchema, MessageStorage, type Sharding } from "../engine.ts"
import { subjectOf } from "../wire/failure.ts"
import { type Client, STOP, type Wire } from "../wire/wire.ts"
import { CurrentGuard } from "./attempt.ts"
import { places, Waits } from "./leaving.ts"
import { functionOf, guarded, type RemoteMethod, refusing } from "./method.ts"
import { stored } from "./replies.ts"
import { onTermination } from "./termination.ts"
import { isTraced } from "./tracing.ts"

export interface Caller {
  readonly make: (
    key: unknown
  ) => Effect.Effect<Record<string, (...args: ReadonlyArray<any>) => unknown>, never, Scope.Scope>
  readonly stop: (key: unknown) => Effect.Effect<void>
  /** Whether this is part of an unsettled call of the instance with this key. */
  readonly isInside: (context: Context.Context<never>, key: unknown) => boolean
  /** Stops waiting for all calls without cancelling them: it is this caller that ends. */
  readonly leave: Effect.Effect<void>
}

type Needs = Sharding.Sharding | MessageStorage.MessageStorage | Scope.Scope

export const makeCaller = (wire: Wire): Effect.Effect<Caller, never, Needs> =>
  Effect.gen(function* () {
    const traced = isTraced(yield* Effect.context<never>())
    const client = yield* clientOf(wire, traced)
    const guard = yield* CurrentGuard
    const waits = new Waits(yield* places, yield* MessageStorage.MessageStorage)
    yield* onTermination(waits.terminate)
    const calls = yield* stored(wire)
    const hasSubscriptions = wire.methods.some(({ isSubscription }) => isSubscription)
    const make = (key: unknown) =>
      Effect.map(hasSubscriptions ? endOfScope : Effect.sync(() => Deferred.makeUnsafe<void>()), (ended) => {
        const written = wire.writeKey(key)
        const send = written._tag === "Success" ? client(written.success) : undefined
        return Object.fromEntries(
          wire.methods.map((method) => {
            const subject = subjectOf(wire.keyed ? `${wire.actor}(${Home.keyText(key)})` : wire.actor, method)
            if (written._tag === "Failure") return [method.name, refusing(subject, method, written.failure)]
            const remote: RemoteMethod = {
              entityId: written.success,
              send: send![method.name]!,
              subject,
              method,
              guard,
              group: wire.group,
              calls,
              waits,
              traced,
              ended
            }
            return [method.name, functionOf(remote)]
          })
        )
      })
    const stop = (key: unknown) =>
      Effect.suspend(() => {
        const subject = { actor: `${wire.actor}(${Home.keyText(key)})`, method: "stop" }
        return Effect.ignore(
          guarded({ guard, subject, group: wire.group }, client(wire.encodeKey(key))[STOP]!(undefined))
        )
      })
    const isInside = (context: Context.Context<never>, key: unknown): boolean => {
      const self = Home.callIn(context) && Context.getOrUndefined(context, ActorContext.ActorContext)
      return self?.id === wire.actor && Home.attempt(() => wire.encodeKey(key)) === wire.encodeKey(self.key)
    }
    return { make, stop, isInside, leave: waits.leave }
  })

/** Is done when the Scope closes. */
const endOfScope = Effect.gen(function* () {
  const ended = Deferred.makeUnsafe<void>()
  yield* Effect.addFinalizer(() => Deferred.succeed(ended, undefined))
  return ended
})

/** The client of the entity. Spans that are not collected are not made. */
const clientOf = (wire: Wire, traced: boolean): Effect.Effect<Client, never, Sharding.Sharding> =>
  wire.entity.annotate(ClusterSchema.ClientTracingEnabled, traced).client as Effect.Effect<
    any,
    never,
    Sharding.Sharding
  >
