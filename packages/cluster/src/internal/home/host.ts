/**
 * Where instances live: an entity that hands each request to an instance of the actor in this process.
 *
 * The entity is thin on purpose. Concurrency, order, limits, restarts and passivation are those of the instance, as in
 * any other home; the entity says only which node has it.
 */
import * as Actor from "@troupe/core/Actor"
import { ActorError } from "@troupe/core/ActorError"
import * as ActorSystem from "@troupe/core/ActorSystem"
import { isResync } from "@troupe/core/Broadcast"
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as attempts from "../calls/attempts.ts"
import { invoke, unload, unloadStream } from "../calls/baggage.ts"
import { DurableCall } from "../calls/durableCall.ts"
import { counted } from "../calls/failed.ts"
import { arriving, isTraced } from "../calls/tracing.ts"
import { ClusterSchema, Entity, Sharding } from "../engine.ts"
import { died, left, type Subject, subjectOf, undecodable } from "../wire/failure.ts"
import { storable } from "../wire/storable.ts"
import { STOP, WAKE, type Wire, type WireMethod } from "../wire/wire.ts"
import type { Residence } from "./residence.ts"

/** One place for an instance, as long as this node has it. */
interface Seat {
  /** Calls the instance, which comes up if need be. */
  use<A>(call: (handle: any) => Effect.Effect<A, any>): Effect.Effect<A, any>
  readonly stop: Effect.Effect<void>
}

type Seats = (key: unknown) => Effect.Effect<Seat, never, Scope.Scope>

/** Registers the entity of an actor on this node. One that has had no call for so many milliseconds ends. */
export const register = (
  wire: Wire,
  residence: Residence,
  seats: Seats,
  maxIdleTime: number
): Layer.Layer<never, never, Sharding.Sharding> => {
  const build = Effect.gen(function* () {
    const { entityId } = yield* Entity.CurrentAddress
    const seat = yield* Effect.suspend(() => {
      const key = wire.decodeKey(entityId)
      return Effect.andThen(residence.admit(wire.keyed ? key : undefined), seats(key))
    }).pipe(
      // An entity that fails to build is built again, for ever. Let its calls fail instead.
      Effect.catchDefect((defect) => Effect.succeed(noSeat(wire, entityId, defect)))
    )
    const place = yield* Effect.context<never>()
    const handlers: Record<string, (request: any) => unknown> = {
      [STOP]: () => seat.stop,
      [WAKE]: () => seat.use(() => Effect.void)
    }
    const actor = wire.keyed ? `${wire.actor}(${entityId})` : wire.actor
    for (const method of wire.methods) handlers[method.name] = handler(wire, actor, seat, method, place)
    return isTraced(place) && !Context.get(place, ActorSystem.KeysInSpans) ? withoutKeys(handlers) : handlers
  })
  return wire.entity.toLayer(build as any, {
    // Both are the instance's own business. Effect's defaults are one call at a time, and an entity that dies of a
    // defect, which is replayed until it does not.
    concurrency: "unbounded",
    mailboxCapacity: "unbounded",
    disableFatalDefects: true,
    maxIdleTime
  }) as Layer.Layer<never, never, Sharding.Sharding>
}

/** The engine's own span of a request has the key as an attribute. Where keys are kept out of spans, it is taken out. */
const withoutKeys = (handlers: Record<string, (request: any) => unknown>): typeof handlers => {
  const hide = Effect.annotateCurrentSpan("entity.id", "")
  const hiding = (work: unknown) =>
    Stream.isStream(work) ? Stream.unwrap(Effect.as(hide, work)) : Effect.andThen(hide, work as Effect.Effect<unknown>)
  return Object.fromEntries(
    Object.entries(handlers).map(([name, handle]) => [name, (request: any) => hiding(handle(request))])
  )
}

const handler = (wire: Wire, actor: string, seat: Seat, method: WireMethod, place: Context.Context<never>) => {
  const traced = isTraced(place)
  const { delivery, isSubscription, name, stream } = method
  const subject = subjectOf(actor, method)
  if (isSubscription) return ({ headers, payload: [reader] }: any) => published(seat, subject, headers, reader)
  if (stream) {
    return ({ headers, payload }: any) => {
      const items = (left?: number): Stream.Stream<any, any> =>
        Stream.unwrap(seat.use((handle) => Effect.succeed(Stream.suspend(() => invoke(handle, name, payload, left)))))
      const loaded = unloadStream(subject, headers, items)
      return traced ? Stream.provideService(loaded, Home.SubmittedRemotely, false) : loaded
    }
  }
  if (delivery.kind === "durable") {
    return ({ headers, payload: { args, id }, requestId }: any) => {
      let given = 0
      const work = durably(
        unload(subject, headers, (left) =>
          Effect.suspend(() => {
            given++
            return seat.use((handle) => invoke(handle, name, args, left))
          })
        ),
        wire.actor,
        name
      )
      const told = Effect.tapCause(storable(work, subject, method), (cause) =>
        isFailure(cause)
          ? Effect.andThen(attempts.again(String(requestId), given - 1), counted(wire.actor, name))
          : Effect.void
      )
      return traced
        ? arriving(Effect.provideService(told, DurableCall, { id, method: name }), headers)
        : Effect.setContext(told as Effect.Effect<any, any>, Home.withService(place, DurableCall, { id, method: name }))
    }
  }
  return ({ headers, payload }: any) => {
    const call = unload(subject, headers, (left) =>
      Effect.flatMap(
        seat.use((handle) => invoke(handle, name, payload, left)),
        (value) => readable(subject, value)
      )
    )
    // Each request has a context of its own, which only adds how it is traced. Where it is not, the context of the
    // entity serves all of them, and what an instance derives from it is derived once.
    return traced ? arriving(call, headers) : Effect.setContext(call, place)
  }
}

/** What an instance publishes, as it crosses. */
const published = (
  seat: Seat,
  subject: Subject,
  headers: Readonly<Record<string, string>>,
  { notice, ...options }: { readonly notice?: unknown }
): Stream.Stream<unknown, unknown, Sharding.Sharding | Entity.CurrentAddress> => {
  const items: Stream.Stream<unknown, any> = Stream.unwrap(
    seat.use((handle) =>
      Effect.succeed(Stream.suspend(() => invoke(handle, subject.method, [options, notice], undefined)))
    )
  )
  return unloadStream(subject, headers, () => items).pipe(
    Stream.map((item) => (isResync(item) ? { resync: item } : { resync: null, item })),
    Stream.catch((error: any) => Stream.fromEffect(moved(subject, error)))
  )
}

/** An instance that died since this node has lost its key goes on elsewhere, and so do its readers. */
const moved = (subject: Subject, error: any) =>
  Effect.gen(function* () {
    const sharding = yield* Sharding.Sharding
    const { shardId } = yield* Entity.CurrentAddress
    const isGone =
      error?.reason?._tag === "ActorDied" && (!sharding.hasShardId(shardId) || isFenced(error.reason.cause))
    return yield* Effect.fail(isGone ? left(subject) : error)
  })

/** Whether a durable call has failed, rather than been cancelled or left to another node. */
const isFailure = (cause: Cause.Cause<any>): boolean =>
  !Cause.hasInterrupts(cause) &&
  !cause.reasons.some((reason) => Cause.isFailReason(reason) && reason.error?.reason?._tag === "TaskCancelled")

/** The engine looks whether a result is a Deferred. One that throws at that, as a revoked Proxy does, would get no answer. */
const readable = (subject: Subject, value: unknown): Effect.Effect<unknown, ActorError> => {
  try {
    Deferred.isDeferred(value)
    return Effect.succeed(value)
  } catch (error) {
    return Effect.fail(undecodable(subject, `its result cannot be read: ${Home.errorText(error)}`, true))
  }
}

/** How long it takes at most until a node notices that it has lost a key. */
const NOTICE = "1 second"
/** An instance that dies under each call would have them run for ever. */
const MAX_INSTANCES = 5

/**
 * A durable call whose instance died under it, or before it ran. If this node has lost the key, the result is not ours to
 * give: the engine leaves the call to the node that has the key. If it has not, a call that did not run,
 * or whose instance was fenced off by one that is gone, runs on the next instance.
 */
const durably = (call: Effect.Effect<any, any>, actor: string, method: string) =>
  Effect.gen(function* () {
    const sharding = yield* Sharding.Sharding
    const { shardId } = yield* Entity.CurrentAddress
    const attempt = (left: number): Effect.Effect<any, any> =>
      Effect.catchIf(
        call,
        (error) => isLoss(error, actor, method),
        (error) =>
          Effect.delay(
            Effect.suspend(() => {
              if (!sharding.hasShardId(shardId)) return abandon
              return left > 1 && runsAgain(error.reason) ? attempt(left - 1) : Effect.fail(error)
            }),
            NOTICE
          )
      )
    return yield* attempt(MAX_INSTANCES)
  })

const abandon = Effect.failCause(Cause.annotate(Cause.interrupt(), ClusterSchema.Abandon.annotation))

/** Whether the instance itself was lost, and not one that the method had called. */
const isLoss = (error: any, actor: string, method: string): error is ActorError =>
  error instanceof ActorError &&
  (error.reason._tag === "ActorDied" || error.reason._tag === "ActorUnavailable") &&
  error.reason.actor === actor &&
  error.reason.method === method

const runsAgain = (reason: any): boolean => !reason.mayHaveRun || isFenced(reason.cause)

const isFenced = (cause: any): boolean => cause?.reason?._tag === "StateFenced"

/** The seats of a keyed actor, whose service is up on this node. */
export const keyedSeats =
  (service: Actor.KeyedHandle<any, any>, shutdownTimeout: number): Seats =>
  (key) => {
    const handle = service.get(key)
    const stop = service.stop(key)
    // When the entity goes, another node may have the key: what is left of the instance here must not go on.
    const leave = Effect.andThen(
      Effect.timeoutOption(stop, shutdownTimeout),
      Effect.suspend(() => Actor.kill(handle))
    )
    return Effect.as(
      Effect.addFinalizer(() => leave),
      { use: (call: any) => call(handle), stop }
    )
  }

/** The seat of an actor that has one instance: it comes up with the first call, and again when it has died. */
export const singleSeat =
  (actor: Context.Key<any, any>, live: Layer.Layer<any, any, any>, context: Context.Context<any>): Seats =>
  () =>
    Effect.map(Effect.scope, (scope) => {
      const lock = Semaphore.makeUnsafe(1)
      let up: Actor.AnyHandle | undefined
      const start = Effect.gen(function* () {
        const own = yield* Scope.fork(scope)
        const build = Effect.updateContext(Layer.buildWithScope(Layer.fresh(live), own), () => context)
        const services = yield* Effect.onError(build as Effect.Effect<Context.Context<any>, unknown>, (cause) =>
          Scope.close(own, Exit.failCause(cause))
        )
        const handle: Actor.AnyHandle = Context.getUnsafe(services, actor)
        up = handle
        const forget = Effect.andThen(
          Effect.sync(() => {
            up = undefined
          }),
          Scope.close(own, Exit.void)
        )
        yield* Effect.forkIn(Effect.andThen(Actor.watch(handle), forget), scope)
        return handle
      })
      const handle = Effect.suspend(() =>
        up !== undefined
          ? Effect.succeed(up)
          : lock.withPermit(Effect.suspend(() => (up === undefined ? start : Effect.succeed(up))))
      )
      const ready = Effect.catchCause(handle, (cause) => constructorFailed(actor.key, cause))
      return {
        use: (call) => Effect.flatMap(ready, call),
        stop: Effect.suspend(() => (up === undefined ? Effect.void : Actor.stop(up)))
      }
    })

const constructorFailed = (actor: string, cause: Cause.Cause<unknown>): Effect.Effect<never, ActorError> =>
  Effect.flatMap(Clock.currentTimeMillis, (at) =>
    Effect.fail(died({ actor, method: "" }, "its constructor failed", { at, cause: Cause.squash(cause) }))
  )

const noSeat = (wire: Wire, entityId: string, defect: unknown): Seat => {
  const issue = `its key "${entityId}" cannot be read by the key schema of this node: ${Home.errorText(defect)}`
  const error = undecodable({ actor: wire.actor, method: "" }, issue, false)
  return { use: () => Effect.fail(error), stop: Effect.void }
}
