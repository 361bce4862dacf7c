/**
 * Callers: a constructor whose methods send their calls to the entity of the actor.
 *
 * The instances it makes are ordinary ones of this process. So refs, cancellation, timeouts and order are those of core,
 * and only the body of each method is ours.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type Attempt, CurrentAttempt, CurrentGuard, type Guard } from "./attempt.ts"
import { CallId } from "./durableCall.ts"
import { EntityAddress, EntityId, EntityType, Envelope, Message, MessageStorage, Sharding } from "./engine.ts"
import { type Subject, subjectOf, translate, unavailable, undecodable } from "./failure.ts"
import { type Leaving, leavingOf } from "./leaving.ts"
import { type Client, STOP, type Wire, type WireMethod } from "./wire.ts"

/** How long to wait before a call is sent again. */
const RESEND_PAUSE = "100 millis"
/** How long calls go on trying where nothing says otherwise, in milliseconds. */
const DEFAULT_PATIENCE = 30_000

export interface Caller {
  readonly make: (key: unknown) => Effect.Effect<Record<string, (...args: ReadonlyArray<any>) => unknown>>
  readonly stop: (key: unknown) => Effect.Effect<void>
  /** Says that calls which are interrupted from now on are not cancelled: it is this caller that ends. */
  readonly leave: Effect.Effect<void>
}

type Needs = Sharding.Sharding | MessageStorage.MessageStorage | Scope.Scope

export const makeCaller = (wire: Wire): Effect.Effect<Caller, never, Needs> =>
  Effect.gen(function* () {
    const client = (yield* wire.entity.client) as unknown as Client
    const guard = yield* CurrentGuard
    const leaving = yield* leavingOf
    const cancel = yield* makeCancel(wire)
    const make = (key: unknown) =>
      Effect.sync(() => {
        const entityId = wire.encodeKey(key)
        const send = client(entityId)
        return Object.fromEntries(
          wire.methods.map((method) => {
            const subject = subjectOf(wire.keyed ? `${wire.actor}(${String(key)})` : wire.actor, method)
            return [
              method.name,
              methodOf({ entityId, send: send[method.name]!, subject, method, guard, cancel, leaving })
            ]
          })
        )
      })
    const stop = (key: unknown) =>
      Effect.suspend(() => Effect.ignore(client(wire.encodeKey(key))[STOP]!(undefined))) as Effect.Effect<void>
    return { make, stop, leave: leaving.leave(wire.actor) }
  })

interface Way {
  readonly entityId: string
  readonly send: (payload: unknown, options?: object) => Effect.Effect<any, any>
  readonly subject: Subject
  readonly method: WireMethod
  readonly guard: Guard | undefined
  readonly cancel: Cancel
  readonly leaving: Leaving
}

const methodOf = (way: Way): ((...args: ReadonlyArray<unknown>) => unknown) => {
  if (way.method.stream) return (...args) => stream(way, args)
  switch (way.method.terms.delivery) {
    case "atMostOnce":
      return (...args) => volatile(way, args)
    case "atLeastOnce":
      return (...args) => again(way, () => volatile(way, args))
    case "durable":
      return (...args) => durable(way, args)
  }
}

/** Makes the request. What does not fit the contract throws here, before anything is sent. */
const request = ({ send, subject }: Way, payload: unknown): Effect.Effect<any, any> => {
  try {
    return send(payload)
  } catch (error) {
    if (Schema.isSchemaError(error)) return Effect.fail(undecodable(subject, misfit(error), false))
    return Effect.die(error)
  }
}

const misfit = (error: { readonly message: string }): string =>
  `its arguments do not fit the contract: ${error.message}`

const volatile = (way: Way, args: ReadonlyArray<unknown>): Effect.Effect<any, any> => {
  const sent = guarded(way, request(way, args))
  return Effect.catchCause(sent, (cause) => translate(way.subject, cause))
}

/** A call that finds no node fails after a while, and what is known of its way is noted. */
const guarded = ({ guard, subject }: Way, sent: Effect.Effect<any, any>): Effect.Effect<any, any> => {
  if (guard === undefined) return sent
  return Effect.suspend(() => {
    const attempt: Attempt = { delivered: false }
    const lapse = Effect.andThen(
      Effect.sleep(guard.unavailableAfter),
      Effect.suspend(() => (attempt.delivered ? Effect.never : Effect.fail(noNode(subject, guard))))
    )
    return Effect.raceFirst(Effect.provideService(sent, CurrentAttempt, attempt), lapse)
  })
}

const noNode = (subject: Subject, { unavailableAfter }: Guard) =>
  unavailable(subject, `no node took the call within ${unavailableAfter} ms (unavailableAfter)`, { mayHaveRun: false })

/** Sends a call again as long as its node is lost, up to a point. */
const again = (way: Way, send: () => Effect.Effect<any, any>): Effect.Effect<any, any> =>
  Effect.flatMap(Clock.currentTimeMillis, (since) => {
    const until = since + (way.guard?.unavailableAfter ?? DEFAULT_PATIENCE)
    const attempt: Effect.Effect<any, any> = Effect.catchIf(
      Effect.suspend(send),
      (error: any) => error?.reason?._tag === "ActorUnavailable",
      (error) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          now >= until ? Effect.fail(error) : Effect.delay(attempt, RESEND_PAUSE)
        )
    )
    return attempt
  })

const stream = (way: Way, args: ReadonlyArray<unknown>): Stream.Stream<any, any> =>
  Stream.catchCause(
    Stream.suspend(() => request(way, args) as unknown as Stream.Stream<any, any>),
    (cause) => Stream.fromEffect(translate(way.subject, cause))
  )

/**
 * A durable call is not ended by the end of its caller: the request is marked so that Effect leaves it alone. One that
 * is cancelled is told so in storage, where it is found by its id.
 */
const durable = (way: Way, args: ReadonlyArray<unknown>): Effect.Effect<any, any> =>
  Effect.withFiber((fiber) => {
    const { cancel, entityId, leaving, method, subject } = way
    const id = idOf(way, args, Context.get(fiber.context, CallId))
    if (typeof id !== "string" || id === "") {
      return Effect.fail(
        undecodable(subject, `the id of a durable call must be a string that is not empty, but is ${String(id)}`, false)
      )
    }
    const sent = Effect.catchCause(request(way, { id, args }), (cause) => translate(subject, cause))
    // The storage may be away for a while. Saving the same call twice makes one call, since it has an id.
    const saved = again(way, () => sent)
    return Effect.onInterrupt(saved, () =>
      leaving.isTeardown(subject.actor, fiber.context) ? Effect.void : cancel(entityId, method, id)
    )
  })

const idOf = ({ method }: Way, args: ReadonlyArray<unknown>, wanted: string | undefined): unknown =>
  method.terms.id?.(...args) ?? wanted ?? crypto.randomUUID()

// --- cancelling durable calls ----------------------------------------------------------------------------------------

/** Ends a durable call wherever it is. */
export type Cancel = (entityId: string, method: WireMethod, id: string) => Effect.Effect<void>

export const addressOf = (
  wire: Wire,
  sharding: Sharding.Sharding["Service"],
  entityId: string
): EntityAddress.EntityAddress => {
  const id = EntityId.make(entityId)
  return EntityAddress.make({
    entityType: EntityType.make(wire.actor),
    entityId: id,
    shardId: sharding.getShardId(id, wire.entity.getShardGroup(id))
  })
}

export const makeCancel = (
  wire: Wire
): Effect.Effect<Cancel, never, Sharding.Sharding | MessageStorage.MessageStorage> =>
  Effect.gen(function* () {
    const sharding = yield* Sharding.Sharding
    const storage = yield* MessageStorage.MessageStorage
    return (entityId, method, id) =>
      Effect.gen(function* () {
        const address = addressOf(wire, sharding, entityId)
        const found = yield* storage.requestIdForPrimaryKey({ address, tag: method.name, id })
        if (found._tag === "None") return
        const envelope = new Envelope.Interrupt({ id: yield* sharding.getSnowflake, address, requestId: found.value })
        yield* sharding.sendOutgoing(new Message.OutgoingEnvelope({ envelope, rpc: method.rpc }), false)
      }).pipe(Effect.timeout("1 second"), Effect.ignore)
  })
