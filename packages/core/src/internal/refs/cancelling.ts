/**
 * Ending what refs stand for.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { ActorError, TaskCancelled } from "../../ActorError.ts"
import type { CancelOutcome } from "../../ObjectRef.ts"
import { interrupt } from "../base/effectInternals.ts"
import { withoutStack } from "../base/errors.ts"
import { isEffect, noEffect } from "../base/evaluable.ts"
import { onlyKnown } from "../base/options.ts"
import { attempt, show } from "../base/show.ts"
import { Call, Stage } from "../call/call.ts"
import { descendants, endAll } from "../call/ending.ts"
import * as failure from "../call/failure.ts"
import { checkRefs, Ref } from "../call/ref.ts"
import { isCancellation } from "../call/unobserved.ts"
import { follow } from "./combinators.ts"

/** A ref for an effect that runs in the background. */
class EffectRef extends Ref {
  fiber: Fiber.Fiber<any, any> | undefined = undefined
  cancelled = false
}

/** Another copy of the package has a class of its own for these. */
const isOfEffect = (ref: Ref): ref is EffectRef & { readonly fiber: Fiber.Fiber<any, any> } =>
  (ref as EffectRef).fiber !== undefined

export const fromEffect = (effect: Effect.Effect<any, any, any>): Effect.Effect<Ref, never, any> =>
  Effect.withFiber((fiber) => {
    if (!isEffect(effect)) throw new TypeError(`ObjectRef.fromEffect takes an Effect, but got ${noEffect(effect)}`)
    const ref = new EffectRef()
    ref.fiber = Effect.runForkWith(fiber.context)(effect as Effect.Effect<any, any>)
    ref.fiber.addObserver((exit) => ref.settle(Exit.hasInterrupts(exit) && ref.cancelled ? cancelledExit(ref) : exit))
    return Exit.succeed(ref)
  })

interface CancelOptions {
  readonly recursive?: boolean | undefined
}

export const cancel = (ref: Ref, options?: CancelOptions): Effect.Effect<CancelOutcome> =>
  Effect.map(
    Effect.suspend(() => end("cancel", [ref], options)),
    ([outcome]) => outcome!
  )

export const cancelAll = (refs: Iterable<Ref>, options?: CancelOptions): Effect.Effect<Array<CancelOutcome>> =>
  Effect.suspend(() => end("cancelAll", toList(refs), options))

/** From untyped code it may be a record, of which `Array.from` would make an empty list. */
const toList = (refs: Iterable<Ref>): ReadonlyArray<Ref> => {
  if (attempt(() => Symbol.iterator in refs) === true) return Array.from(refs)
  throw new TypeError(`ObjectRef.cancelAll takes ObjectRefs in an array, but got ${show(refs)}`)
}

/** Tells all that they are to end before the first one does, and waits once for all of them. */
const end = (
  operation: string,
  refs: ReadonlyArray<Ref>,
  options: CancelOptions | undefined
): Effect.Effect<Array<CancelOutcome>> => {
  if (options !== undefined) onlyKnown(`ObjectRef.${operation}`, options, { recursive: true })
  checkRefs(operation, refs)
  const outcomes = refs.map(outcomeOf)
  const calls = refs.filter((ref) => ref instanceof Call)
  if (options?.recursive === false) for (const call of calls) call.leaveChildren()
  endAll([...calls, ...descendants(calls)], Stage.Cancelling)
  for (const ref of refs) if (ref.exit === undefined) endOther(ref)
  return Effect.map(settled(refs), () => outcomes.map((outcome) => outcome()))
}

/** What is to be said of a ref once it has settled. */
const outcomeOf = (ref: Ref): (() => CancelOutcome) => {
  if (ref.exit !== undefined) return () => "AlreadyDone"
  return () => {
    if (ref instanceof Call && ref.attempts === 0) return "NotStarted"
    return isCancelled(ref.exit) ? "Interrupted" : "AlreadyDone"
  }
}

/** Ends what is no call that was submitted. */
const endOther = (ref: Ref): void => {
  if (ref instanceof Call) {
    if (ref.stage === Stage.New) ref.line.cell.deny(ref, failure.cancelled(ref))
  } else if (isOfEffect(ref)) {
    ref.cancelled = true
    interrupt(ref.fiber)
  } else {
    // A promise cannot be stopped. Its ref can: its waiters wait no longer.
    ref.settle(cancelledExit(ref))
  }
}

/** Succeeds once all refs have settled, or when that would be waiting for oneself. Does not look at their results. */
const settled = (refs: ReadonlyArray<Ref>): Effect.Effect<void> =>
  Effect.suspend(() => {
    let missing = refs.length
    if (refs.every((ref) => ref.exit !== undefined)) return Effect.void
    return follow(refs, { read: (ref) => ref.exit, step: () => (--missing === 0 ? Exit.void : undefined) })
  })

/** A call that cancels itself, where it cannot be interrupted, does not wait for its exit. */
const isCancelled = (exit: Exit.Exit<any, any> | undefined): boolean =>
  exit === undefined || (exit._tag === "Failure" && exit.cause.reasons.some(isCancellation))

const cancelledExit = ({ id }: Ref): Exit.Exit<never, ActorError> =>
  Exit.fail(
    withoutStack(
      () =>
        new ActorError({
          reason: new TaskCancelled({ actor: "ObjectRef.fromEffect", method: "", id, mayHaveRun: true })
        })
    )
  )
