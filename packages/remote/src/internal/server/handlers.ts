/**
 * What serves the rpcs of an actor: calls of the service that is provided here, in whichever home it lives.
 */
import { ActorError, Denied } from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import type { RemoteRequest } from "../../RemoteHome.ts"
import { denied, type Subject, undecodable } from "../wire/failure.ts"
import { BAGGAGE, REMOTE } from "../wire/headers.ts"
import { type Payload, tagOf, type Wire, type WireMethod } from "../wire/wire.ts"
import type { DefectLog } from "./defectLog.ts"
import type { Telling } from "./defects.ts"
import { HttpServerRequest } from "./engine.ts"
import { crossing, feed, writerOf } from "./feed.ts"
import { readJson, Unreadable } from "./frames.ts"
import { originOf, type Peer } from "./peer.ts"
import { CurrentRequest } from "./request.ts"

type Headers = Readonly<Record<string, string | undefined>>

/** How an actor is served. */
export interface Terms {
  readonly wire: Wire
  readonly authorize: ((key: any, request: RemoteRequest) => Effect.Effect<unknown, any, any>) | undefined
  /** The keys of the carried references that callers may set. */
  readonly carried: ReadonlySet<string>
  readonly acceptsAnnotations: boolean
  /** Whether callers are told what a method died of, and what of a result cannot be sent. */
  readonly tellsDefects: boolean
  readonly telling: Telling
  /** Where that is written, if callers are not told. */
  readonly log: DefectLog
  readonly maxPendingItems: number
  /** How deep what travels with a call may be nested. */
  readonly depth: number
  /** The peer that a request is from, where the server is ours. */
  readonly peerOf: ((client: number) => Peer | undefined) | undefined
}

/** What serves one rpc: it gets the payload, and what is known of the request. */
export type Handler = (
  payload: Payload,
  request: {
    readonly client: { readonly id: number }
    readonly headers: Headers
    readonly requestId: string | number
  }
) => unknown

/** `context` has the actor, and what `authorize` needs. */
export const handlerOf = (terms: Terms, method: WireMethod, context: Context.Context<never>): Handler => {
  const service: any = Context.getUnsafe(context, terms.wire.of as unknown as Context.Key<any, any>)
  checkService(terms.wire, method, service)
  const handleOf = ({ key }: Payload): any => (terms.wire.keyed ? service.get(key) : service)
  const traced = Context.get(context, Tracer.Tracer) !== Tracer.nativeTracer
  const tell = terms.telling(method)
  const write = method.isSubscription ? writerOf(method) : undefined
  return (payload, { client, headers, requestId }) => {
    const subject = subjectOf(terms.wire, method, payload)
    const peer = terms.peerOf?.(client.id)
    const underWay = peer?.get(requestId)
    const arrived = Effect.withFiber((fiber) => {
      // From here on a failure is one of the method, and not of what was sent.
      if (underWay !== undefined) underWay.begun = true
      const request = requestOf(method, payload, headers, peer, fiber.context)
      return Effect.as(permitted(terms, subject, payload, request, context), request)
    })
    const invoked = (use: (ask: any, context: Context.Context<never>) => any) =>
      Effect.flatMap(arrived, (request) =>
        unpacked(terms, subject, headers, (surroundings, left) => {
          const known = Home.withService(surroundings, CurrentRequest, request)
          const own = traced ? Context.add(known, Home.SubmittedRemotely, headers[REMOTE] !== undefined) : known
          const args = method.isSubscription ? readerOf(terms, subject, payload) : (payload.args ?? [])
          if (!Array.isArray(args)) return Effect.fail(args)
          return use(Home.served(handleOf(payload)[method.name](...args), left), own)
        })
      )
    const unfit = (error: unknown) => {
      const issue = wordsOf(error)
      if (!terms.tellsDefects) terms.log.misfit(tagOf(method.actor, method.name), subject, issue)
      return undecodable(subject, `its result does not fit the contract${terms.tellsDefects ? `: ${issue}` : ""}`, true)
    }
    if (write !== undefined && terms.peerOf !== undefined) {
      if (underWay === undefined) return Effect.interrupt
      const fed = invoked((ask, own) => Effect.setContext(feed(Home.sharing(ask), write, peer!, underWay, unfit), own))
      return Effect.catchCause(fed, (cause) => tell(subject, cause))
    }
    if (!method.stream) {
      // `RpcServer` looks at a result before it has it written, and does not answer where that throws.
      const legible = (value: unknown) =>
        Home.attempt(() => Deferred.isDeferred(value)) === undefined
          ? Effect.fail(unfit("it throws when it is looked at"))
          : Effect.succeed(value)
      const called = invoked((ask, own) => {
        const heard = underWay === undefined ? ask : Home.heard(ask, underWay)
        // It is no call of ours, which would say itself how it ends: a test has another service in its place, say.
        if (underWay !== undefined && heard === ask) underWay.isOfAnother = true
        return Effect.flatMap(Effect.setContext(heard, own), legible)
      })
      return Effect.catchCause(called, (cause) => tell(subject, cause))
    }
    const items = invoked((ask, own) => Effect.succeed(Stream.updateContext(ask, () => own as any)))
    const crossed = method.isSubscription ? Stream.map(Stream.unwrap(items), crossing) : Stream.unwrap(items)
    return Stream.catchCause(crossed as Stream.Stream<any, any>, (cause) => Stream.fromEffect(tell(subject, cause)))
  }
}

/** Untyped code may provide something else, such as a pool. */
const checkService = ({ actor, keyed }: Wire, { name }: WireMethod, service: any): void => {
  const needed = keyed ? "get" : name
  if (typeof Home.attempt(() => service[needed]) === "function") return
  throw new TypeError(
    `${actor}: what is provided for it has no method "${needed}", so it is no such actor and cannot be served. A pool needs an actor in front of it, whose methods run their work on its members`
  )
}

const wordsOf = (error: unknown): string => (Schema.isSchemaError(error) ? error.message : Home.errorText(error))

const subjectOf = (wire: Wire, { name }: WireMethod, { key }: Payload): Subject => ({
  actor: wire.keyed ? `${wire.actor}(${Home.keyText(key)})` : wire.actor,
  method: name
})

const requestOf = (
  { actor, name }: WireMethod,
  { key }: Payload,
  sent: Headers,
  peer: Peer | undefined,
  context: Context.Context<never>
): RemoteRequest => {
  if (peer !== undefined) return { actor, method: name, key, sent, ...peer.origin }
  // A server that is not ours: the headers of its HTTP request are among those that were sent.
  const http = Context.getOrUndefined(context, HttpServerRequest.HttpServerRequest)
  const origin = http === undefined ? { headers: {}, remoteAddress: undefined } : originOf(http)
  return { actor, method: name, key, sent, ...origin }
}

/** Asks whether this caller may make this call, before there is an instance of the key. */
const permitted = (
  { authorize }: Terms,
  subject: Subject,
  { key }: Payload,
  request: RemoteRequest,
  context: Context.Context<never>
): Effect.Effect<unknown, any> => {
  if (authorize === undefined) return Effect.void
  const asked = Effect.suspend((): Effect.Effect<unknown, any> => {
    const effect: unknown = authorize(key, request)
    if (Effect.isEffect(effect)) return effect as Effect.Effect<unknown, any>
    throw new TypeError(`${subject.actor}: authorize must return an Effect, but returned ${Home.noEffect(effect)}`)
  })
  return Effect.mapError(
    Effect.updateContext(asked, (own: Context.Context<never>) => Context.merge(own, context)),
    (error) => naming(subject, error)
  )
}

/** An error of ours that says "denied" without saying what. */
const naming = (subject: Subject, error: unknown): unknown =>
  error instanceof ActorError && error.reason instanceof Denied && error.reason.actor === ""
    ? denied(subject, error.reason.why)
    : error

/** What travels with a call, as far as callers elsewhere may set it. */
const unpacked = (
  terms: Terms,
  subject: Subject,
  headers: Headers,
  use: (context: Context.Context<never>, left: number | undefined) => Effect.Effect<any, any>
): Effect.Effect<any, any> =>
  Effect.withFiber(({ context }) => {
    const text = headers[BAGGAGE]
    if (text === undefined) return use(context, undefined)
    try {
      const baggage = accepted(terms, readJson(text, terms))
      return use(Home.unpackBaggage(context, baggage), Home.timeLeftIn(baggage))
    } catch (error) {
      const isTold = error instanceof Home.BaggageError || error instanceof Unreadable
      const issue = isTold ? error.message : "what travels with it cannot be read"
      return Effect.fail(undecodable(subject, issue, false))
    }
  })

const accepted = ({ acceptsAnnotations, carried }: Terms, sent: any): Home.Baggage => {
  const { annotations, left, references } = sent
  const known = Object.entries(references ?? {}).filter(([key]) => carried.has(key))
  return {
    ...(known.length > 0 && { references: Object.fromEntries(known) }),
    ...(acceptsAnnotations && annotations !== undefined && { annotations: loggable(annotations) }),
    ...(typeof left === "number" && left >= 0 && left <= LONGEST && { left })
  }
}

/** What a caller has longer than that is as good as no deadline: timers do not count so far. */
const LONGEST = 2 ** 31 - 1 - 60_000

/** What may stand in a log of this server: little, and all of it on one line. */
const MOST_ANNOTATIONS = 32

const loggable = (annotations: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(annotations)
      .filter(([, value]) => value === null || typeof value !== "object")
      .slice(0, MOST_ANNOTATIONS)
      .map(([key, value]) => [Home.keyText(key), typeof value === "string" ? Home.keyText(value) : value])
  )

/** What a reader asks for, or why it may not. */
const readerOf = (
  { maxPendingItems }: Terms,
  subject: Subject,
  { reader = {} }: Payload
): ActorError | ReadonlyArray<unknown> => {
  const { notice, ...options } = reader as { readonly notice?: unknown; readonly [name: string]: unknown }
  if (options.overflow === "suspend")
    return denied(subject, 'a reader elsewhere may not hold up the actor, as overflow: "suspend" would')
  const asked = options.maxPendingItems as number | undefined
  if (asked !== undefined && asked !== Infinity && !(Number.isInteger(asked) && asked >= 1))
    return undecodable(subject, "maxPendingItems of a reader must be an integer of at least 1, or Infinity", false)
  const bounded = asked !== undefined && asked > maxPendingItems ? { ...options, maxPendingItems } : options
  return [bounded, notice]
}
