/**
 * Ending what a ref stands for.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { ActorError, TaskCancelled } from "../ActorError.ts"
import type { CancelOutcome } from "../ObjectRef.ts"
import { Call, Stage } from "./call.ts"
import * as failure from "./failure.ts"
import { interrupt } from "./interrupt.ts"
import { checkRefs, Ref } from "./ref.ts"
import * as waiting from "./waiting.ts"

/** A ref for an effect that runs in the background. */
class EffectRef extends Ref {
  fiber: Fiber.Fiber<any, any> | undefined = undefined
  cancelled = false
}

export const fromEffect = (effect: Effect.Effect<any, any, any>): Effect.Effect<Ref, never, any> =>
  Effect.withFiber((fiber) => {
    const ref = new EffectRef()
    ref.fiber = Effect.runForkWith(fiber.context)(effect as Effect.Effect<any, any>)
    ref.fiber.addObserver((exit) => ref.settle(Exit.hasInterrupts(exit) && ref.cancelled ? cancelledExit(ref) : exit))
    return Exit.succeed(ref)
  })

export const cancel = (
  ref: Ref,
  options?: { readonly recursive?: boolean | undefined }
): Effect.Effect<CancelOutcome> =>
  Effect.suspend(() => {
    checkRefs("cancel", [ref])
    if (ref.exit !== undefined) return Effect.succeed("AlreadyDone")
    if (ref instanceof Call) return cancelCall(ref, options?.recursive ?? true)
    if (ref instanceof EffectRef) return cancelEffect(ref)
    // A promise cannot be stopped. Its ref can: nobody waits for it any longer.
    ref.settle(cancelledExit(ref))
    return Effect.succeed("Interrupted")
  })

export const cancelCall = (call: Call, recursive: boolean): Effect.Effect<CancelOutcome> => {
  if (call.stage === Stage.New) {
    // It waits for room, and will find that it is not wanted any more.
    call.queue.cell.timers?.stop(call)
    call.settle(failure.cancelled(call))
    return Effect.succeed("NotStarted")
  }
  const started = call.attempts > 0
  call.queue.cell.cancel(call, recursive)
  const outcome = Effect.sync((): CancelOutcome => {
    if (!started) return "NotStarted"
    return call.stage === Stage.Cancelling && isCancelled(call.exit) ? "Interrupted" : "AlreadyDone"
  })
  return Effect.andThen(end(call), outcome)
}

/** Succeeds once a call has settled, or when that would be waiting for oneself. */
const end = (call: Call): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (call.exit !== undefined) return resume(Effect.void)
    return Effect.sync(waiting.observe(call, false, () => resume(Effect.void)))
  })

const cancelEffect = (ref: EffectRef): Effect.Effect<CancelOutcome> => {
  ref.cancelled = true
  interrupt(ref.fiber!)
  return Effect.map(Effect.exit(ref.wait()), (exit) => (isCancelled(exit) ? "Interrupted" : "AlreadyDone"))
}

/** A call that cancels itself, where it cannot be interrupted, does not wait for its exit. */
const isCancelled = (exit: Exit.Exit<any, any> | undefined): boolean =>
  exit === undefined ||
  (exit._tag === "Failure" &&
    exit.cause.reasons.some(
      (reason) =>
        Cause.isFailReason(reason) && reason.error instanceof ActorError && reason.error.reason._tag === "TaskCancelled"
    ))

const cancelledExit = ({ id }: Ref): Exit.Exit<never, ActorError> =>
  Exit.fail(
    failure.withoutStack(
      () =>
        new ActorError({
          reason: new TaskCancelled({ actor: "ObjectRef.fromEffect", method: "", id, mayHaveRun: true })
        })
    )
  )
