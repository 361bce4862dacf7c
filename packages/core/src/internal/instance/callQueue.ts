/**
 * The line of calls before one set of permits.
 *
 * It is a semaphore and its waiters in one object. Effect's own Semaphore wakes waiters in time linear in their number,
 * so a long line on it is quadratic, and each waiter there is a fiber; here a waiting call is a list node, and gets a
 * fiber only together with a permit.
 */

import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Scheduler from "effect/Scheduler"
import * as asyncContext from "../base/asyncContext.ts"
import { interrupt, isExit } from "../base/effectInternals.ts"
import * as stack from "../base/stack.ts"
import { type Call, release, Stage, within } from "../call/call.ts"
import { CallList } from "../call/callList.ts"
import { Carried } from "../call/carried.ts"
import * as deadlock from "../call/deadlock.ts"
import * as tracing from "../call/tracing.ts"
import type { Cell } from "./cell.ts"

/** How many calls start in one go before the event loop gets its turn. */
const START_BUDGET = 1024

const keepAsyncContext = (call: Call): void => {
  const context = asyncContext.capture()
  if (context !== undefined) call.asyncContext = context
}

/** Whether a call was told to end, by itself or together with others. */
export const isEnded = ({ stage }: Call): boolean => stage === Stage.Cancelling || stage === Stage.Expiring

/** How a handle finds the line in which its calls stand: the same always, or that of the present holder of a key. */
export interface Target {
  resolve(): CallQueue
}

export class CallQueue extends CallList implements Target {
  /** Permits in use: calls between start and settle. */
  running = 0
  /** Permits of calls that were ended, which the line gets in the next turn (semantics 5.6). */
  held = 0
  private draining = false
  private scheduled = false
  /** When the calls of this turn began to wait. */
  private turn = 0

  readonly cell: Cell
  /** The concurrency group, or `undefined` for the actor's own permits. */
  readonly group: string | undefined
  limit: number

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

  /** A fixed instance is its own {@link Target}. */
  resolve(): CallQueue {
    return this
  }

  /**
   * Starts an ask on its caller's stack when it is its turn, else puts it in line. Calls that wait for the scheduler to
   * start them came first, and are started first.
   */
  startOrWait(call: Call, dispatcher: Scheduler.SchedulerDispatcher | undefined): void {
    if (stack.isDeep() || this.cell.paused) return this.wait(call, dispatcher)
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
  wait(call: Call, dispatcher: Scheduler.SchedulerDispatcher | undefined): void {
    this.append(call)
    // A drain under way gets to this call by itself.
    if (!this.draining && this.running < this.limit) this.schedule(dispatcher)
  }

  private append(call: Call): void {
    call.stage = Stage.Waiting
    // One look at the clock serves all calls of a turn.
    if (!this.scheduled) this.turn = call.now()
    call.since = this.turn
    if (call.attempts === 0) keepAsyncContext(call)
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
    if (this.head === undefined || this.draining || this.cell.paused) return
    if (stack.isDeep()) return this.schedule(undefined)
    this.draining = true
    if (together) stack.startBatch()
    else stack.enter()
    try {
      let budget = START_BUDGET
      while (this.head !== undefined && this.running + this.held < this.limit && !this.cell.paused) {
        if (budget-- === 0) return this.schedule(undefined)
        const call = this.head
        if (this.cell.expires(call)) continue
        this.remove(call)
        if (asyncContext.inUse) asyncContext.run(call.asyncContext, () => this.start(call))
        else this.start(call)
        if (together && call.exit?._tag === "Failure") stack.tellNow()
      }
    } finally {
      this.draining = false
      if (together) stack.endBatch()
      else stack.leave()
    }
  }

  /** Keeps the permit of a call that was ended from the line until the next turn. */
  private hold(call: Call): void {
    this.held++
    this.cell.handover.later(call)
  }

  private schedule(dispatcher: Scheduler.SchedulerDispatcher | undefined): void {
    if (this.scheduled) return
    this.scheduled = true
    stack.later(dispatcher, this.head!.context, () => {
      this.scheduled = false
      this.drain(true)
    })
  }

  private start(call: Call): void {
    this.running++
    if (call.trace !== undefined) tracing.begin(call, call.trace)
    call.stage = Stage.Running
    // It may start again, on the stack of another.
    if (call.method.maxTaskRetries > 0 && call.attempts === 0) keepAsyncContext(call)
    call.attempts++
    this.cell.registry.hub?.started(call)
    const fiber = this.begin(call)
    if (fiber instanceof Carried) return this.carry(call, fiber)
    if (isExit(fiber)) return this.finish(call, fiber, false)
    const { context } = fiber
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return this.ended(call, exit, context)
    call.fiber = fiber
    call.stamp()
    this.cell.track(call)
    fiber.addObserver((exit) => {
      this.cell.running.remove(call)
      this.ended(call, exit, context)
    })
    // It was told to end while it was still on our stack, and had no fiber that could be told.
    if ((call.stage as Stage) !== Stage.Running) interrupt(fiber)
    if (call.waits !== undefined || call.reader !== undefined) deadlock.check(call)
  }

  /** The fiber of a call has ended. */
  private ended(call: Call, exit: Exit.Exit<any, any>, context: Context.Context<never>): void {
    this.finish(call, exit, false)
    release(context)
  }

  /** Runs the method. What stands where an Effect has to be can be so odd that the fiber itself throws. */
  private begin(call: Call): Exit.Exit<any, any> | Carried | Fiber.Fiber<any, any> {
    try {
      const effect = this.cell.invoke(call)
      // A method that has its result at once needs no fiber.
      if (isExit(effect) || effect instanceof Carried) return effect
      return Effect.runForkWith(this.contextOf(call))(effect)
    } catch (defect) {
      return Exit.die(defect)
    }
  }

  private contextOf(call: Call): Context.Context<never> {
    const ground = this.cell.contextFor(call.context)
    return within(call.trace === undefined ? ground : tracing.within(ground, call.trace), call)
  }

  /** Hands a call to its home, which needs no fiber for it here. */
  private carry(call: Call, carried: Carried): void {
    call.fiber = carried
    call.stamp()
    this.cell.track(call)
    if ((call.stage as Stage) === Stage.Running) carried.start(call)
    else this.reported(call, Exit.interrupt(), false)
  }

  /** The end of a call that was handed to its home. */
  reported(call: Call, exit: Exit.Exit<any, any>, restarted: boolean): void {
    this.cell.running.remove(call)
    this.finish(call, exit, restarted)
  }

  private finish(call: Call, exit: Exit.Exit<any, any>, restarted: boolean): void {
    // The permit is free before anybody hears of the result, so that whoever goes on finds it.
    this.running--
    call.fiber = undefined
    const held = this.head !== undefined && isEnded(call)
    if (held) this.hold(call)
    this.cell.finish(call, exit, restarted)
    // What made others end it may be on its way to ending more, with a permit of its own that is free by now.
    if (this.head === undefined || held) return
    if (this.running < this.limit) this.drain(false)
    else this.checkHolders()
  }

  /** The limit has shrunk: no permit comes back as calls end, and what goes on may wait for what stands in line. */
  private checkHolders(): void {
    for (const call of this.cell.running.toArray()) if (call.queue === this) deadlock.check(call)
  }
}
