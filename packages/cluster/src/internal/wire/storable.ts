/**
 * What a durable call comes to, such that it can be stored.
 *
 * A call whose result cannot be written has to settle all the same: it fails, and says why.
 */
import { ActorError } from "@troupe/core/ActorError"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { codecOf, issueOf, wordsOf } from "../base/writable.ts"
import { resultDoesNotFit, type Subject } from "./failure.ts"
import { SentDefect } from "./received.ts"
import type { WireMethod } from "./wire.ts"

const defects = codecOf(SentDefect)

/** Runs a call whose result, error or defect is going to be stored. An interruption is up to the engine. */
export const storable = <R>(
  call: Effect.Effect<any, any, R>,
  subject: Subject,
  { codecs }: WireMethod
): Effect.Effect<any, any, R> =>
  Effect.tap(call, (value) =>
    Effect.flatMap(issueOf("result", codecs.success, value), (issue) =>
      issue === undefined ? Effect.void : Effect.fail(resultDoesNotFit(subject, "result", issue))
    )
  ).pipe(
    Effect.catchCause((cause) =>
      Cause.hasInterrupts(cause)
        ? Effect.failCause(cause)
        : Effect.flatMap(
            Effect.forEach(cause.reasons, (reason) => mend(reason, subject, codecs)),
            (reasons) => Effect.failCause(Cause.fromReasons(reasons))
          )
    )
  )

const mend = (
  reason: Cause.Reason<unknown>,
  subject: Subject,
  codecs: WireMethod["codecs"]
): Effect.Effect<Cause.Reason<unknown>> => {
  if (Cause.isFailReason(reason)) {
    const { error } = reason
    return Effect.map(issueOf("error", codecs.error, error), (issue) => {
      if (issue === undefined) return reason
      const bare = error instanceof ActorError ? withPlainCause(error) : undefined
      return Cause.makeFailReason(bare ?? resultDoesNotFit(subject, `error (${wordsOf(error)})`, issue))
    })
  }
  if (!Cause.isDieReason(reason)) return Effect.succeed(reason)
  return Effect.map(issueOf("defect", defects, reason.defect), (issue) =>
    issue === undefined ? reason : Cause.makeDieReason(new Error(wordsOf(reason.defect)))
  )
}

/** The same error, whose cause is as plain as can be. */
const withPlainCause = ({ reason }: ActorError): ActorError | undefined => {
  if (!("cause" in reason)) return undefined
  const Reason = reason.constructor as new (fields: object) => typeof reason
  return new ActorError({ reason: new Reason({ ...reason, cause: new Error(wordsOf(reason.cause)) }) })
}
