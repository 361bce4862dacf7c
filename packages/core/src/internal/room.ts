/**
 * The submitters that wait, in order, until an instance with `maxPendingCalls` has room for their calls.
 */
import type { Call } from "./call.ts"

export class Room {
  private readonly line = new Map<() => void, Call>()

  get isEmpty(): boolean {
    return this.line.size === 0
  }

  /** Calls `submit` when it is the turn of a call, unless it has settled by then. Returns how to give up. */
  wait(call: Call, submit: () => void): () => void {
    const enter = () => {
      if (call.exit === undefined) submit()
    }
    this.line.set(enter, call)
    return () => {
      this.line.delete(enter)
    }
  }

  /** Lets those in whose turn it is. */
  admit(hasRoom: () => boolean): void {
    for (const enter of this.line.keys()) {
      if (!hasRoom()) return
      this.line.delete(enter)
      enter()
    }
  }

  calls(): Array<Call> {
    return [...this.line.values()].filter(({ exit }) => exit === undefined)
  }
}
