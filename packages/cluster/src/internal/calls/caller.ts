/**
 * Callers: a constructor whose methods send their calls to the entity of the actor.
 *
 * The instances it makes are ordinary ones of this process. So refs, cancellation, timeouts and order are those of core,
 * and only the body of each method is ours.
 */
import * as ActorContext from "@troupe/core/ActorContext"
import type { ActorError } from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { issueOf } from "../base/writable.ts"
import { ClusterError, ClusterSchema, EntityId, type MessageStorage, ShardId, Sharding } from "../engine.ts"
import { cancelled, type Subject, subjectOf, translate, unavailable, undecodable } from "../wire/failure.ts"
import { type Client, describeIssue, STOP, type Wire, type WireMethod } from "../wire/wire.ts"
import * as attempts from "./attempt.ts"
import { CurrentGuard, type Guard } from "./attempt.ts"
import { CallId } from "./durableCall.ts"
import { places, Waits } from "./leaving.ts"
import { type Stored, stored } from "./replies.ts"
import { onTermination } from "./termination.ts"
import { isTraced } from "./tracing.ts"

/** How long to wait before a call is sent again. */
const RESEND_PAUSE = "100 millis"
/** How long calls go on trying where nothing says otherwise, in milliseconds. */
const DEFAULT_PATIENCE = 30_000

export interface Caller {
  readonly make: (
    key: unknown
  ) => Effect.Effect<Record<string, (...args: ReadonlyArray<any>) => unknown>, never, ActorContext.ActorContext>
  readonly stop: (key: unknown) => Effect.Effect<void>
  /** Whether this is part of an unsettled call of the instance with this key. */
  readonly isInside: (context: Context.Context<never>, key: unknown) => boolean
  /** Says that calls which are interrupted from now on are not cancelled: it is this caller that ends. */
  readonly leave: Effect.Effect<void>
}

type Needs = Sharding.Sharding | MessageStorage.MessageStorage | Scope.Scope

export const makeCaller = (wire: Wire): Effect.Effect<Caller, never, Needs> =>
  Effect.gen(function* () {
    const client = yield* clientOf(wire)
    const guard = yield* CurrentGuard
    const waits = new Waits(yield* places)
    yield* onTermination(waits.terminate)
    const calls = yield* stored(wire)
    const sharding = yield* Sharding.Sharding
    const make = (key: unknown) =>
      Effect.map(ActorContext.ActorContext, (self) => {
        const entityId = wire.encodeKey(key)
        const id = EntityId.make(entityId)
        Home.link(self, {
          describe: () => {
            const shard = sharding.getShardId(id, wire.entity.getShardGroup(id))
            return { kind: "cluster", role: "caller", shard: ShardId.toString(shard) }
          }
        })
        const send = client(entityId)
        return Object.fromEntries(
          wire.methods.map((method) => {
            const subject = subjectOf(wire.keyed ? `${wire.actor}(${Home.keyText(key)})` : wire.actor, method)
            const way = { entityId, send: send[method.name]!, subject, method, guard, calls, waits }
            return [method.name, methodOf(way)]
          })
        )
      })
    const stop = (key: unknown) =>
      Effect.suspend(() => {
        const subject = { actor: `${wire.actor}(${Home.keyText(key)})`, method: "stop" }
        return Effect.ignore(guarded({ guard, subject }, client(wire.encodeKey(key))[STOP]!(undefined)))
      })
    const isInside = (context: Context.Context<never>, key: unknown): boolean => {
      const self = Home.callIn(context) && Context.getOrUndefined(context, ActorContext.ActorContext)
      return self?.id === wire.actor && wire.encodeKey(self.key) === wire.encodeKey(key)
    }
    return { make, stop, isInside, leave: waits.leave }
  })

/** The client of the entity. Spans that nobody collects are not made. */
const clientOf = (wire: Wire): Effect.Effect<Client, never, Sharding.Sharding> =>
  Effect.withFiber((fiber) => {
    const entity = wire.entity.annotate(ClusterSchema.ClientTracingEnabled, isTraced(fiber.context))
    return entity.client as Effect.Effect<any, never, Sharding.Sharding>
  })

interface Way {
  readonly entityId: string
  readonly send: (payload: unknown, options?: object) => Effect.Effect<any, any>
  readonly subject: Subject
  readonly method: WireMethod
  readonly guard: Guard | undefined
  readonly calls: Stored
  readonly waits: Waits
}

const methodOf = (way: Way): ((...args: ReadonlyArray<unknown>) => unknown) => {
  if (way.method.stream) return (...args) => stream(way, args)
  switch (way.method.terms.delivery) {
    case "atMostOnce":
      return (...args) => volatile(way, args)
    case "atLeastOnce":
      return (...args) => again(way, () => volatile(way, args), isUnavailable)
    case "durable":
      return (...args) => durable(way, args)
  }
}

/** Makes the request. What does not fit the contract throws here, before anything is sent. */
const request = ({ send, subject }: Way, payload: unknown, options?: object): Effect.Effect<any, any> => {
  try {
    return send(payload, options)
  } catch (error) {
    return Effect.fail(misfit(subject, describeIssue(error)))
  }
}

const misfit = (subject: Subject, issue: string): ActorError =>
  undecodable(subject, `its arguments do not fit the contract: ${issue}`, false)

const volatile = (way: Way, args: ReadonlyArray<unknown>): Effect.Effect<any, any> => {
  const sent = guarded(way, request(way, args))
  return Effect.catchCause(sent, (cause) => translate(way.subject, cause))
}

/** A call that finds no node fails after a while. */
const guarded = (
  { guard, subject }: Pick<Way, "guard" | "subject">,
  sent: Effect.Effect<any, any>
): Effect.Effect<any, any> => (guard === undefined ? sent : attempts.run(sent, guard, () => noNode(subject, guard)))

const noNode = (subject: Subject, guard: Guard) => {
  const trouble = guard.trouble()
  const why = `no node took the call within ${guard.unavailableAfter} ms (unavailableAfter)`
  return unavailable(subject, trouble === undefined ? why : `${why}. ${trouble}`, { mayHaveRun: false })
}

/** Sends a call again while it fails in a way that another try may not, up to a point. */
const again = (
  way: Way,
  send: () => Effect.Effect<any, any>,
  isTransient: (error: any) => boolean
): Effect.Effect<any, any> =>
  Effect.flatMap(Clock.monotonicTimeNanos, (since) => {
    const patience = way.guard?.unavailableAfter ?? DEFAULT_PATIENCE
    const attempt: Effect.Effect<any, any> = Effect.catchIf(Effect.suspend(send), isTransient, (error) =>
      Effect.flatMap(Clock.monotonicTimeNanos, (now) =>
        Number(now - since) / 1e6 >= patience ? Effect.fail(error) : Effect.delay(attempt, RESEND_PAUSE)
      )
    )
    return attempt
  })

const isUnavailable = (error: any): boolean => error?.reason?._tag === "ActorUnavailable"

/** The call may not have been stored. What an actor fails with has been, and would come again. */
const isNotStored = (error: any): boolean => error instanceof ClusterError.PersistenceError

/** The producer runs ahead of its consumer by as little as the engine can do. It sends 16 chunks unasked otherwise. */
const ON_DEMAND = { streamBufferSize: 1 }

const stream = (way: Way, args: ReadonlyArray<unknown>): Stream.Stream<any, any> => {
  const sent = Stream.suspend(() => request(way, args, ON_DEMAND) as unknown as Stream.Stream<any, any>)
  return Stream.catchCause(guardedStream(way, sent), (cause) => Stream.fromEffect(translate(way.subject, cause)))
}

const guardedStream = ({ guard, subject }: Way, sent: Stream.Stream<any, any>): Stream.Stream<any, any> => {
  if (guard === undefined) return sent
  return Stream.unwrap(
    Effect.withFiber((fiber) => {
      const late = Deferred.makeUnsafe<never, ActorError>()
      const giveUp = () => Deferred.doneUnsafe(late, Exit.fail(noNode(subject, guard)))
      const attempt = new attempts.Attempt(guard, fiber.context, giveUp)
      const end = Effect.sync(() => attempt.end())
      attempt.wait()
      return Effect.as(
        Effect.addFinalizer(() => end),
        Stream.interruptWhen(Stream.provideService(sent, attempts.CurrentAttempt, attempt), Deferred.await(late))
      )
    })
  )
}

/**
 * A durable call is not ended by the end of its caller: the request is marked so that Effect leaves it alone. One that
 * is cancelled is told so in storage, where it is found by its id.
 */
const durable = (way: Way, args: ReadonlyArray<unknown>): Effect.Effect<any, any> =>
  Effect.withFiber((fiber) => {
    const { calls, entityId, method, subject, waits } = way
    const id = idOf(way, args, Context.get(fiber.context, CallId))
    if (typeof id !== "string" || id === "") {
      return Effect.fail(
        undecodable(
          subject,
          `the id of a durable call must be a string that is not empty, but is ${Home.show(id)}`,
          false
        )
      )
    }
    const stored = Effect.catchCause(
      untilStored(way, () => request(way, { id, args }), id),
      (cause) => translate(subject, cause, cancelled)
    )
    const settled = Effect.flatMap(issueOfArgs(method, args), (issue) =>
      issue === undefined ? stored : Effect.fail(misfit(subject, issue))
    )
    const awaited = Effect.onInterrupt(settled, () =>
      waits.isTeardown(fiber.context) ? Effect.void : calls.cancel(entityId, method, id)
    )
    return waits.run(awaited, () => detached(subject, id))
  })

/** What keeps arguments from being stored. If there are too many or too few of them, the request says so. */
const issueOfArgs = ({ codecs }: WireMethod, args: ReadonlyArray<unknown>): Effect.Effect<string | undefined> =>
  Effect.gen(function* () {
    for (const [index, codec] of codecs.args.entries()) {
      const issue = index < args.length ? yield* issueOf(`args[${index}]`, codec, args[index]) : undefined
      if (issue !== undefined) return issue
    }
  })

/**
 * The storage may be away for a while: saving the same call twice makes one call, since it has an id. And a node that
 * leaves interrupts those who wait for its answers, although the next node will give them. Only the storage knows whether
 * the call was cancelled.
 */
const untilStored = (way: Way, send: () => Effect.Effect<any, any>, id: string): Effect.Effect<any, any> => {
  const { calls, entityId, method } = way
  return Effect.catchCause(again(way, send, isNotStored), (cause) => {
    if (!Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause)
    const found = Effect.orElseSucceed(calls.find(entityId, method, id), () => Option.none())
    return Effect.flatMap(found, (found) =>
      found._tag === "Some"
        ? calls.result(method, found.value)
        : Effect.delay(
            Effect.suspend(() => untilStored(way, send, id)),
            RESEND_PAUSE
          )
    )
  })
}

const detached = (subject: Subject, id: string): ActorError =>
  unavailable(subject, `this process ends. The call goes on: pick it up with ClusterHome.attach and its id "${id}"`, {
    mayHaveRun: true
  })

const idOf = ({ method }: Way, args: ReadonlyArray<unknown>, wanted: string | undefined): unknown =>
  method.terms.id?.(...args) ?? wanted ?? crypto.randomUUID()
