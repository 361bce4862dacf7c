/**
 * What this thread says about its calls, packed for the owner.
 */
import * as Home from "@troupe/core/Home"
import type * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as causes from "../values/causes.ts"
import type { MethodCodec } from "../values/contract.ts"
import { messageOf } from "../values/guard.ts"
import { cannotCross } from "../values/issues.ts"
import { moved } from "../values/transfer.ts"
import { type CallId, From, type FromThread, type ToThread } from "../wire/protocol.ts"
import type { Wire } from "../wire/wire.ts"

export class Answers {
  private readonly wire: Wire<ToThread, FromThread>

  constructor(wire: Wire<ToThread, FromThread>) {
    this.wire = wire
  }

  /** Unpacks the arguments of a call, or refuses it. */
  unpackArgs(method: MethodCodec, id: CallId, packed: unknown): ReadonlyArray<unknown> | undefined {
    try {
      return method.args.unpack(packed)
    } catch (error) {
      this.refuse(id, "an argument", error, false)
      return undefined
    }
  }

  /** Sets what has come with a call, or refuses the call. */
  unpackBaggage(
    id: CallId,
    context: Context.Context<never>,
    baggage: Home.Baggage | undefined
  ): Context.Context<never> | undefined {
    if (baggage === undefined) return context
    try {
      return Home.unpackBaggage(context, baggage)
    } catch (error) {
      this.wire.post([From.Refused, id, messageOf(error), false])
      return undefined
    }
  }

  succeed(method: MethodCodec, id: CallId, value: unknown): void {
    let packed: unknown
    try {
      packed = method.success.pack(value)
    } catch (error) {
      return this.refuse(id, "the result", error, true)
    }
    this.wire.post([From.Success, id, packed], moved(value))
  }

  fail(method: MethodCodec, id: CallId, cause: Cause.Cause<unknown>, restarted: boolean): void {
    this.wire.post([From.Failure, id, causes.pack(cause, method.error), restarted])
  }

  /** Answers a pull of a stream. */
  items(id: CallId, packed: ReadonlyArray<unknown>, moved: ReadonlyArray<object> | undefined): void {
    this.wire.post([From.Items, id, packed], moved)
  }

  /** A stream has ended. Its end has no value. */
  done(id: CallId): void {
    this.wire.post([From.Success, id, undefined])
  }

  /** A value of a call cannot cross. That ends the call. */
  refuse(id: CallId, what: string, error: unknown, mayHaveRun: boolean): void {
    this.wire.post([From.Refused, id, cannotCross(what, error), mayHaveRun])
  }
}
