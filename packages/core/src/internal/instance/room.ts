/**
 * The submitters that wait, in order, until an instance with `maxPendingCalls` has room for their calls.
 */
import * as asyncContext from "../base/asyncContext.ts"
import type { Call } from "../call/call.ts"

export class Room {
  private readonly line = new Map<Call, () => void>()
  /** Calls that were found to be waited for, and not to be stuck. When room goes to others they may be. */
  readonly watched = new Set<Call>()

  get size(): number {
    return this.line.size
  }

  /** Calls `submit` when it is the turn of a call, in the async context of now, unless the call leaves before. */
  wait(call: Call, submit: () => void): void {
    this.line.set(call, asyncContext.bind(submit))
  }

  watch(call: Call): void {
    if (this.line.has(call)) this.watched.add(call)
  }

  /** A call has settled, or its submitter was interrupted: it needs no room any more. Says whether it was waiting. */
  leave(call: Call): boolean {
    this.watched.delete(call)
    return this.line.delete(call)
  }

  /** Lets those in whose turn it is. */
  admit(hasRoom: () => boolean): void {
    for (const [call, submit] of this.line) {
      if (!hasRoom()) return
      this.leave(call)
      submit()
    }
  }

  calls(): Iterable<Call> {
    return this.line.keys()
  }
}
