/**
 * Where the calls of an instance go, and what the answers that come back say.
 */
import type * as ActorError from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import * as Exit from "effect/Exit"
import * as causes from "../values/causes.ts"
import type { MethodCodec } from "../values/contract.ts"
import { argumentsCannotCross, cannotCross, decodeError } from "../values/issues.ts"
import { type Answer, type Begin, type CallId, From, type InstanceId } from "../wire/protocol.ts"
import type { PackedSpan } from "../wire/spans.ts"
import type { Self } from "./residents.ts"
import type { Thread } from "./thread.ts"

/** An instance in a thread, as its calls see it. */
export interface Place {
  readonly thread: Thread
  readonly self: Self
  readonly actor: string
  /** The number under which the thread knows the instance. */
  readonly instance: InstanceId
}

/** What asks the thread to run a method. */
export const begin = (
  kind: Begin[0],
  id: CallId,
  instance: InstanceId,
  { index }: MethodCodec,
  args: unknown,
  span: PackedSpan | undefined,
  baggage: Home.Baggage | undefined
): Begin =>
  baggage === undefined ? [kind, id, instance, index, args, span] : [kind, id, instance, index, args, span, baggage]

/** How the thread says that a call ended, or what a stream gave. An answer that does not fit the contract is an end, too. */
export const exitOf = (
  actor: string,
  method: MethodCodec,
  answer: Exclude<Answer, readonly [typeof From.NotBegun, CallId]>
): Exit.Exit<any, any> => {
  try {
    switch (answer[0]) {
      case From.Success:
        return Exit.succeed(method.success.unpack(answer[2]))
      case From.Items:
        return Exit.succeed(answer[2].map(method.success.unpack))
      case From.Failure:
        return Exit.failCause(causes.unpack(answer[2], method.error))
      case From.Refused:
        return Exit.fail(decodeError(actor, method.name, answer[2], answer[3]))
    }
  } catch (error) {
    return Exit.fail(decodeError(actor, method.name, cannotCross("the answer", error), true))
  }
}

/** The end of a call whose arguments cannot cross, or what travels with them. */
export const refusal = (
  { actor }: Place,
  { name }: MethodCodec,
  args: ReadonlyArray<unknown>,
  error: unknown
): Exit.Exit<never, ActorError.ActorError> =>
  Exit.fail(
    decodeError(
      actor,
      name,
      error instanceof Home.BaggageError ? error.message : argumentsCannotCross(args, error),
      false
    )
  )
