/**
 * One set of permits, and the calls that wait for one, in order.
 *
 * It is a semaphore and its waiters in one object. Effect's own Semaphore wakes waiters in time linear in their number,
 * so a long line on it is quadratic, and each waiter there is a fiber; here a waiting call is a list node, and gets a
 * fiber only together with a permit.
 */
import * as asyncContext from "../base/asyncContext.ts"
import { List } from "../base/list.ts"
import * as stack from "../base/stack.ts"
import * as turn from "../base/turn.ts"
import { type Call, type Dispatcher, type Instance, type Line as LineOfCall, Stage } from "../call/call.ts"
import { isEnded } from "../call/ending.ts"
import { search } from "../call/waits.ts"
import type { Handover } from "./handover.ts"

/** How many calls start in one go before the event loop gets its turn. */
const START_BUDGET = 1024

/** What a line needs of its instance. */
export interface Starter extends Instance {
  /** Those that have a permit, and what runs them. */
  readonly running: List<Call> & { start(call: Call): void }
  /** Ends a call that is about to start if its time is over. */
  expires(call: Call): boolean
  /** When others get what ended calls leave. */
  readonly handover: Handover
}

export class Line<Cell extends Starter = Starter> extends List<Call> implements LineOfCall {
  /** Permits in use: calls between start and settle. */
  running = 0
  /** Permits of calls that were ended, which the line gets in the next turn (semantics 5.6). */
  held = 0
  private draining = false
  /** What is to come: a turn of the scheduler, or a microtask. */
  private scheduled: "turn" | "microtask" | undefined = undefined
  /** When the calls of this turn began to wait. */
  private turn = 0

  declare readonly cell: Cell
  /** The concurrency group, or `undefined` for the actor's own permits. */
  declare readonly group: string | undefined
  declare limit: number

  constructor(cell: Cell, group: string | undefined, limit: number) {
    super()
    this.cell = cell
    this.group = group
    this.limit = limit
  }

  /** Calls in line. */
  get waiting(): number {
    return this.length
  }

  /** A fixed instance finds its line as the address of a key does, which looks for the present instance. */
  resolve(): this {
    return this
  }

  get resident(): Cell {
    return this.cell
  }

  /**
   * Starts an ask on its caller's stack when it is its turn, else puts it in line. Calls that wait for the scheduler to
   * start them came first, and are started first.
   */
  startOrWait(call: Call, dispatcher: Dispatcher): void {
    if (stack.isDeep() || !this.cell.life.ready) return this.wait(call, dispatcher)
    if (this.head === undefined && this.running < this.limit) {
      stack.enter()
      try {
        return this.start(call)
      } finally {
        stack.leave()
      }
    }
    this.append(call)
    if (this.running < this.limit) this.drain(true)
  }

  /** Puts a call in line. It starts no earlier than the scheduler's next turn. */
  wait(call: Call, dispatcher: Dispatcher): void {
    this.append(call)
    // A drain under way gets to this call by itself.
    if (!this.draining && this.running < this.limit) this.schedule(dispatcher)
  }

  private append(call: Call): void {
    call.stage = Stage.Waiting
    // One look at the clock serves all calls of a turn. What starts next has waited for no time: see `schedule`.
    if (this.scheduled === undefined)
      this.turn = this.head === undefined && this.running < this.limit ? Infinity : call.now()
    call.since = this.turn
    if (call.attempts === 0) call.keepAsyncContext()
    this.insert(call, undefined)
  }

  /** Puts a call that is to run again back where it stood: before everything submitted after it. */
  waitAgain(call: Call): void {
    let next = this.head
    while (next !== undefined && next.id < call.id) next = next.next
    if (next === undefined) return this.wait(call, undefined)
    call.stage = Stage.Waiting
    call.stamp()
    this.insert(call, next)
  }

  /**
   * Starts waiting calls while there are permits. A loop and not a recursion, since a call may settle as it starts.
   *
   * Calls of one turn start `together`: those who wait hear of what has succeeded when all have started. Otherwise, and of
   * a failure in any case, they hear at once: they may end calls that stand in line still.
   */
  drain(together: boolean): void {
    if (this.head === undefined || this.draining || !this.cell.life.ready) return
    if (stack.isDeep()) return this.schedule(undefined)
    this.draining = true
    if (together) stack.startBatch()
    else stack.enter()
    try {
      let budget = START_BUDGET
      while (this.head !== undefined && this.running + this.held < this.limit && this.cell.life.ready) {
        if (budget-- === 0) return this.schedule(undefined)
        const call = this.head
        if (this.cell.expires(call)) continue
        this.remove(call)
        if (asyncContext.stores.seen) asyncContext.run(call.asyncContext, () => this.start(call))
        else this.start(call)
        if (together && call.exit?._tag === "Failure") stack.tellNow()
      }
    } finally {
      this.draining = false
      if (together) stack.endBatch()
      else stack.leave()
    }
  }

  private schedule(dispatcher: Dispatcher): void {
    if (this.scheduled !== undefined) return
    const isFirst = turn.soon(dispatcher, this.head!.context, () => {
      this.scheduled = undefined
      this.drain(true)
      // Those that have to wait all the same wait from now on. The clock would be a sixth of an awaited call.
      const now = this.head?.now()
      for (let call = this.head; call?.since === Infinity; call = call.next) call.since = now!
    })
    this.scheduled = isFirst ? "microtask" : "turn"
  }

  /**
   * A submitter waits for a call that stands in line. What would start in a microtask starts at once: a call and its ref
   * cost two asks so, and six with the microtask.
   */
  startNow(): void {
    if (this.scheduled === "microtask" && this.running < this.limit) this.drain(true)
  }

  /** Gives a call its permit. It comes back with {@link release}. */
  private start(call: Call): void {
    this.running++
    this.cell.running.start(call)
  }

  /**
   * Takes back the permit of a call that has ended, and gives it to none yet. Says whether {@link next} may do so when the
   * call has settled. The permit of a call that was ended is kept from the line until the next turn.
   */
  release(call: Call): boolean {
    this.running--
    const held = this.head !== undefined && isEnded(call)
    if (held) this.hold(call)
    return !held
  }

  private hold(call: Call): void {
    this.held++
    this.cell.handover.later(call)
  }

  /** A permit has come back, and its call has settled. */
  next(): void {
    if (this.head === undefined) return
    if (this.running < this.limit) this.drain(false)
    else this.checkHolders()
  }

  resize(limit: number): void {
    this.limit = limit
    this.drain(true)
    // Calls that were about to start stand in line for longer now.
    if (this.head !== undefined && this.running >= limit) this.checkHolders()
  }

  /** The limit has shrunk: no permit comes back as calls end, and what goes on may wait for what stands in line. */
  private checkHolders(): void {
    for (const call of this.cell.running.toArray()) if (call.line === this) search.check(call)
  }
}
