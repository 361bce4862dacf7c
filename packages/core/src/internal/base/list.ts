/**
 * A list of calls that any of them can leave in constant time. A call is in one list at most: it is its own node.
 */
import type { Call } from "../call/call.ts"

export class CallList {
  head: Call | undefined = undefined
  tail: Call | undefined = undefined
  length = 0

  /** Puts a call before `next`, or at the end. */
  insert(call: Call, next: Call | undefined): void {
    const previous = next === undefined ? this.tail : next.previous
    call.next = next
    call.previous = previous
    if (next === undefined) this.tail = call
    else next.previous = call
    if (previous === undefined) this.head = call
    else previous.next = call
    this.length++
  }

  remove(call: Call): void {
    const { next, previous } = call
    if (previous === undefined) this.head = next
    else previous.next = next
    if (next === undefined) this.tail = previous
    else next.previous = previous
    call.previous = call.next = undefined
    this.length--
  }

  /** The calls that are in it now, for those who change it on the way. */
  toArray(): Array<Call> {
    const calls: Array<Call> = []
    for (let call = this.head; call !== undefined; call = call.next) calls.push(call)
    return calls
  }
}
