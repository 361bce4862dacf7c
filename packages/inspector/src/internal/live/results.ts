/**
 * The last calls that succeeded, with arguments and results, where the program allows that they are shown.
 */
import type * as Instrumentation from "@troupe/core/Instrumentation"
import type * as Exit from "effect/Exit"
import { Desk } from "./desk.ts"
import type { ShownCall } from "./frame.ts"

type Texts = Pick<ShownCall, "result">

export class ResultDesk extends Desk<unknown, Texts> {
  /** Runs on the stack of the call. */
  note(call: Instrumentation.Call, exit: Exit.Exit<unknown, unknown>, now: () => number): void {
    if (this.inspect !== undefined && exit._tag === "Success") this.hear(call, exit.value, now())
  }

  protected textsOf(
    value: unknown,
    { actor, name }: Instrumentation.Call,
    args: string | undefined
  ): Texts | undefined {
    const result = this.inspect?.(value, { actor, method: name, what: "result" })
    return args === undefined && result === undefined ? undefined : { result }
  }
}
