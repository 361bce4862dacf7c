/**
 * The way to middleware, which comes with the first that is defined: until then calls go to their lines at once.
 */
import { shared } from "../base/copies.ts"
import type { Call, Dispatcher } from "../call/call.ts"
import type { Cell } from "./cell.ts"

/** Where the calls of an instance pass its middleware on their way to the line. */
export interface Gate {
  take(call: Call, dispatcher: Dispatcher, asked: boolean): void
  /** A call will not pass. */
  leave(call: Call): void
  /** The calls on their way. */
  calls(): Array<Call>
}

export const gates: { of?: (cell: Cell) => Gate | undefined } = /* @__PURE__ */ shared("gates", {})
