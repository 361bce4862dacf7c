/**
 * The last calls that failed, with all that their errors tell: fields, causes and stacks.
 */
import { FailedCall, isActorError } from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import type * as Instrumentation from "@troupe/core/Instrumentation"
import * as Cause from "effect/Cause"
import type * as Exit from "effect/Exit"
import { MOST_OF_AN_ERROR, safe, shown } from "../base/shown.ts"
import { Desk } from "./desk.ts"
import type { FailedCall as Failure } from "./frame.ts"

/** Stacks are longer than messages. */
const MOST_OF_A_STACK = 4000

type Texts = Pick<Failure, "message" | "fields" | "stack">

export class ErrorDesk extends Desk<Cause.Cause<unknown>, Texts> {
  /** Runs on the stack of the call. */
  note(call: Instrumentation.Call, exit: Exit.Exit<unknown, unknown>, now: () => number): void {
    if (exit._tag === "Failure" && !isCancelled(call, exit.cause)) this.hear(call, exit.cause, now())
  }

  protected textsOf(cause: Cause.Cause<unknown>): Texts {
    return textOf(cause)
  }
}

/** A caller wanted that. A call that fails since another one was cancelled did fail. */
const isCancelled = ({ id }: Instrumentation.Call, cause: Cause.Cause<unknown>): boolean => {
  const [first] = cause.reasons
  if (first === undefined || !Cause.isFailReason(first)) return Cause.hasInterruptsOnly(cause)
  const about = first.annotations.get(FailedCall.key) as FailedCall["Service"] | undefined
  return isActorError(first.error) && first.error.reason._tag === "TaskCancelled" && about?.id === id
}

/** What every error has, or what is shown besides. */
const COMMON = new Set(["_tag", "name", "message", "stack", "cause"])

/** An error is foreign code: its getters may throw. */
const textOf = (cause: Cause.Cause<unknown>): Texts => {
  const error = Cause.squash(cause)
  const fields = attempt(() => fieldsOf(error))
  const stack = attempt(() => Cause.pretty(cause)) ?? ""
  return {
    message: shown(Home.errorText(error), MOST_OF_AN_ERROR),
    ...(fields !== undefined && { fields: shown(fields, MOST_OF_AN_ERROR) }),
    stack: safe(stack.slice(0, MOST_OF_A_STACK))
  }
}

/** The fields of an error that its message does not show. Without a message, it shows them. */
const fieldsOf = (error: unknown): string | undefined => {
  if (!(error instanceof Error) || error.message === "") return undefined
  const fields = Object.entries(error).filter(([name]) => !COMMON.has(name))
  return fields.length === 0 ? undefined : Home.errorText(Object.fromEntries(fields))
}

const attempt = <A>(look: () => A): A | undefined => {
  try {
    return look()
  } catch {
    return undefined
  }
}
