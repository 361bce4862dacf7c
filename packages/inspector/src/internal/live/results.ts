/**
 * The last calls that succeeded, with arguments and results, where the program allows that they are shown.
 *
 * Values of users are kept until the next update at most, which makes their texts.
 */
import type * as Instrumentation from "@troupe/core/Instrumentation"
import type * as Exit from "effect/Exit"
import type { Inspect } from "../base/inspect.ts"
import { shown } from "../base/shown.ts"
import type { ShownCall } from "./frame.ts"

/** How many are kept. */
const MOST = 100
/** How many there may be of one update: the newest. */
const MOST_AT_ONCE = 20

interface Heard {
  readonly at: number
  readonly call: Instrumentation.Call
  readonly args: ReadonlyArray<unknown>
  readonly value: unknown
}

export class ResultDesk {
  private heard: Array<Heard> = []
  private told: Array<ShownCall & { readonly version: number }> = []
  private last = 0
  private readonly inspect: Inspect | undefined

  constructor(inspect: Inspect | undefined) {
    this.inspect = inspect
  }

  /** Runs on the stack of the call. */
  note(call: Instrumentation.Call, exit: Exit.Exit<unknown, unknown>, now: () => number): void {
    if (this.inspect === undefined || exit._tag === "Failure") return
    this.heard.push({ at: now(), call, args: call.args, value: exit.value })
    if (this.heard.length >= 2 * MOST_AT_ONCE) this.heard = this.heard.slice(-MOST_AT_ONCE)
  }

  /** Writes down what was heard since the last update. */
  tell(version: number): void {
    for (const { args, at, call, value } of this.heard.slice(-MOST_AT_ONCE)) {
      const { actor, id, instance, method, name } = call
      const about = { actor, method: name }
      const texts = {
        args: this.inspect?.(args, { ...about, what: "args" }),
        result: this.inspect?.(value, { ...about, what: "result" })
      }
      if (texts.args === undefined && texts.result === undefined) continue
      this.told.push({ seq: ++this.last, at, call: id, actor, instance, method: shown(method), ...texts, version })
    }
    this.heard = []
    if (this.told.length > MOST) this.told = this.told.slice(-MOST)
  }

  since(version: number): ReadonlyArray<ShownCall> {
    return this.told.filter((one) => one.version > version)
  }
}
