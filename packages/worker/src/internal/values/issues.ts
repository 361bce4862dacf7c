/**
 * What is wrong with values that cannot cross, in words for their senders.
 */
import * as ActorError from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import { Misfit } from "./codec.ts"
import { attempt, messageOf } from "./guard.ts"
import { HeldRef, refuseRefs } from "./heldRef.ts"
import { moved } from "./transfer.ts"

/** The error of a call whose arguments or result cannot cross, or do not fit the contract. */
export const decodeError = (actor: string, method: string, issue: string, mayHaveRun: boolean): ActorError.ActorError =>
  Home.actorError(() => new ActorError.DecodeError({ actor, method, issue, mayHaveRun }))

/** An error that knows which argument it is about says so in place of `what`. */
export const cannotCross = (what: string, error: unknown): string => {
  if (isMisfit(error)) return cannotCross(`argument ${error.index + 1}`, error.cause)
  const why = `${what} cannot cross between threads: ${messageOf(error)}`
  return attempt(() => error instanceof HeldRef, false)
    ? why
    : `${why.replace(/\.$/, "")}. Pass plain data, or values that a schema describes.`
}

export const argumentsCannotCross = (args: ReadonlyArray<unknown>, error: unknown): string =>
  cannotCross("an argument", isMisfit(error) ? error : (misfitAmong(args) ?? error))

const isMisfit = (error: unknown): error is Misfit => attempt(() => error instanceof Misfit, false)

/** The argument that cannot cross, as far as that can be found out: the engine does not name it. */
export const misfitAmong = (args: ReadonlyArray<unknown>): Misfit | undefined => {
  for (const [index, arg] of args.entries()) {
    // Trying to clone a value that is marked to move would move it.
    if (moved(arg) !== undefined) continue
    try {
      refuseRefs(arg)
      structuredClone(arg)
    } catch (error) {
      return new Misfit(index, error)
    }
  }
}
