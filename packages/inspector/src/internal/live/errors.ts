/**
 * The last calls that failed, with all that their errors tell: fields, causes and stacks.
 *
 * Their texts are made with the next update. So a method that fails ten thousand times a second costs no more than one
 * that fails a few times, and errors of users are not kept.
 */
import { FailedCall, isActorError } from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import type * as Instrumentation from "@troupe/core/Instrumentation"
import * as Cause from "effect/Cause"
import type * as Exit from "effect/Exit"
import type { Inspect } from "../base/inspect.ts"
import { MOST_OF_AN_ERROR, safe, shown } from "../base/shown.ts"
import type { FailedCall as Failure } from "./frame.ts"

/** How many are kept. */
const MOST = 100
/** How many there may be of one update: the newest. */
const MOST_AT_ONCE = 20
/** Stacks are longer than messages. */
const MOST_OF_A_STACK = 4000

interface Heard {
  readonly at: number
  readonly call: Instrumentation.Call
  readonly args: ReadonlyArray<unknown>
  readonly cause: Cause.Cause<unknown>
}

export class ErrorDesk {
  private readonly inspect: Inspect | undefined

  constructor(inspect: Inspect | undefined) {
    this.inspect = inspect
  }

  private heard: Array<Heard> = []
  private told: Array<Failure & { readonly version: number }> = []
  private last = 0

  /** Runs on the stack of the call. */
  note(call: Instrumentation.Call, exit: Exit.Exit<unknown, unknown>, now: () => number): void {
    if (exit._tag === "Success" || isCancelled(call, exit.cause)) return
    // They are not kept in vain.
    const args = this.inspect === undefined ? [] : call.args
    this.heard.push({ at: now(), call, args, cause: exit.cause })
    if (this.heard.length >= 2 * MOST_AT_ONCE) this.heard = this.heard.slice(-MOST_AT_ONCE)
  }

  /** Writes down what was heard since the last update. */
  tell(version: number): void {
    for (const { args, at, call, cause } of this.heard.slice(-MOST_AT_ONCE)) {
      const { actor, id, instance, method, name } = call
      this.told.push({
        seq: ++this.last,
        at,
        call: id,
        actor,
        instance,
        method: shown(method),
        args: this.inspect?.(args, { actor, method: name, what: "args" }),
        ...textOf(cause),
        version
      })
    }
    this.heard = []
    if (this.told.length > MOST) this.told = this.told.slice(-MOST)
  }

  since(version: number): ReadonlyArray<Failure> {
    return this.told.filter((one) => one.version > version)
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
const textOf = (cause: Cause.Cause<unknown>): Pick<Failure, "message" | "fields" | "stack"> => {
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
