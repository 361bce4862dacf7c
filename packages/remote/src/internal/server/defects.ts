/**
 * What callers elsewhere are told of failures: the errors of the contract, and of others that there was one.
 */
import { ActorError } from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { Subject } from "../wire/failure.ts"
import type { DefectLog } from "./defectLog.ts"

/** How a failure is told. */
export type Tell = (subject: Subject, cause: Cause.Cause<any>) => Effect.Effect<never, any>

/** Says how the failures of a method are told. */
export type Telling = (method: { readonly actor: string; readonly name: string }) => Tell

/** With the words of each defect. */
export const shown: Telling = () => (_, cause) => Effect.failCause(cause)

/** Without. The log of the server has them, under the number that the caller is told. */
export const hidden =
  (log: DefectLog): Telling =>
  ({ actor, name }) => {
    const write = log.ofMethod(`${actor}.${name}`)
    return (subject, cause) => {
      if (!cause.reasons.some(hasInsides)) return Effect.failCause(cause)
      const id = crypto.randomUUID()
      const without = Cause.fromReasons(cause.reasons.map((reason) => withoutInsides(reason, id)))
      return Effect.andThen(
        write(subject, `failed for a caller elsewhere, who was told of ${id}`, cause),
        Effect.failCause(without)
      )
    }
  }

const hasInsides = (reason: Cause.Reason<any>): boolean =>
  Cause.isDieReason(reason) || (Cause.isFailReason(reason) && causeOf(reason.error) !== undefined)

/** What our own error says of a defect. Errors of the contract say what the contract lets them. */
const causeOf = (error: unknown): unknown =>
  Home.attempt(() => (error instanceof ActorError && "cause" in error.reason ? error.reason.cause : undefined))

const withoutInsides = (reason: Cause.Reason<any>, id: string): Cause.Reason<any> => {
  if (Cause.isInterruptReason(reason)) return reason
  if (Cause.isDieReason(reason)) return Cause.makeDieReason(new HiddenDefect(id))
  if (causeOf(reason.error) === undefined) return reason
  const { reason: told } = reason.error as ActorError
  const Reason = told.constructor as any
  return Cause.makeFailReason(Home.actorError(() => new Reason({ ...told, cause: new HiddenDefect(id) })))
}

const HIDDEN = "HiddenDefect"

/** Whether a defect, as it is written, stands for another one. */
export const isHidden = (defect: unknown): boolean => (defect as { readonly name?: unknown } | null)?.name === HIDDEN

/** What stands for a defect whose words stay at the server. */
class HiddenDefect extends Error {
  override readonly name = HIDDEN
  constructor(id: string) {
    super(`the server does not tell what it was: its log has it under ${id}`)
    this.stack = ""
  }
}
