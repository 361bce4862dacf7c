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
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Stream from "effect/Stream"
import { shared, VersionKey } from "../base/copies.ts"
import { inPlace } from "../base/effectInternals.ts"
import { Evaluable } from "../base/evaluable.ts"
import { version } from "../base/version.ts"
import { Call } from "../call/call.ts"
import type { MethodSpec } from "../call/method.ts"
import * as tracing from "../call/tracing.ts"
import type { Target } from "../instance/cell.ts"
import { admit, submitAsked } from "./admit.ts"
import { cancelAndWait, waitOrCancel } from "./asker.ts"
import * as streaming from "./streaming.ts"

/** A call that is yet to be made. */
abstract class Submission extends Evaluable {
  declare readonly target: Target
  declare readonly method: MethodSpec
  declare readonly args: ReadonlyArray<unknown>

  constructor(target: Target, method: MethodSpec, args: ReadonlyArray<unknown>) {
    super()
    this.target = target
    this.method = method
    this.args = args
  }

  /** How it was written. */
  protected abstract get source(): string

  toJSON(): unknown {
    return { _id: "Call", call: this.method.label, status: NOT_RUN }
  }

  override toString(): string {
    return `${this.source} ${NOT_RUN}`
  }

  [NodeInspectSymbol](): string {
    return this.toString()
  }

  /** Arithmetic would make `NaN` of it. */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === "number") throw new TypeError(this.toString())
    return this.toString()
  }
}

/** For code that awaits it, prints it or computes with it, where it had to run it. */
const NOT_RUN = "has not run: yield* it, or give it to Effect.runPromise. What AsyncHandle.make gives can be awaited"

export class OwnAsk extends Submission {
  evaluate(fiber: Fiber.Fiber<any, any>): Effect.Effect<any, any> {
    const { args, method } = this
    // Before the instance of a key is looked for, which may bring it up.
    if (inPlace === undefined || method.hearer) return this.inSteps(fiber)
    const line = this.target.resolve()
    const { cell } = line
    if (cell.full) return this.inSteps(fiber)
    const call = new Call(line, method, args, fiber.context, true)
    tracing.mark(call, fiber, true)
    cell.submit(call, fiber.currentDispatcher, true)
    // Were the wait an operation of its own, an interruption before it would leave the call alone.
    return call.exit ?? inPlace(waitOrCancel(call), fiber)
  }

  /** Submits and waits in operations of their own. An interruption at any time after the first cancels the call. */
  private inSteps(fiber: Fiber.Fiber<any, any>): Effect.Effect<any, any> {
    let call: Call | undefined
    const ask = Effect.suspend(() => {
      const made = new Call(this.target.resolve(), this.method, this.args, fiber.context, true)
      call = made
      this.method.hearer?.submitted(made)
      return submitAsked(made, fiber, () => waitOrCancel(made))
    })
    return Effect.onInterrupt(ask, () => cancelAndWait(call))
  }

  get channel(): Channel.Channel<any, any, void, unknown, unknown, unknown> {
    return streaming.toChannel(this.target, this.method, this.args)
  }

  protected get source(): string {
    return `${this.method.label}(...)`
  }
}

/** `for await` would find the iterator of `yield*`, whose only item is the call itself. */
const noIteration = function (this: OwnAsk): never {
  throw new TypeError(`${this}. For a Stream it is: for await (const item of AsyncHandle.make(handle).method(...))`)
}

Object.assign(OwnAsk.prototype, {
  [Stream.TypeId]: { _A: identity, _E: identity, _R: identity },
  [Symbol.asyncIterator]: noIteration
})

export const Ask = /* @__PURE__ */ shared("Ask", OwnAsk)

/** What `handle.method.remote(...args)` returns: running it submits a call and succeeds with its ref at once. */
export class OwnRemote extends Submission {
  protected get source(): string {
    return `${this.method.label}.remote(...)`
  }

  declare readonly isUnready: true

  /** What is wrong with it as an argument, whose place is counted from 1. */
  misplaced(call: Call, place: number): TypeError {
    return new TypeError(
      `argument ${place} of ${call.origin} is ${this.source}, which has not run: yield* it, and give the ref that it succeeds with. To give the Effect itself, wrap it: Effect.suspend(() => ...)`
    )
  }

  evaluate(fiber: Fiber.Fiber<any, any>): Effect.Effect<any, any> {
    const { args, method } = this
    const line = this.target.resolve()
    const { cell } = line
    const call = new Call(line, method, args, fiber.context, false)
    tracing.mark(call, fiber, false)
    if (cell.full)
      return Effect.as(
        admit(cell, call, () => cell.submit(call, fiber.currentDispatcher, false)),
        call
      )
    cell.submit(call, fiber.currentDispatcher, false)
    return Exit.succeed(call)
  }
}

Object.assign(OwnRemote.prototype, { isUnready: true, [VersionKey]: version })

export const Remote = /* @__PURE__ */ shared("Remote", OwnRemote)
