/**
 * The log of defects that callers elsewhere are not told. A caller may repeat a call that dies as often as it likes, and the
 * log is to have room for what others have to say.
 */
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Subject } from "../wire/failure.ts"

/** How many entries of one method there are in a minute that begins with the first of them. */
const MOST = 20

/** One that has not begun would end with its scope without a word. */
const AT_ONCE = { startImmediately: true }

type Write = (subject: Subject, what: string, cause?: Cause.Cause<unknown>) => Effect.Effect<void>

export class DefectLog {
  private readonly scope: Scope.Scope
  private readonly context: Context.Context<never>
  private readonly misfits = new Map<string, Write>()

  /** What was left out of the last minute is told when that is over, or `scope` is. */
  constructor(scope: Scope.Scope, context: Context.Context<never>) {
    this.scope = scope
    this.context = context
  }

  /** Writes what of a result does not fit the contract, of which callers are told that it does not. */
  misfit(name: string, subject: Subject, issue: string): void {
    const write = this.misfits.get(name) ?? this.ofMethod(name)
    this.misfits.set(name, write)
    Effect.runForkWith(this.context)(write(subject, `its result does not fit the contract: ${issue}`))
  }

  /** Writes the defects of one method, of all instances together: a caller may have as many keys as it likes, too. */
  ofMethod(name: string): Write {
    let entries = 0
    const told = Effect.suspend(() => {
      const left = entries - MOST
      entries = 0
      return left > 0
        ? Effect.logError(`${name}: failed for callers elsewhere ${left} more times within a minute`)
        : Effect.void
    })
    const minute = Effect.setContext(Effect.ensuring(Effect.sleep("1 minute"), told), this.context)
    return ({ actor, method }, what, cause) =>
      Effect.suspend(() => {
        entries++
        if (entries > MOST) return Effect.void
        const entry = Effect.logError(`${actor}.${method}: ${what}`, ...(cause === undefined ? [] : [printable(cause)]))
        return entries === 1 ? Effect.andThen(Effect.forkIn(minute, this.scope, AT_ONCE), entry) : entry
      })
  }
}

/** A defect may be any value, even one that throws when a logger looks at it. */
const printable = (cause: Cause.Cause<unknown>): Cause.Cause<unknown> =>
  Home.attempt(() => Cause.pretty(cause)) === undefined
    ? Cause.die(new Error(Home.errorText(Cause.squash(cause))))
    : cause
