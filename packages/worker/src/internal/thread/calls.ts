/**
 * The calls that run in this thread.
 */
import * as ActorError from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import type * as Exit from "effect/Exit"
import * as causes from "../values/causes.ts"
import type { MethodCodec } from "../values/contract.ts"
import { Word } from "../wire/memory.ts"
import type { CallId } from "../wire/protocol.ts"
import type { Answers } from "./answers.ts"
import type { Instance, Instances } from "./instances.ts"

/** A call as the owner made it, unpacked. */
export interface Unpacked {
  readonly id: CallId
  readonly instance: Instance
  readonly method: MethodCodec
  readonly args: ReadonlyArray<unknown>
  readonly context: Context.Context<never>
  /** How many milliseconds its caller has left, if its time is bounded. */
  readonly left: number | undefined
}

export class Calls {
  private readonly shared: Int32Array
  private readonly answers: Answers
  private readonly instances: Instances
  private readonly running = new Map<CallId, Home.Accepted>()
  /** Those of them that the owner has interrupted. */
  private readonly interrupted = new Set<CallId>()

  constructor(shared: Int32Array, answers: Answers, instances: Instances) {
    this.shared = shared
    this.answers = answers
    this.instances = instances
  }

  start({ args, context, id, instance, left, method }: Unpacked): void {
    Atomics.store(this.shared, Word.Started, id | 0)
    let settled = false
    const onExit = (exit: Exit.Exit<any, any>, restarted: boolean) => {
      settled = true
      this.running.delete(id)
      // Before the answer, so that the caller, when it has the end of its call, finds no instance that is dead.
      const death = deathOf(instance, exit)
      if (death !== undefined) this.instances.died(instance, death)
      this.answer(method, id, exit, restarted)
    }
    const call = Home.submit(instance.handle, method.name, args, context, onExit, left)
    if (!settled) this.running.set(id, call)
  }

  private answer(method: MethodCodec, id: CallId, exit: Exit.Exit<any, any>, restarted: boolean): void {
    const interrupted = this.interrupted.delete(id)
    if (exit._tag === "Success") return this.answers.succeed(method, id, exit.value)
    // The owner knows why it interrupted the call.
    const cause = interrupted && causes.isCancelled(exit.cause) ? Cause.interrupt() : exit.cause
    this.answers.fail(method, id, cause, restarted)
  }

  interrupt(id: CallId): void {
    const call = this.running.get(id)
    if (call === undefined) return
    this.interrupted.add(id)
    Home.interrupt(call)
  }
}

/** The death of an instance that ended a call, if that is what ended it. */
const deathOf = ({ label }: Instance, exit: Exit.Exit<unknown, unknown>): ActorError.ActorDied | undefined => {
  if (exit._tag === "Success") return undefined
  const failure = exit.cause.reasons.find(Cause.isFailReason)?.error
  const reason = ActorError.isActorError(failure) ? failure.reason : undefined
  return reason?._tag === "ActorDied" && reason.actor === label ? reason : undefined
}
