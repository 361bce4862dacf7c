/**
 * What travels with a request besides its arguments: carried references, log annotations, how much time is left. Where
 * there is none of it, the request says nothing.
 */
import type { ActorError } from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type Subject, undecodable } from "../wire/failure.ts"

const BAGGAGE = "troupe-baggage"

type Headers = Readonly<Record<string, string>>

/**
 * The headers of a request that is sent in a context, or for a reader, `others` among them. A durable call outlives its
 * caller, so it does not say when the caller's time is over. Throws a `Home.BaggageError`.
 */
export const headersWith = (
  others: Headers | undefined,
  context: Context.Context<never>,
  durable: boolean,
  reader: Home.Reader | undefined
): Headers | undefined => {
  const from = reader ?? Home.callIn(context)
  const baggage = from && Home.baggageOf(from, { deadline: !durable })
  return baggage === undefined ? others : { ...others, [BAGGAGE]: JSON.stringify(baggage) }
}

/** How a request is answered whose baggage cannot be packed, or unpacked. */
export const refused = (subject: Subject, error: unknown): Effect.Effect<never, ActorError> =>
  error instanceof Home.BaggageError ? Effect.fail(undecodable(subject, error.message, false)) : Effect.die(error)

/**
 * Makes use of what has come with a request: the context in which its call is to be made, and how many milliseconds the
 * caller has left, if its time is bounded. Or refuses the request.
 */
const arrived = <A>(
  subject: Subject,
  text: string,
  use: (context: Context.Context<never>, left: number | undefined) => Effect.Effect<A, any>
): Effect.Effect<A, any> =>
  Effect.withFiber(({ context }) => {
    try {
      const baggage = JSON.parse(text) as Home.Baggage
      return use(Home.unpackBaggage(context, baggage), Home.timeLeftIn(baggage))
    } catch (error) {
      return refused(subject, error)
    }
  })

/** Makes a call with what has come with its request, or refuses it. */
export const unload = (
  subject: Subject,
  headers: Headers,
  call: (left: number | undefined) => Effect.Effect<any, any>
): Effect.Effect<any, any> => {
  const text = headers[BAGGAGE]
  if (text === undefined) return call(undefined)
  return arrived(subject, text, (context, left) => Effect.setContext(call(left), context))
}

/** The same for a stream. */
export const unloadStream = (
  subject: Subject,
  headers: Headers,
  call: (left: number | undefined) => Stream.Stream<any, any>
): Stream.Stream<any, any> => {
  const text = headers[BAGGAGE]
  if (text === undefined) return call(undefined)
  return Stream.unwrap(
    arrived(subject, text, (context, left) => Effect.succeed(Stream.updateContext(call(left), () => context)))
  )
}

/** Calls a method. The call ends when the time of its caller is over: the caller may be gone by then. */
export const invoke = (handle: any, name: string, args: ReadonlyArray<unknown>, left: number | undefined): any =>
  Home.served(handle[name](...args), left)
