/**
 * The calls that run, and how one runs: on a fiber, without one, or in a home beyond this process.
 *
 * A call comes here with a permit. When its method has ended it settles, or goes back to its line to run again.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { BELOW_USERS, interrupt, isExit } from "../base/effectInternals.ts"
import { List } from "../base/list.ts"
import { type Call, Stage } from "../call/call.ts"
import { Carried } from "../call/carried.ts"
import * as contract from "../call/contract.ts"
import { baseContextOf, onStack, release, withExtra, within } from "../call/currentCall.ts"
import { endAll } from "../call/ending.ts"
import * as failure from "../call/failure.ts"
import { type Implementation, methodNames } from "../call/method.ts"
import { older } from "../call/older.ts"
import * as tracing from "../call/tracing.ts"
import { search } from "../call/waits.ts"
import * as context from "./context.ts"
import type { Hub } from "./hub.ts"
import type { Life } from "./life.ts"
import { Phase } from "./phase.ts"

/** What running calls needs of the instance. */
interface Owner {
  readonly actor: string
  readonly registry: { readonly hub: Hub | undefined }
  readonly life: Life
  readonly implementation: Implementation | undefined
  readonly pending: number
  settle(call: Call, exit: Exit.Exit<any, any>): void
  /** A call has left. */
  attend(): void
}

/** What was idle at the end of a call, and may keep the context of its last caller. */
let idling: Array<Running> = []

const forgetCallers = (): void => {
  const all = idling
  idling = []
  for (const running of all) running.forgetIfIdle()
}

export class Running extends List<Call> {
  /** The context of the last caller, and the one in which its calls run, for as long as the instance has calls. */
  private lastCaller: Context.Context<never> | undefined = undefined
  private lastMerged: Context.Context<never> | undefined = undefined
  /** Whether it will be looked at by {@link forgetCallers}. */
  private forgetting = false

  declare private readonly cell: Owner

  constructor(cell: Owner) {
    super()
    this.cell = cell
  }

  // --- start ---------------------------------------------------------------------------------------------------------

  start(call: Call): void {
    if (call.trace !== undefined) tracing.begin(call, call.trace)
    call.stage = Stage.Running
    if (call.method.maxTaskRetries > 0 && call.attempts === 0) call.keepAsyncContext()
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
    this.track(call)
    fiber.addObserver((exit) => {
      this.remove(call)
      this.ended(call, exit, context)
    })
    // It was told to end while it was still on our stack, and had no fiber that could be told.
    if ((call.stage as Stage) !== Stage.Running) interrupt(fiber)
    if (call.waits !== undefined || call.reader !== undefined) search.check(call)
  }

  /** Runs the method. What stands where an Effect has to be can be so odd that the fiber itself throws. */
  private begin(call: Call): Exit.Exit<any, any> | Carried | Fiber.Fiber<any, any> {
    try {
      const effect = this[BELOW_USERS](call)
      // A method that has its result at once needs no fiber.
      if (isExit(effect) || effect instanceof Carried) return effect
      return Effect.runForkWith(this.contextOf(call))(effect)
    } catch (defect) {
      return Exit.die(defect)
    }
  }

  /** Calls the method. What it does not do in Effect's way is a defect of the call, and never harms the instance. */
  private [BELOW_USERS](call: Call): Effect.Effect<any, any> {
    const outer = onStack.call
    onStack.call = call
    try {
      const { name } = call.method
      const implementation = this.cell.implementation!
      if (typeof implementation[name] !== "function") return Exit.die(noMethod(this.cell.actor, call, implementation))
      const { args } = call
      // Nearly all methods take one argument, and spreading an array costs as much as the rest of a call.
      return call.accept(args.length === 1 ? implementation[name](args[0]) : implementation[name](...args))
    } catch (defect) {
      return Exit.die(defect)
    } finally {
      onStack.call = outer
    }
  }

  /** The context in which a call runs. */
  contextOf(call: Call): Context.Context<never> {
    const base = call.passage?.context ?? withExtra(this.contextFor(call.context), call.context)
    return within(call.trace === undefined ? base : tracing.within(base, call.trace), call)
  }

  /** The context in which methods run when called from `caller`. Nearly all calls in a row have the same caller. */
  private contextFor(caller: Context.Context<never>): Context.Context<never> {
    if (this.lastCaller === caller) return this.lastMerged!
    const base = baseContextOf(caller)
    if (this.lastCaller !== base) {
      const { life } = this.cell
      this.lastMerged = context.merge(base, life.context, life.own)
      this.lastCaller = base
    }
    return this.lastMerged!
  }

  /** The instance has another context, or none any more. */
  forgetContexts(): void {
    this.lastCaller = this.lastMerged = undefined
  }

  /**
   * An instance that is idle keeps nothing of the request that came last. Between two asks of one caller it is idle for a
   * moment, too, so it is looked at again when the present stack is done, once for all instances.
   */
  private forgetWhenIdle(): void {
    if (this.cell.pending > 0) return
    this.forgetting = true
    if (idling.push(this) === 1) void Promise.resolve().then(forgetCallers)
  }

  forgetIfIdle(): void {
    this.forgetting = false
    if (this.cell.pending === 0) this.forgetContexts()
  }

  /** Hands a call to its home, which needs no fiber for it here. */
  private carry(call: Call, carried: Carried): void {
    call.fiber = carried
    call.stamp()
    this.track(call)
    if ((call.stage as Stage) === Stage.Running) carried.start(call)
    else this.reported(call, Exit.interrupt(), false)
  }

  /** Keeps a call that has not ended on the spot within reach. */
  private track(call: Call): void {
    this.insert(call, undefined)
    const { phase, ready } = this.cell.life
    // The instance was killed or began to restart while this call was on its way to its first suspension.
    if (phase >= Phase.Dying) endAll([call], Stage.Dying)
    else if (!ready) endAll([call], Stage.Restarting)
  }

  // --- end -----------------------------------------------------------------------------------------------------------

  /** The fiber of a call has ended. */
  private ended(call: Call, exit: Exit.Exit<any, any>, context: Context.Context<never>): void {
    this.finish(call, exit, false)
    release(context)
  }

  /** The end of a call that was handed to its home. `restarted` says that the instance restarted there. */
  reported(call: Call, exit: Exit.Exit<any, any>, restarted: boolean): void {
    this.remove(call)
    this.finish(call, exit, restarted)
  }

  /** A method has ended: its call settles, or runs again, and the next in line gets the permit. */
  private finish(call: Call, exit: Exit.Exit<any, any>, restarted: boolean): void {
    const line = call.line
    call.fiber = undefined
    // The permit is free before anyone hears of the result, so that a waiter that goes on finds it.
    const goesOn = line.release(call)
    if (exit._tag === "Failure") this.fail(call, exit, restarted)
    else {
      this.cell.settle(call, call.method.contract === undefined ? exit : checked(call, exit))
      this.cell.attend()
    }
    if (this.lastCaller !== undefined && !this.forgetting) this.forgetWhenIdle()
    // What made others end it may be on its way to ending more, with a permit of its own that is free by now.
    if (goesOn) line.next()
  }

  private fail(call: Call, exit: Exit.Failure<any, any>, restarted: boolean): void {
    const { cause } = exit
    const { life } = this.cell
    const restarts = call.stage === Stage.Running && failure.hasOwnDefect(cause) && life.defect(cause)
    // Now: who waits for the call may be told only when the instance is ready again.
    if (restarted || (!life.ready && life.death === undefined)) call.method.hearer?.restarted()
    this.settleOrRetry(call, exit, restarted)
    this.cell.attend()
    // Only now: a restart may be over before we know it, and the call that caused it has to be back in line by then.
    if (restarts) life.restart(cause)
  }

  private settleOrRetry(call: Call, exit: Exit.Failure<unknown, unknown>, restarted: boolean): void {
    try {
      if (this.runsAgain(call, exit.cause, restarted)) {
        this.cell.registry.hub?.requeued(call, exit)
        return call.line.waitAgain(call)
      }
    } catch (defect) {
      // The predicate of `retry` is user code. `Cause.combine` would compare what it threw, which may throw.
      const both = Cause.fromReasons([...exit.cause.reasons, Cause.makeDieReason(defect)])
      return this.cell.settle(call, Exit.failCause(both))
    }
    this.cell.settle(call, exit)
  }

  private runsAgain(call: Call, cause: Cause.Cause<unknown>, restarted: boolean): boolean {
    const { maxTaskRetries, retry } = call.method
    const { phase, ready } = this.cell.life
    const mayRun = call.stage === Stage.Running || call.stage === Stage.Restarting
    if (!mayRun || phase >= Phase.Dying || call.attempts > maxTaskRetries) return false
    // The instance restarts, because of this call or of another.
    if (restarted) return true
    if (!ready && (Cause.hasInterrupts(cause) || Cause.hasDies(cause))) return true
    const fail = cause.reasons.find(Cause.isFailReason)
    if (fail === undefined) return false
    return typeof retry === "function" ? retry(fail.error) : retry
  }
}

/** The result of a call as its contract allows it. */
const checked = (call: Call, exit: Exit.Success<any, any>): Exit.Exit<any, any> => {
  const issue = contract.checkSuccess(call.method.contract!, exit.value)
  return issue === undefined ? exit : failure.decode(call, issue)
}

const noMethod = (actor: string, { method }: Call, implementation: Implementation): TypeError => {
  const names = methodNames(implementation).join(", ")
  return new TypeError(`${actor} has no method "${method.name}", it has ${names}${older(method.actor, method.key)}`)
}
