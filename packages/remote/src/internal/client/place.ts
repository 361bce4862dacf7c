/**
 * What calls of a method say, and what they fail with that cannot be said.
 */
import type { ActorError } from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import type * as Tracer from "effect/Tracer"
import { received } from "../wire/defects.ts"
import { notExposed, type Subject, unavailable, undecodable } from "../wire/failure.ts"
import { BAGGAGE, REMOTE } from "../wire/headers.ts"
import type { Payload } from "../wire/wire.ts"
import { codecsOf } from "./codecs.ts"
import type { Place, Request } from "./link.ts"

export const subjectOf = ({ key, method: { actor, name } }: Place): Subject => ({
  actor: key === undefined ? actor : `${actor}(${Home.keyText(key.key)})`,
  method: name
})

/** What is sent. Throws where it does not fit the contract or JSON, or what travels with it does not fit its schemas. */
export const requestOf = (
  { key, method }: Place,
  { args, reader }: Payload,
  from: Home.Call | Home.Reader | undefined,
  span: Tracer.AnySpan | undefined
): Request => {
  const said = { ...key, ...(args && args.length > 0 && { args }), ...(reader && { reader }) }
  // Written here, where one that throws fails this call alone. Later it would take the connection with it.
  const payload = JSON.stringify(codecsOf(method).payload(said))
  const baggage = from && Home.baggageOf(from)
  const headers: Array<[string, string]> = []
  if (baggage !== undefined) headers.push([BAGGAGE, JSON.stringify(baggage)])
  if (span?._tag === "Span" && span.kind === "producer") headers.push([REMOTE, "true"])
  const traced = span && { traceId: span.traceId, spanId: span.spanId, sampled: span.sampled }
  return { tag: method.rpc._tag, payload, headers, ...traced }
}

/** What a call fails with that was not sent, since it cannot be written. */
export const unwritable = (place: Place, error: unknown): ActorError => {
  return undecodable(subjectOf(place), issueOf(error), false)
}

const issueOf = (error: any): string => {
  if (error instanceof Home.BaggageError) return error.message
  return error?._tag === "SchemaError" || error?.cause
    ? `its arguments do not fit the contract: ${misfit(error)}`
    : `its arguments cannot be written as JSON: ${Home.errorText(error)}`
}

/** What a schema itself has thrown is the cause of another error. */
const misfit = (error: any): string =>
  Cause.isCause(error?.cause) ? `its schema threw ${Home.errorText(Cause.squash(error.cause))}` : Home.issueText(error)

/** What was answered, as far as it can be read. */
export const readable = <A>(place: Place, read: () => Exit.Exit<A, any>): Exit.Exit<A, any> => {
  try {
    return read()
  } catch (error) {
    const issue = `what came back does not fit the contract: ${misfit(error)}`
    return Exit.fail(undecodable(subjectOf(place), issue, true))
  }
}

/** What a server of Effect's own says of a method that its group does not have. */
const UNKNOWN = "Unknown request tag: "

/** Why a call failed that the server, or the way there, has ended. */
export const told = (place: Place, { cause }: Exit.Failure<any, any>, ended: string): Exit.Exit<never, any> => {
  if (Cause.hasInterruptsOnly(cause)) return Exit.fail(unavailable(subjectOf(place), ended, true))
  const isUnknown = cause.reasons.some(
    (reason) => (reason as { readonly defect?: unknown }).defect === UNKNOWN + place.method.rpc._tag
  )
  return isUnknown ? Exit.fail(notExposed(subjectOf(place))) : Exit.failCause(received(cause))
}
