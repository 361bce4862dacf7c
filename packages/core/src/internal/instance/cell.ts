/**
 * One running instance of an actor: its methods, its lines of calls, its Scope and its fate.
 *
 * All state changes happen in synchronous functions; effects are at the edges. A cell knows nothing of how its methods
 * come about: a home beyond this process is a constructor whose methods send their calls elsewhere.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
import type * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import { ActorContext } from "../../ActorContext.ts"
import type { ActorError } from "../../ActorError.ts"
import type { Link } from "../../Home.ts"
import type { AsyncContext } from "../base/asyncContext.ts"
import * as asyncContext from "../base/asyncContext.ts"
import { interrupt } from "../base/interrupt.ts"
import { checkGroup, type InstanceOptions } from "../base/options.ts"
import { attempt, keyText, printable } from "../base/show.ts"
import * as stack from "../base/stack.ts"
import { dateIn } from "../base/time.ts"
import { type Call, current, groundOf, onStack, outside, Stage } from "../call/call.ts"
import { CallList } from "../call/callList.ts"
import * as contract from "../call/contract.ts"
import * as deadlock from "../call/deadlock.ts"
import { canEnd, descendants, endAll } from "../call/ending.ts"
import * as failure from "../call/failure.ts"
import { type Implementation, methodNames } from "../call/method.ts"
import { Phase } from "../call/phase.ts"
import * as tracing from "../call/tracing.ts"
import * as waiting from "../call/waiting.ts"
import type { Idle } from "../kinds/idleList.ts"
import { Books, bury, noteFailure } from "./books.ts"
import type { Node } from "./busy.ts"
import { CallQueue, isEnded } from "./callQueue.ts"
import * as context from "./context.ts"
import { Handover } from "./handover.ts"
import { areReady, Preparing } from "./preparing.ts"
import { type Registry, registryIn } from "./registry.ts"
import { Room } from "./room.ts"
import { Supervisor } from "./supervisor.ts"
import { Timers } from "./timers.ts"

export type Dispatcher = Scheduler.SchedulerDispatcher | undefined

/** Who wants to know when an instance has nothing to do, when it begins to end, and when it is gone. */
export interface Keeper {
  idle(cell: Cell): void
  /** It takes no more calls. */
  ending(cell: Cell): void
  gone(cell: Cell): void
  handleOf(cell: Cell): object
}

/** What is to be known of an instance besides the name that errors call it by. */
interface About {
  readonly id?: string
  readonly key?: unknown
  /** Where it belongs, if not to the system in its context. */
  readonly registry?: Registry<Cell>
}

/** Why an instance dies whose Scope cannot wait for its calls. */
export const HASTENED = "its Scope closed at once, since the actor that owns it was killed or restarts"

let lastInstance = 0

export class Cell {
  readonly actor: string
  /** The id of the actor, and of a resident its key: together they are `actor`. */
  readonly id: string
  readonly key: unknown
  readonly instance: number = ++lastInstance
  readonly options: InstanceOptions
  /** How often the instance has been restarted. */
  restarts = 0
  /** When it was started, in milliseconds since the epoch. */
  readonly since: number
  /** The async context in which it was started: where it is made anew and ends, be it for a call. */
  readonly asyncContext: AsyncContext | undefined = asyncContext.capture()
  /** How its calls have ended. */
  readonly books = new Books()

  readonly main: CallQueue
  private readonly groups: ReadonlyMap<string, CallQueue> | undefined
  /** A task has no life of its own that could end. */
  permanent = false
  /** Calls accepted and not yet settled. */
  pending = 0
  /** While set, no call starts: the instance is restarting. */
  paused = false
  /** Why no call is accepted any more, from the moment that is so. */
  death: failure.Death | undefined = undefined
  /** Whether the instance has ended for good, finalizers included. */
  gone = false

  readonly registry: Registry<Cell>
  /** Its neighbours among the instances that have unsettled calls. */
  previousBusy: Node | undefined = undefined
  nextBusy: Node | undefined = undefined
  private readonly make: Effect.Effect<Implementation, any>
  implementation: Implementation | undefined = undefined
  private scope: Scope.Closeable
  /** The context in which the instance is made, with its Scope and its ActorContext. */
  context: Context.Context<never>
  private lastCaller: Context.Context<never> | undefined = undefined
  private lastMerged: Context.Context<never> | undefined = undefined

  /** The calls that run on fibers, or in a home. */
  readonly running = new CallList()
  private preparing: Preparing | undefined = undefined
  timers: Timers | undefined = undefined
  /** Submitters that wait for `pending` to fall below `maxPendingCalls`. */
  private room: Room | undefined = undefined
  private handingOver: Handover | undefined = undefined
  /** Whether a call of an actor waits for room, and may come to wait for itself. */
  watchesRoom = false
  /** The constructor under way: that of the first life, or of the next one. */
  start: Phase | undefined = undefined
  /** The end, once there is somebody who waits for it, or it takes time. */
  end: Phase | undefined = undefined
  /** Set while the end of a call matters to more than the call. */
  private attentive = false
  /** Why the instance restarts, or did so last. */
  restartsFor: { readonly why: string; readonly cause: Cause.Cause<unknown> | undefined } | undefined = undefined
  private dying = false
  /** Set while all ends at once that the instance runs: it was killed, or a life of it ends for the next one. */
  abrupt = false
  /** Its Scope closes, and will kill it when its calls take too long. */
  doomed = false
  /** How to hurry up what ends with a Scope that this instance closes now, or a call of it. */
  private wards: Set<() => void> | undefined = undefined
  closing = false
  private supervisor: Supervisor | undefined = undefined
  private handle: object | undefined = undefined
  /** The home beyond this process that the constructor made, if it did. */
  home: Link | undefined = undefined
  private keeper: Keeper | undefined = undefined
  /** Its place among the idle instances of its keeper. */
  idle: Idle | undefined = undefined
  /** What ends the instance with the Scope that it was started in. */
  owner: Scope.Closeable | undefined = undefined

  constructor(
    actor: string,
    make: Effect.Effect<Implementation, any>,
    options: InstanceOptions,
    context: Context.Context<never>,
    about: About = {}
  ) {
    this.actor = actor
    this.id = about.id ?? actor
    this.key = about.key
    this.make = make
    this.options = options
    this.main = new CallQueue(this, undefined, options.maxConcurrency)
    this.groups =
      options.concurrencyGroups &&
      new Map(
        Object.entries(options.concurrencyGroups).map(([name, { maxConcurrency }]) => [
          name,
          new CallQueue(this, name, maxConcurrency)
        ])
      )
    this.scope = Scope.makeUnsafe()
    this.context = this.inside(context)
    this.since = dateIn(context)
    this.registry = about.registry ?? registryIn<Cell>(context)
    this.registry.cells.set(this.instance, this)
    this.registry.hub?.instance(this, { _tag: "InstanceStarted", name: this.name, key: this.keyText })
  }

  /** The key, for people. */
  get keyText(): string | undefined {
    return this.key === undefined ? undefined : keyText(this.key)
  }

  get name(): string | undefined {
    return this.options.name
  }

  // --- calls ---------------------------------------------------------------------------------------------------------

  /** Whether a submission has to be refused, or has to wait, for want of room. */
  get full(): boolean {
    const crowded = this.pending >= this.options.maxPendingCalls || this.hasSuspended
    return crowded && this.death === undefined
  }

  /** Accepts a call, or settles it right away if the instance is gone. An `asked` call may start on this very stack. */
  submit(call: Call, dispatcher: Dispatcher, asked: boolean): void {
    this.registry.hub?.submitted(call, asked)
    if (this.death !== undefined) {
      this.timers?.stop(call)
      this.conclude(call, failure.died(call, this.death))
      return
    }
    this.counts(1)
    if (areReady(call.args)) this.enqueue(call, dispatcher, asked)
    else this.prepare(call, dispatcher)
    if (call.exit === undefined) this.adopt(call)
  }

  /** A call has been accepted, or has settled. */
  private counts(change: 1 | -1): void {
    this.pending += change
    const { busy } = this.registry
    if (busy !== undefined) busy.calls += change
  }

  private prepare(call: Call, dispatcher: Dispatcher): void {
    call.stage = Stage.Preparing
    call.stamp()
    this.preparing ??= new Preparing()
    const { preparing } = this
    try {
      preparing.start(call, (failed) => this.prepared(call, failed, dispatcher))
    } catch (defect) {
      // A Proxy of a ref, which is the user's.
      attempt(() => preparing.drop(call))
      this.settle(call, Exit.die(defect))
    }
  }

  private prepared(call: Call, failed: Exit.Failure<any, any> | undefined, dispatcher: Dispatcher): void {
    if (failed !== undefined) this.settle(call, failed)
    else this.enqueue(call, dispatcher, false)
    // Somebody may have waited for it all the while, and hold the permit that it needs now.
    if ((call.stage as Stage) === Stage.Waiting) deadlock.check(call)
  }

  private enqueue(call: Call, dispatcher: Dispatcher, asked: boolean): void {
    const issue = call.method.contract && contract.checkArgs(call.method.contract, call.args)
    if (issue !== undefined) this.settle(call, failure.decode(call, issue))
    else if (asked) call.queue.startOrWait(call, dispatcher)
    else call.queue.wait(call, dispatcher)
  }

  /** What an unsettled call needs besides waiting: a parent that may cancel it, and a timer. */
  private adopt(call: Call): void {
    this.registry.busy?.add(this)
    const parent = current(call.context)
    if (parent !== undefined) {
      call.parent = parent
      parent.children ??= new Set()
      parent.children.add(call)
    }
    this.startTimer(call)
  }

  private startTimer(call: Call): void {
    if (call.method.timeout === undefined) return
    this.timers ??= new Timers((call) => this.expire(call))
    this.timers.start(call, call.method.timeout)
  }

  /** Runs the method. What it does not do in Effect's way is a defect of the call, and never harms the instance. */
  invoke(call: Call): Effect.Effect<any, any> {
    const outer = onStack.call
    onStack.call = call
    try {
      const { name } = call.method
      const implementation = this.implementation!
      if (typeof implementation[name] !== "function") return Exit.die(noMethod(this.actor, name, implementation))
      const { args } = call
      // Nearly all methods take one argument, and spreading an array costs as much as the rest of a call.
      return call.accept(args.length === 1 ? implementation[name](args[0]) : implementation[name](...args))
    } catch (defect) {
      return Exit.die(defect)
    } finally {
      onStack.call = outer
    }
  }

  /** The context in which methods run when called from `caller`. Nearly all calls in a row have the same caller. */
  contextFor(caller: Context.Context<never>): Context.Context<never> {
    if (this.lastCaller === caller) return this.lastMerged!
    const ground = groundOf(caller)
    if (this.lastCaller !== ground) {
      this.lastMerged = context.merge(ground, this.context)
      this.lastCaller = ground
    }
    return this.lastMerged!
  }

  /** A method has ended: its call settles, or runs again. `restarted` says that the instance restarted in its home. */
  finish(call: Call, exit: Exit.Exit<any, any>, restarted: boolean): void {
    if (exit._tag === "Failure") {
      const restarts = call.stage === Stage.Running && failure.hasOwnDefect(exit.cause) && this.defect(exit.cause)
      this.settleOrRetry(call, exit, restarted)
      // Only now: a restart may be over before we know it, and the call that caused it has to be back in line by then.
      if (restarts) this.restart(exit.cause)
    } else {
      const issue = call.method.contract && contract.checkSuccess(call.method.contract, exit.value)
      this.settle(call, issue === undefined ? exit : failure.decode(call, issue))
    }
    if (this.attentive) this.attend()
  }

  private settleOrRetry(call: Call, exit: Exit.Failure<unknown, unknown>, restarted: boolean): void {
    try {
      if (this.runsAgain(call, exit.cause, restarted)) {
        this.registry.hub?.requeued(call, exit)
        return call.queue.waitAgain(call)
      }
    } catch (defect) {
      // The predicate of `retry` is user code. `Cause.combine` would compare what it threw, which may throw.
      return this.settle(call, Exit.failCause(Cause.fromReasons([...exit.cause.reasons, Cause.makeDieReason(defect)])))
    }
    this.settle(call, exit)
  }

  private runsAgain(call: Call, cause: Cause.Cause<unknown>, restarted: boolean): boolean {
    const { maxTaskRetries, retry } = call.method
    const mayRun = call.stage === Stage.Running || call.stage === Stage.Restarting
    if (!mayRun || this.dying || call.attempts > maxTaskRetries) return false
    // The instance restarts, because of this call or of another.
    if (restarted) return true
    if (this.paused && (Cause.hasInterrupts(cause) || Cause.hasDies(cause))) return true
    const fail = cause.reasons.find(Cause.isFailReason)
    if (fail === undefined) return false
    return typeof retry === "function" ? retry(fail.error) : retry
  }

  private settle(call: Call, exit: Exit.Exit<any, any>): void {
    this.counts(-1)
    if (this.pending === 0 && this.nextBusy !== undefined) this.rests()
    call.parent?.children?.delete(call)
    this.timers?.stop(call)
    if (isEnded(call)) this.leavesRoom(call)
    this.conclude(call, exit._tag === "Failure" ? failure.explain(call, exit, this.death) : exit)
    if (this.attentive) this.attend()
  }

  /** No call of it is accepted and unsettled. */
  private rests(): void {
    if (!this.hasSuspended) this.registry.busy!.delete(this)
  }

  /** Settles a call, once it is in the books. */
  private conclude(call: Call, exit: Exit.Exit<any, any>): void {
    if (exit._tag === "Success") this.books.succeeded++
    else noteFailure(call, exit)
    this.registry.hub?.settled(call, exit)
    if (call.trace !== undefined) tracing.end(call, call.trace, exit)
    call.settle(exit)
  }

  /** Keeps a call that runs on a fiber within reach. */
  track(call: Call): void {
    this.running.insert(call, undefined)
    // The instance was killed or began to restart while this call was on its way to its first suspension.
    if (this.dying) endAll([call], Stage.Dying)
    else if (this.paused) endAll([call], Stage.Restarting)
  }

  // --- ending calls --------------------------------------------------------------------------------------------------

  /** Cancels a call, and with it the unsettled calls that it submitted. */
  cancel(call: Call): void {
    if (canEnd(call, Stage.Cancelling)) endAll([call, ...descendants([call])], Stage.Cancelling)
  }

  /** Ends a call that is about to start if its time is over. */
  expires(call: Call): boolean {
    if (call.method.timeout === undefined || !this.timers?.isOver(call)) return false
    this.expire(call)
    return true
  }

  /** The time of a call is over: it ends, and what it submitted is cancelled. */
  private expire(call: Call): void {
    // It waits for room still, and is in no books.
    if (call.stage === Stage.New) return this.turnAway(call, failure.timedOut(call))
    this.timers?.stop(call)
    const submitted = descendants([call])
    endAll([call], Stage.Expiring)
    endAll(submitted, Stage.Cancelling)
  }

  /** Takes a call that is to end out of where it waits. */
  withdraw(call: Call): void {
    if (call.stage === Stage.Waiting) call.queue.remove(call)
    else if (call.stage === Stage.Preparing) this.preparing!.drop(call)
  }

  /** Carries out the end of a call: by interruption if it was running, at once if it was withdrawn. */
  endCall(call: Call, before: Stage): void {
    if (call.exit !== undefined) return
    if (before === Stage.Running) return call.fiber && interrupt(call.fiber)
    // Its fiber has been interrupted for the restart, and is on its way to the end.
    if (before === Stage.Restarting) return
    this.settle(call, Exit.interrupt())
  }

  /** Fails a call that has not started, and never will. */
  deny(call: Call, exit: Exit.Exit<never, unknown>): void {
    if (call.stage === Stage.New) return this.turnAway(call, exit)
    this.withdraw(call)
    this.settle(call, exit)
  }

  // --- room for submissions ------------------------------------------------------------------------------------------

  /** Calls `submit` when it is the turn of a call that found no room, unless it is turned away before. */
  whenRoom(call: Call, submit: () => void): void {
    call.stamp()
    this.attentive = true
    this.startTimer(call)
    this.room ??= new Room()
    this.suspends(1)
    this.room.wait(call, () => {
      this.suspends(-1)
      submit()
    })
  }

  /** A call was ended that had been accepted. */
  private leavesRoom(call: Call): void {
    if (!this.hasSuspended) return this.handingOver?.putOff()
    this.handover.room++
    this.handover.later(call)
  }

  /** Forgets a call that waits for room. */
  leaveRoom(call: Call): void {
    this.timers?.stop(call)
    if (this.room?.leave(call)) this.suspends(-1)
    this.handingOver?.putOff()
  }

  /** A call waits for room, or does not any more. */
  private suspends(change: 1 | -1): void {
    const { busy } = this.registry
    if (busy === undefined) return
    busy.calls += change
    if (change === 1) busy.add(this)
    else if (this.pending === 0) this.rests()
  }

  /** Settles a call that was never submitted, since it found no room. */
  turnAway(call: Call, exit: Exit.Exit<never, unknown>): void {
    this.leaveRoom(call)
    call.settle(exit)
  }

  /** Says no to a call for want of room. */
  refuseCall(call: Call): Exit.Exit<never, ActorError> {
    this.books.refused++
    this.registry.hub?.refused(call)
    return Exit.fail(failure.limitExceeded(call.method, this.options.maxPendingCalls))
  }

  get hasSuspended(): boolean {
    return this.suspended > 0
  }

  /** How many submitters wait. */
  get suspended(): number {
    return this.room === undefined ? 0 : this.room.size
  }

  /** Calls that wait to be accepted. */
  suspendedCalls(): Iterable<Call> {
    return this.room?.calls() ?? []
  }

  private letIn(): void {
    const isTaken = () => this.pending + (this.handingOver?.room ?? 0) >= this.options.maxPendingCalls
    this.room?.admit(() => !isTaken() || this.death !== undefined)
  }

  /** Hands on what ended calls have left so far. */
  handOn(): void {
    this.handingOver?.now()
  }

  /** What ended calls leave, and when others get it. */
  get handover(): Handover {
    this.handingOver ??= new Handover(this)
    return this.handingOver
  }

  /** A call has left, or what ended calls left is there for others. */
  attend(): void {
    this.letIn()
    if (this.watchesRoom) deadlock.checkRoom(this)
    if (this.pending === 0 && this.death === undefined && !this.hasSuspended) this.keeper?.idle(this)
    this.supervisor?.attend()
    if (this.death === undefined) return
    if (this.pending === 0) this.close()
    else this.recheckEnd()
  }

  // --- permits -------------------------------------------------------------------------------------------------------

  /** The line for a concurrency group, or for the actor's own permits. */
  queue(group: string | undefined): CallQueue {
    if (group === undefined) return this.main
    checkGroup(this.actor, this.options.concurrencyGroups, group)
    return this.groups!.get(group)!
  }

  /** Lifts all limits: whoever sends the calls keeps to them. */
  unlimit(): void {
    for (const queue of this.queues()) this.resize(queue, Infinity)
  }

  resize(queue: CallQueue, limit: number): void {
    queue.limit = limit
    queue.drain(true)
  }

  *queues(): Generator<CallQueue> {
    yield this.main
    if (this.groups !== undefined) yield* this.groups.values()
  }

  /** Whether no call runs. */
  get quiet(): boolean {
    for (const queue of this.queues()) if (queue.running > 0) return false
    return true
  }

  // --- life ----------------------------------------------------------------------------------------------------------

  /** Runs the constructor, and makes a handle with `use`. If that does not succeed, the instance is dead. */
  boot(
    use: (implementation: Implementation) => object,
    restore: (make: Effect.Effect<Implementation, any>) => Effect.Effect<Implementation, any> = identity
  ): Effect.Effect<object, any> {
    return this.bring(use, restore(this.onFiberOf(this.construct())))
  }

  /** The fiber that starts the instance runs the constructor, and does nothing else meanwhile. */
  private onFiberOf<A, E>(make: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.withFiber((fiber) => {
      const wait = waiting.begin(this.starts(), false, undefined)
      this.start!.fiber = fiber
      return Effect.onExit(make, () => {
        wait?.end()
        this.started()
        return Effect.void
      })
    })
  }

  /** The constructor is about to run. */
  starts(): Phase {
    this.start = new Phase(this, "start")
    return this.start
  }

  /** The constructor has ended. */
  started(): void {
    const { start } = this
    this.start = undefined
    start?.settle(Exit.void)
  }

  /** Whether a restart waits for running calls to end. */
  get waitsForQuiet(): boolean {
    return this.supervisor?.waitsForQuiet === true
  }

  /** The phase of its life that the instance goes through on this fiber, if it does. */
  phaseOn(fiber: Fiber.Fiber<unknown, unknown>): Phase | undefined {
    if (this.start?.fiber === fiber) return this.start
    return this.end?.fiber === fiber ? this.end : undefined
  }

  private bring(
    use: (implementation: Implementation) => object,
    constructed: Effect.Effect<Implementation, any>
  ): Effect.Effect<object, any> {
    const make = Effect.map(constructed, (implementation) => (this.handle = use(implementation)))
    return Effect.onError(make, (cause) => {
      if (!this.closing) this.kill("its constructor failed", cause)
      // A supervisor must not wait for an end that waits for the supervisor.
      return this.supervisor?.isBusy ? Effect.void : this.ended()
    })
  }

  /** The handle of the instance, once there is one. */
  get self(): object | undefined {
    return this.keeper === undefined ? this.handle : this.keeper.handleOf(this)
  }

  /** Runs the constructor in the background, once `after` is over. Calls wait in line until it has finished. */
  bootLater(after: Effect.Effect<void>, keeper: Keeper): void {
    this.keeper = keeper
    this.paused = this.attentive = true
    // Not even an early end may come before that of the instance before.
    const ready = Effect.andThen(Effect.uninterruptible(after), this.bring(identity, this.construct()))
    this.supervised().run(ready, "its constructor failed")
  }

  private supervised(): Supervisor {
    this.supervisor ??= new Supervisor(this)
    return this.supervisor
  }

  /** The instance is ready: calls start. */
  proceed(): void {
    this.paused = false
    for (const queue of this.queues()) queue.drain(true)
  }

  /** Begins another life, with a Scope of its own. */
  renew(): void {
    this.restarts++
    this.abrupt = false
    this.scope = Scope.makeUnsafe()
    this.context = this.inside(this.context)
    this.lastCaller = undefined
  }

  construct(): Effect.Effect<Implementation, any> {
    const make = Effect.updateContext(this.make, () => this.context) as Effect.Effect<Implementation, any>
    return Effect.map(make, (implementation) => (this.implementation = implementation))
  }

  private inside(context: Context.Context<never>): Context.Context<never> {
    const own = Context.addUnsafe(context, Scope.Scope.key, this.scope)
    const inside: Context.Context<never> = Context.addUnsafe(own, ActorContext.key, this)
    // Whoever starts an instance from inside a call does not lend that call to it.
    return current(inside) === undefined ? inside : outside(inside)
  }

  /** Deals with a defect. Returns whether the instance is to be rebuilt for it. */
  private defect(cause: Cause.Cause<unknown>): boolean {
    if (this.death !== undefined || this.paused || this.options.onDefect === "resume") return false
    if (this.options.onDefect === "stop") {
      this.kill("a method died of a defect", cause)
      return false
    }
    this.beginRestart({ why: "it is restarting after a defect", cause: undefined }, cause)
    return true
  }

  /** The home of the instance is lost with all that it knew: it is made anew, as its restart schedule says. */
  crash(why: string, cause: Cause.Cause<unknown>): void {
    if (this.paused || this.dying) return
    if (this.death !== undefined || this.options.restart === undefined) return this.kill(why, cause)
    this.beginRestart({ why, cause: printable(cause) }, cause)
    this.restart(cause)
  }

  /** No call starts until the restart is over, and those that run end, if there is a restart. */
  private beginRestart(restartsFor: NonNullable<Cell["restartsFor"]>, cause: Cause.Cause<unknown>): void {
    this.paused = this.attentive = true
    this.restartsFor = restartsFor
    // Else the instance dies, and what runs beside the crash is to hear of that, and not of a restart.
    if (this.supervised().judge(cause)) this.interruptForRestart()
  }

  /** Ends the calls that run, for a restart. */
  interruptForRestart(): void {
    this.hasten()
    endAll(this.running.toArray(), Stage.Restarting)
  }

  private restart(cause: Cause.Cause<unknown>): void {
    // Whoever heard of the defect, or of an interrupted call, may have ended the instance right away.
    if (!this.closing) this.supervised().restart(cause)
  }

  /** Calls that wait for refs among their arguments. */
  preparingCalls(): Array<Call> {
    return this.preparing?.calls() ?? []
  }

  /** No new calls; those accepted finish, then the instance ends. */
  stop(why: string): void {
    if (this.death !== undefined) return
    this.refuse(why, undefined)
    if (this.pending === 0) this.close()
  }

  /** No new calls, waiting ones fail, running ones finish, but for the one that asked for it. */
  retire(why: string, asker: Call | undefined, cause: Cause.Cause<unknown> | undefined = undefined): void {
    this.preparing?.hurry()
    if (this.death === undefined) this.refuse(why, cause)
    this.failWaiting()
    if (asker !== undefined) endAll([asker], Stage.Dying)
    if (this.pending === 0) this.close()
  }

  /** No new calls, waiting ones fail, running ones are interrupted. */
  kill(why: string, cause: Cause.Cause<unknown> | undefined): void {
    if (this.dying || this.gone) return
    this.dying = true
    this.hasten()
    if (this.closing) return
    // What has failed already fails as it did, and makes room for those that wait for it.
    this.preparing?.hurry()
    this.refuse(why, cause)
    this.failWaiting()
    endAll(this.running.toArray(), Stage.Dying)
    if (this.pending === 0) this.close()
    else this.recheckEnd()
  }

  /** What ends with this instance from now on ends at once, and so does what is ending already. */
  private hasten(): void {
    this.abrupt = true
    for (const hurry of this.wards ?? []) hurry()
  }

  /** Calls `hurry` should the instance be killed, or restart. Returns how to forget it. */
  guard(hurry: () => void): () => void {
    this.wards ??= new Set()
    this.wards.add(hurry)
    return () => this.wards!.delete(hurry)
  }

  private refuse(why: string, cause: Cause.Cause<unknown> | undefined): void {
    if (this.death === undefined) this.keeper?.ending(this)
    // It goes into the errors of all calls, which people print.
    this.death = { why, at: dateIn(this.context), cause: cause && printable(cause) }
    this.registry.hub?.instance(this, { _tag: "InstanceDied", why, cause: this.death.cause })
    this.attentive = true
    this.letIn()
    this.recheckEnd()
  }

  /** What keeps the instance from its end may wait for just that. */
  recheckEnd(): void {
    if (this.end !== undefined && this.end.dependents > 0) deadlock.check(this.end)
  }

  private failWaiting(): void {
    endAll(this.preparing?.calls() ?? [], Stage.Dying)
    for (const queue of this.queues()) while (queue.head !== undefined) endAll([queue.head], Stage.Dying)
  }

  /** A constructor under way is interrupted, and has ended before the finalizers run. */
  private close(): void {
    if (this.closing) return
    this.closing = true
    if (this.supervisor === undefined) this.finalize()
    else {
      this.supervisor.end(() => this.finalize())
      this.recheckEnd()
    }
  }

  private finalize(): void {
    // An instance may own instances that own instances: the end of a long chain must not overflow the stack.
    if (stack.isDeep()) {
      return stack.later(undefined, this.context, () => this.finalize())
    }
    const cause = this.death?.cause
    const finalizers = Scope.closeUnsafe(this.scope, cause === undefined ? Exit.void : Exit.failCause(cause))
    if (finalizers === undefined) return this.vanish()
    const { ending } = this
    const work = Effect.withFiber<void>((fiber) => {
      ending.fiber = fiber
      return logged(this, finalizers)
    })
    stack.enter()
    try {
      this.fork(work).addObserver(() => this.vanish())
    } finally {
      stack.leave()
    }
  }

  /** Runs what the instance does of its own accord. */
  fork(effect: Effect.Effect<unknown, unknown>): Fiber.Fiber<unknown, unknown> {
    return asyncContext.run(this.asyncContext, () => Effect.runForkWith(this.context)(effect))
  }

  /** Whether what this life of the instance has started is being ended with it. */
  get ends(): boolean {
    return !this.gone && (this.closing || this.scope.state._tag === "Closed")
  }

  closeScope(exit: Exit.Exit<any, any>): Effect.Effect<void> {
    this.abrupt = true
    return logged(this, Scope.close(this.scope, exit))
  }

  private vanish(): void {
    this.gone = true
    bury(this.registry, this)
    this.registry.hub?.instance(this, { _tag: "InstanceGone" })
    this.keeper?.gone(this)
    // Closed, it leaves the Scope that it is part of, which may stay open for much longer.
    if (this.owner !== undefined) Scope.closeUnsafe(this.owner, Exit.void)
    this.registry.cells.delete(this.instance)
    this.registry.busy?.delete(this)
    const { name } = this.options
    if (name !== undefined && this.registry.names.get(name)?.cell === this) this.registry.names.delete(name)
    const { end } = this
    this.end = this.implementation = this.lastCaller = this.lastMerged = this.owner = undefined
    end?.settle(Exit.void)
  }

  /** Succeeds when the constructor under way has ended, or all of an instance that is ending. Dies of a deadlock. */
  get over(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const phase = this.death === undefined ? this.start : this.ending
      if (phase === undefined || this.gone) return resume(Effect.void)
      const told = (exit: Exit.Exit<any, any>) =>
        resume(exit._tag === "Success" ? Effect.void : Exit.die(Cause.squash(exit.cause)))
      return Effect.sync(waiting.observe(phase, false, told))
    })
  }

  private get ending(): Phase {
    this.end ??= new Phase(this, "end")
    return this.end
  }

  /** Succeeds when the instance is gone, or when that would be waiting for oneself. If `firm`, it waits all the same. */
  ended(firm = false): Effect.Effect<void> {
    return Effect.callback((resume) => {
      if (this.gone) return resume(Effect.void)
      return Effect.sync(waiting.observe(this.ending, false, () => resume(Effect.void), firm))
    })
  }
}

const noMethod = (actor: string, name: string, implementation: Implementation): TypeError =>
  new TypeError(`${actor} has no method "${name}", it has ${methodNames(implementation).join(", ")}`)

/** A finalizer that dies does not keep the instance from ending, and is not lost either. */
const logged = (cell: Cell, finalizers: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.catchCause(finalizers, (cause) =>
    // A logger may throw, too.
    Effect.exit(Effect.logError(`A finalizer of ${cell.actor} (instance ${cell.instance}) failed`, printable(cause)))
  )
