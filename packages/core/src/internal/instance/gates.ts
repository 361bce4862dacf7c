/**
 * The way to middleware, which comes with the first that is defined: until then calls go to their lines at once.
 */
import type * as Effect from "effect/Effect"
import { shared } from "../base/copies.ts"
import type { Call, Dispatcher, Instance } from "../call/call.ts"
import type { MethodSpec } from "../call/method.ts"

/** Where the calls of an instance pass its middleware on their way to the line. */
export interface Gate {
  take(call: Call, dispatcher: Dispatcher, asked: boolean): void
  /** A call will not pass. */
  leave(call: Call): void
  /** Lets a reader pass, which is no call, and runs `next` where its middleware does. */
  admit(method: MethodSpec, args: ReadonlyArray<unknown>, next: Effect.Effect<void>): Effect.Effect<void, any>
  /** The calls on their way. */
  calls(): Array<Call>
}

interface Gates {
  /** The gate of an instance that has middleware. */
  of?(cell: Instance): Gate | undefined
}

export const gates: Gates = /* @__PURE__ */ shared("gates", {})
