/**
 * What `handle.method(...args)` returns: a description of one call. Running it submits the call and waits for it.
 *
 * Whether the method returns an Effect or a Stream is known only once it has run, so this object can be used as either;
 * the types let callers see the right one.
 */
import type * as Channel from "effect/Channel"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
import { Evaluable } from "./evaluable.ts"
import type { CallQueue } from "./callQueue.ts"
import * as failure from "./failure.ts"
import type { MethodSpec } from "./method.ts"
import * as streaming from "./streaming.ts"

export class Ask extends Evaluable {
  private readonly queue: CallQueue
  private readonly method: MethodSpec
  private readonly args: ReadonlyArray<unknown>

  constructor(queue: CallQueue, method: MethodSpec, args: ReadonlyArray<unknown>) {
    super()
    this.queue = queue
    this.method = method
    this.args = args
  }

  evaluate(fiber: Fiber.Fiber<any, any>): Effect.Effect<any, any> {
    const { args, method, queue } = this
    const { cell } = queue
    if (cell.full) return this.whenRoom(fiber)
    const call = cell.submit(queue, method, args, fiber.context, fiber.currentDispatcher, true)
    return call.exit ?? call.waitOrCancel()
  }

  private whenRoom(fiber: Fiber.Fiber<any, any>): Effect.Effect<any, any> {
    const { args, method, queue } = this
    const { cell } = queue
    if (cell.options.overflow === "fail") return Exit.fail(failure.limitExceeded(method, cell.options.maxPendingCalls))
    // Submitting and waiting is one step, lest an interruption between the two leave a call that nobody waits for.
    return Effect.callback((resume) => {
      let cancel: Effect.Effect<void> | undefined
      const leave = cell.whenRoom(() => {
        const call = cell.submit(queue, method, args, fiber.context, fiber.currentDispatcher, true)
        if (call.exit !== undefined) return resume(call.exit)
        call.observe(resume)
        cancel = call.cancelAndWait(resume)
      })
      return Effect.suspend(() => cancel ?? Effect.sync(leave))
    })
  }

  get channel(): Channel.Channel<any, any, void, unknown, unknown, unknown> {
    return streaming.toChannel(this.queue, this.method, this.args)
  }

  toJSON(): unknown {
    return { _id: "Call", call: this.method.label }
  }

  override toString(): string {
    return `${this.method.label}(...)`
  }
}

Object.assign(Ask.prototype, { "~effect/Stream": { _A: identity, _E: identity, _R: identity } })

/** Submits a call and succeeds with its ref at once. */
export const remote = (queue: CallQueue, method: MethodSpec, args: ReadonlyArray<unknown>): Effect.Effect<any, any> =>
  Effect.withFiber((fiber) => {
    const { cell } = queue
    const submit = () => Exit.succeed(cell.submit(queue, method, args, fiber.context, fiber.currentDispatcher, false))
    if (!cell.full) return submit()
    if (cell.options.overflow === "fail") return Exit.fail(failure.limitExceeded(method, cell.options.maxPendingCalls))
    return Effect.callback((resume) => {
      const leave = cell.whenRoom(() => resume(submit()))
      return Effect.sync(leave)
    })
  })
