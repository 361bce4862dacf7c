/**
 * What a method of an actor does in a process that calls it: it sends the call to wherever the instance is.
 */
import type { ActorError } from "@troupe/core/ActorError"
import type { ReaderOptions, Resync } from "@troupe/core/Broadcast"
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { issueIn } from "../base/contained.ts"
import { OtherArguments, refusalOf } from "../base/refused.ts"
import { issueOf } from "../base/writable.ts"
import { ClusterError } from "../engine.ts"
import { argumentsDoNotFit, cancelled, type Subject, translate, unavailable, undecodable } from "../wire/failure.ts"
import { DEFAULT_GROUP, type WireMethod } from "../wire/wire.ts"
import type { Guard } from "./attempt.ts"
import * as attempts from "./attempt.ts"
import { headersWith, refused } from "./baggage.ts"
import { CurrentSubmission, type Id, idFor, Submission } from "./durableCall.ts"
import type { Waits } from "./leaving.ts"
import { read } from "./reading.ts"
import type { Stored } from "./replies.ts"
import { headersIn } from "./tracing.ts"

/** How long to wait before a call is sent again. */
const RESEND_PAUSE = "100 millis"
/** How long calls go on trying where nothing says otherwise, in milliseconds. */
const DEFAULT_PATIENCE = 30_000

/** One method of the instance of a key, as this process reaches it. */
export interface RemoteMethod {
  readonly entityId: string
  readonly send: (payload: unknown, options?: object) => Effect.Effect<any, any>
  readonly subject: Subject
  readonly method: WireMethod
  readonly guard: Guard | undefined
  /** The nodes that have the actor. */
  readonly group: string
  readonly calls: Stored
  readonly waits: Waits
  /** Whether spans are collected here. */
  readonly traced: boolean
  /** Done when the instance ends that stands here for the other one. */
  readonly ended: Deferred.Deferred<void>
}

/** What callers call. */
export const functionOf = (remote: RemoteMethod): ((...args: ReadonlyArray<any>) => unknown) => {
  if (remote.method.isSubscription) return Home.subscription((...reader) => subscription(remote, ...reader))
  if (remote.method.stream) return (...args) => stream(remote, args)
  switch (remote.method.delivery.kind) {
    case "atMostOnce":
      return (...args) => volatile(remote, args)
    case "atLeastOnce":
      return (...args) => again(remote, () => volatile(remote, args), isUnavailable)
    case "durable":
      return (...args) => durable(remote, args)
  }
}

/** What callers call where no instance can have the key. */
export const refusing = (subject: Subject, { isSubscription, stream }: WireMethod, why: string) => {
  const refused = Effect.fail(undecodable(subject, why, false))
  if (isSubscription) return Home.subscription(() => Stream.fromEffect(refused))
  return (): unknown => (stream ? Stream.fromEffect(refused) : refused)
}

/** Makes the request. What does not fit the contract throws here, before anything is sent. */
const request = ({ send, subject }: RemoteMethod, payload: unknown, options?: object): Effect.Effect<any, any> => {
  try {
    return send(payload, options)
  } catch (error) {
    return Effect.fail(argumentsDoNotFit(subject, issueIn(error)))
  }
}

/** The same, with what travels besides the arguments, and where spans are collected with what theirs need to know. */
const loadedRequest = (
  remote: RemoteMethod,
  payload: unknown,
  context: Context.Context<never>,
  options?: object,
  reader?: Home.Reader
): Effect.Effect<any, any> => {
  try {
    const spans = remote.traced ? headersIn(context) : undefined
    const headers = headersWith(spans, context, remote.method.delivery.kind === "durable", reader)
    return request(remote, payload, headers === undefined ? options : { ...options, headers })
  } catch (error) {
    return refused(remote.subject, error)
  }
}

const volatile = (remote: RemoteMethod, args: ReadonlyArray<unknown>): Effect.Effect<any, any> =>
  Effect.withFiber(({ context }) => {
    if (idFor(context)?.chosen === true) return Effect.die(hasNoId(remote.subject))
    const sent = guarded(remote, loadedRequest(remote, args, context))
    return Effect.catchCause(sent, (cause) => translate(remote.subject, cause))
  })

/** An id that has no effect: the caller believes that the call runs once. */
const hasNoId = ({ actor, method }: Subject): TypeError =>
  new TypeError(
    `${actor}.${method}: ClusterHome.withId is for durable calls, and this method is not durable. Wrap it in Delivery.durable in the contract, or call it outside of withId`
  )

/** A call that finds no node fails after a while. */
export const guarded = (
  { group, guard, subject }: Pick<RemoteMethod, "group" | "guard" | "subject">,
  sent: Effect.Effect<any, any>
): Effect.Effect<any, any> =>
  guard === undefined ? sent : attempts.run(sent, guard, () => noNode(subject, guard, group))

const noNode = (subject: Subject, guard: Guard, group: string) => {
  const trouble = guard.trouble()
  const which = group === DEFAULT_GROUP ? "no node" : `no node of the group "${group}"`
  const why = `${which} took the call within ${guard.unavailableAfter} ms (unavailableAfter)`
  return unavailable(subject, trouble === undefined ? why : `${why}. ${trouble}`, { mayHaveRun: false })
}

/** Sends a call again while it fails in a way that another try may not, for as long as calls look for a node. */
const again = (
  remote: RemoteMethod,
  send: () => Effect.Effect<any, any>,
  isTransient: (error: any) => boolean
): Effect.Effect<any, any> =>
  Effect.flatMap(Clock.Clock, (clock) => {
    const until = Home.elapsed(clock) + patienceOf(remote)
    const attempt: Effect.Effect<any, any> = Effect.catchIf(Effect.suspend(send), isTransient, (error) =>
      Home.elapsed(clock) >= until ? Effect.fail(error) : Effect.delay(attempt, RESEND_PAUSE)
    )
    return attempt
  })

const patienceOf = ({ guard }: RemoteMethod): number => guard?.unavailableAfter ?? DEFAULT_PATIENCE

const isUnavailable = (error: any): boolean => error?.reason?._tag === "ActorUnavailable"

/** The call may not have been stored. What an actor fails with has been, and would come again. */
const isNotStored = (error: any): boolean =>
  error instanceof ClusterError.PersistenceError &&
  !(error.cause instanceof OtherArguments) &&
  refusalOf(error.cause) === undefined

/** The producer runs ahead of its consumer by as little as the engine can do. It sends 16 chunks unasked otherwise. */
const ON_DEMAND = { streamBufferSize: 1 }

const stream = (remote: RemoteMethod, args: ReadonlyArray<unknown>, reader?: Home.Reader): Stream.Stream<any, any> => {
  const sent = Stream.unwrap(
    Effect.withFiber(({ context }) =>
      idFor(context)?.chosen === true
        ? Effect.die(hasNoId(remote.subject))
        : Effect.succeed(asStream(loadedRequest(remote, args, context, ON_DEMAND, reader)))
    )
  )
  return Stream.catchCause(guardedStream(remote, sent), (cause) => Stream.fromEffect(translate(remote.subject, cause)))
}

/** The client gives a stream. A request that is refused here is none. */
const asStream = (sent: Effect.Effect<any, any>): Stream.Stream<any, any> =>
  Stream.isStream(sent) ? (sent as unknown as Stream.Stream<any, any>) : Stream.fromEffect(sent)

/** Readers of a caller that ends do not look for another node. */
const subscription = (
  remote: RemoteMethod,
  options: ReaderOptions,
  notice: Resync["reason"] | undefined,
  reader: Home.Reader
): Stream.Stream<any, any> =>
  Stream.interruptWhen(
    read((told) => stream(remote, [told], reader), patienceOf(remote), options, notice, reader.again),
    Deferred.await(remote.ended)
  )

const guardedStream = (
  { group, guard, subject }: RemoteMethod,
  sent: Stream.Stream<any, any>
): Stream.Stream<any, any> => {
  if (guard === undefined) return sent
  return Stream.unwrap(
    Effect.withFiber((fiber) => {
      const late = Deferred.makeUnsafe<never, ActorError>()
      const giveUp = () => Deferred.doneUnsafe(late, Exit.fail(noNode(subject, guard, group)))
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
 * A durable call outlives its caller: the request is marked so that Effect does not interrupt it. It is cancelled through
 * the storage, where it is found by its id.
 */
const durable = (remote: RemoteMethod, args: ReadonlyArray<unknown>): Effect.Effect<any, any> =>
  Effect.withFiber((fiber) => {
    const { calls, entityId, method, subject, waits } = remote
    const set = idFor(fiber.context)
    const { id, standsForArguments } = idOf(remote, args, set)
    const submission = new Submission(standsForArguments)
    if (typeof id !== "string" || id === "") {
      return Effect.fail(
        undecodable(
          subject,
          `the id of a durable call must be a string that is not empty, but is ${Home.show(id)}`,
          false
        )
      )
    }
    const sent = Effect.catchCause(
      untilStored(remote, () => loadedRequest(remote, { id, args }, fiber.context), id),
      (cause) => translate(subject, cause, cancelled)
    ).pipe(Effect.provideService(CurrentSubmission, submission))
    const settled = Effect.flatMap(issueOfArgs(method, args), (issue) =>
      issue === undefined ? sent : Effect.fail(argumentsDoNotFit(subject, issue))
    )
    const awaited = Effect.onInterrupt(settled, () =>
      waits.isTeardown(fiber.context) ? Effect.void : calls.cancel(entityId, method, id)
    )
    return waits.run(awaited, submission, () => detached(subject, id))
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
 * leaves interrupts the callers that wait for its answers, although the next node will give them. Only the storage knows
 * whether the call was cancelled.
 */
const untilStored = (
  remote: RemoteMethod,
  send: () => Effect.Effect<any, any>,
  id: string
): Effect.Effect<any, any> => {
  const { calls, entityId, method } = remote
  return Effect.catchCause(again(remote, send, isNotStored), (cause) => {
    if (!Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause)
    const found = Effect.orElseSucceed(calls.find(entityId, method, id), () => Option.none())
    return Effect.flatMap(found, (found) =>
      found._tag === "Some"
        ? calls.result(method, found.value)
        : Effect.delay(
            Effect.suspend(() => untilStored(remote, send, id)),
            RESEND_PAUSE
          )
    )
  })
}

const detached = (subject: Subject, id: string): ActorError =>
  unavailable(subject, `this process ends. The call goes on: pick it up with ClusterHome.attach and its id "${id}"`, {
    mayHaveRun: true
  })

/** Where the contract makes the id of some of the arguments, the others may be different each time. */
const idOf = (
  { method }: RemoteMethod,
  args: ReadonlyArray<unknown>,
  set: Id | undefined
): { readonly id: unknown; readonly standsForArguments: boolean } => {
  const id = method.delivery.id?.(...args)
  if (id !== undefined && id !== null) return { id, standsForArguments: false }
  return { id: set?.id ?? crypto.randomUUID(), standsForArguments: set?.chosen === true }
}
