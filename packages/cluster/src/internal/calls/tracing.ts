/**
 * What requests say for the sake of spans. Where no spans are collected, they say nothing.
 */
import * as Home from "@troupe/core/Home"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"

/** Whether the spans that are made in a context are collected. */
export const isTraced = (context: Context.Context<never>): boolean =>
  Context.get(context, Tracer.Tracer) !== Tracer.nativeTracer

/** The header of a request whose caller does not wait for it. */
const REMOTE = "troupe-remote"

/** The headers of a request that is sent in a context. */
export const headersIn = (context: Context.Context<never>): Readonly<Record<string, string>> => {
  const call = Home.callIn(context)
  const span = call && Home.spanOf(call)
  return span?._tag === "Span" && span.kind === "producer" ? { [REMOTE]: "true" } : {}
}

/** Tells the call that a request asks for whether its caller waits. */
export const arriving = <R>(
  call: Effect.Effect<any, any, R>,
  headers: Readonly<Record<string, string>>
): Effect.Effect<any, any, R> => Effect.provideService(call, Home.SubmittedRemotely, headers[REMOTE] !== undefined)
