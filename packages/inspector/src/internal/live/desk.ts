/**
 * The last calls that have settled in one way, for the page.
 *
 * Their texts are made with the next update. So a method that settles ten thousand times a second costs no more than one
 * that does a few times, and values of users are kept until then at most.
 */
import type * as Instrumentation from "@troupe/core/Instrumentation"
import type { Inspect } from "../base/inspect.ts"
import { shown } from "../base/shown.ts"
import type { SettledCall } from "./frame.ts"

/** How many are kept. */
const MOST = 100
/** How many there may be of one update: the newest. */
const MOST_AT_ONCE = 20

interface Heard<Outcome> {
  readonly at: number
  readonly call: Instrumentation.Call
  readonly args: ReadonlyArray<unknown>
  readonly outcome: Outcome
}

export abstract class Desk<Outcome, Texts> {
  private heard: Array<Heard<Outcome>> = []
  private told: Array<SettledCall & Texts & { readonly version: number }> = []
  private last = 0
  protected readonly inspect: Inspect | undefined

  constructor(inspect: Inspect | undefined) {
    this.inspect = inspect
  }

  /** Runs on the stack of the call. */
  protected hear(call: Instrumentation.Call, outcome: Outcome, at: number): void {
    // They are not kept in vain.
    const args = this.inspect === undefined ? [] : call.args
    this.heard.push({ at, call, args, outcome })
    if (this.heard.length >= 2 * MOST_AT_ONCE) this.heard = this.heard.slice(-MOST_AT_ONCE)
  }

  /** What is told of an outcome. Nothing is told of the call without it. */
  protected abstract textsOf(outcome: Outcome, call: Instrumentation.Call, args: string | undefined): Texts | undefined

  /** Writes down what was heard since the last update. */
  tell(version: number): void {
    for (const { args: given, at, call, outcome } of this.heard.slice(-MOST_AT_ONCE)) {
      const { actor, id, instance, method, name } = call
      const args = this.inspect?.(given, { actor, method: name, what: "args" })
      const texts = this.textsOf(outcome, call, args)
      if (texts === undefined) continue
      this.told.push({
        seq: ++this.last,
        at,
        call: id,
        actor,
        instance,
        method: shown(method),
        args,
        ...texts,
        version
      })
    }
    this.heard = []
    if (this.told.length > MOST) this.told = this.told.slice(-MOST)
  }

  since(version: number): ReadonlyArray<SettledCall & Texts> {
    return this.told.filter((one) => one.version > version)
  }
}
