/**
 * One running instance of an actor: the calls that it has accepted, its lines, and what is in its books.
 *
 * All state changes happen in synchronous functions; effects are at the edges. Running a call is the business of
 * {@link Running}, how the instance is made and ends that of its {@link Life}. A cell knows nothing of how its methods
 * come about: a home beyond this process is a constructor whose methods send their calls elsewhere.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Link } from "../../Home.ts"
import * as asyncContext from "../base/asyncContext.ts"
import { shared } from "../base/copies.ts"
import { interrupt } from "../base/effectInternals.ts"
import type { Idle } from "../base/list.ts"
import { checkGroup, type InstanceOptions } from "../base/options.ts"
import { apart } from "../base/request.ts"
import { keyText } from "../base/show.ts"
import { dateIn } from "../base/time.ts"
import { Call, type Death, type Dispatcher, Stage } from "../call/call.ts"
import { isClient } from "../call/carried.ts"
import * as contract from "../call/contract.ts"
import { current } from "../call/currentCall.ts"
import { descendants, endAll, isEnded } from "../call/ending.ts"
import * as failure from "../call/failure.ts"
import type { Implementation } from "../call/method.ts"
import * as signals from "../call/signals.ts"
import * as tracing from "../call/tracing.ts"
import { observe } from "../call/waiting.ts"
import { search } from "../call/waits.ts"
import { Books, NO_BOOKS, noteFailure } from "./books.ts"
import type { Node } from "./busy.ts"
import { type Gate, gates } from "./gates.ts"
import { Handover } from "./handover.ts"
import { type Calls, Life } from "./life.ts"
import { Line, type Starter } from "./line.ts"
import { Phase } from "./phase.ts"
import { areReady, Preparing } from "./preparing.ts"
import { enter, leave, type Registry, registryIn } from "./registry.ts"
import { Room } from "./room.ts"
import { Running } from "./running.ts"
import { Timers } from "./timers.ts"
import * as visits from "./visits.ts"

export type CellLine = Line<Cell>

/** How a handle finds the line in which its calls stand: the same always, or that of the present holder of a key. */
export interface Target {
  resolve(): CellLine
  /** The instance that would be found, if it is up. */
  readonly resident?: Cell | undefined
}

/** What is to be known of an instance besides the name that errors call it by. */
interface About {
  readonly id?: string
  readonly key?: unknown
  /** Where it belongs, if not to the system in its context. */
  readonly registry?: Registry<Cell>
}

const numbers = /* @__PURE__ */ shared("numbers", { instance: 0 })

export class Cell implements Calls, Starter {
  declare readonly actor: string
  /** The id of the actor, and of a resident its key: together they are `actor`. */
  declare readonly id: string
  declare readonly key: unknown
  readonly instance: number = ++numbers.instance
  declare readonly options: InstanceOptions
  /** When it was started, in milliseconds since the epoch. */
  declare readonly since: number
  readonly asyncContext: asyncContext.AsyncContext | undefined = asyncContext.capture()
  declare readonly registry: Registry<Cell>
  declare readonly life: Life<Cell>
  implementation: Implementation | undefined = undefined
  home: Link | undefined = undefined
  /** Its place among the idle instances of its owner. */
  idle: Idle<Cell> | undefined = undefined

  declare readonly main: CellLine
  declare private readonly groups: ReadonlyMap<string, CellLine> | undefined
  readonly running: Running = new Running(this)
  /** Calls accepted and not yet settled. */
  pending = 0
  /** Its neighbours among the instances that have unsettled calls. */
  previousBusy: Node | undefined = undefined
  nextBusy: Node | undefined = undefined
  private preparing: Preparing | undefined = undefined
  timers: Timers | undefined = undefined
  /** Submitters that wait for `pending` to fall below `maxPendingCalls`. */
  room: Room | undefined = undefined
  private handingOver: Handover | undefined = undefined

  /** Where calls and readers pass its middleware, if it has any. */
  declare readonly gate: Gate | undefined

  /** How its calls have ended. */
  books: Readonly<Books> = NO_BOOKS

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
    this.options = options
    this.main = new Line(this, undefined, options.maxConcurrency)
    this.groups =
      options.concurrencyGroups &&
      new Map(
        Object.entries(options.concurrencyGroups).map(([name, { maxConcurrency }]) => [
          name,
          new Line(this, name, maxConcurrency)
        ])
      )
    this.life = new Life(this, make, context)
    this.gate = gates.of?.(this)
    this.since = dateIn(context)
    this.registry = about.registry ?? registryIn<Cell>(context)
    enter(this.registry, this)
  }

  /** The key, for people. */
  get keyText(): string | undefined {
    return this.key === undefined ? undefined : keyText(this.key)
  }

  get name(): string | undefined {
    return this.options.name
  }

  get restarts(): number {
    return this.life.restarts
  }

  get death(): Death | undefined {
    return this.life.death
  }

  get context(): Context.Context<never> {
    return this.life.context
  }

  // --- calls ---------------------------------------------------------------------------------------------------------

  /** Whether a submission has to be refused, or has to wait, for want of room. */
  get full(): boolean {
    const crowded = this.pending >= this.options.maxPendingCalls || this.hasSuspended
    return crowded && this.life.phase === Phase.Open
  }

  /** Accepts a call, or settles it right away if the instance is gone. An `asked` call may start on this very stack. */
  submit(call: Call, dispatcher: Dispatcher, asked: boolean): void {
    this.registry.hub?.submitted(call, asked)
    if (this.life.phase !== Phase.Open) return this.comesTooLate(call)
    if (call.method.signal !== undefined && signals.isAborted(call)) return this.conclude(call, failure.cancelled(call))
    this.counts(1)
    if (areReady(call.args)) this.lineUp(call, dispatcher, asked)
    else {
      this.preparing ??= new Preparing(this)
      this.preparing.take(call, dispatcher)
    }
    if (call.exit === undefined) this.adopt(call)
  }

  /** A call has been accepted, or has settled. */
  private counts(change: 1 | -1): void {
    this.pending += change
    const { busy } = this.registry
    if (busy !== undefined) busy.calls += change
  }

  private comesTooLate(call: Call): void {
    this.unbound(call)
    this.conclude(call, failure.died(call, this.life.death!))
  }

  /** Puts a call in line whose arguments are there. An `asked` one may start now. */
  lineUp(call: Call, dispatcher: Dispatcher, asked: boolean): void {
    const issue = call.method.contract && contract.checkArgs(call.method.contract, call.args)
    if (issue !== undefined) this.end(call, failure.decode(call, issue))
    else if (apart && !visits.admits(call.line as CellLine)) this.end(call, failure.ofAnotherRequest(call))
    else if (this.gate !== undefined) this.gate.take(call, dispatcher, asked)
    else if (asked) call.line.startOrWait(call, dispatcher)
    else call.line.wait(call, dispatcher)
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
    this.bound(call)
  }

  /** A call ends before it is done when its time is over, or when its signal fires. */
  private bound(call: Call): void {
    if (call.method.timeout !== undefined) {
      this.timers ??= new Timers((call) => this.expire(call))
      this.timers.start(call, call.method.timeout)
    }
    if (call.method.signal !== undefined) signals.watch(call)
  }

  private unbound(call: Call): void {
    if (call.method.signal !== undefined) signals.leave(call)
    this.timers?.stop(call)
  }

  /** Settles a call that does not run. One that does is settled by {@link Running}. */
  end(call: Call, exit: Exit.Exit<any, any>): void {
    this.settle(call, exit)
    this.attend()
  }

  /** Settles a call that was accepted: there is no other way. */
  settle(call: Call, exit: Exit.Exit<any, any>): void {
    if (call.passage?.takes(exit)) return
    this.counts(-1)
    if (this.pending === 0 && this.nextBusy !== undefined) this.rests()
    call.parent?.children?.delete(call)
    this.unbound(call)
    if (isEnded(call)) this.leavesRoom(call)
    this.conclude(call, exit._tag === "Failure" ? failure.explain(call, exit, this.life.death) : exit)
  }

  /** No call of it is accepted and unsettled. */
  private rests(): void {
    if (!this.hasSuspended) this.registry.busy!.delete(this)
  }

  /** A failure of a call was looked at. */
  handled(call: Call): void {
    this.registry.hub?.handled(call)
  }

  /** The books, to write into. */
  openBooks(): Books {
    if (this.books === NO_BOOKS) this.books = new Books()
    return this.books
  }

  /** Settles a call, once it is in the books. */
  private conclude(call: Call, exit: Exit.Exit<any, any>): void {
    if (exit._tag === "Success") this.openBooks().succeeded++
    else noteFailure(this, call, exit)
    this.registry.hub?.settled(call, exit)
    if (call.trace !== undefined) tracing.end(call, call.trace, exit)
    call.settle(exit)
  }

  /**
   * A call has left, or what ended calls left is there for others. Called once for each: for most instances nothing
   * follows from it, and one look at them tells.
   */
  attend(): void {
    if (this.room !== undefined || this.life.heedsCalls) this.follow()
  }

  private follow(): void {
    this.room?.admit()
    if (this.hasSuspended) search.checkRoom(this)
    this.life.attend()
  }

  /** The instance is gone: it leaves the system. */
  leave(): void {
    leave(this.registry, this)
    this.implementation = undefined
    this.running.forgetContexts()
  }

  // --- ending calls --------------------------------------------------------------------------------------------------

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
    if (call.stage === Stage.Waiting) call.line.remove(call)
    else if (call.stage !== Stage.Preparing) return
    else if (call.passage === undefined) this.preparing!.drop(call)
    else this.gate!.leave(call)
  }

  /** Carries out the end of a call: by interruption if it was running, at once if it was withdrawn. */
  endCall(call: Call, before: Stage): void {
    if (call.exit !== undefined) return
    if (before === Stage.Preparing && call.passage !== undefined) return call.passage.interrupt()
    if (before === Stage.Running) return call.fiber && interrupt(call.fiber)
    // Its fiber has been interrupted for the restart, and is on its way to the end.
    if (before === Stage.Restarting) return
    this.end(call, Exit.interrupt())
  }

  /** Fails a call that has not started, and never will. */
  deny(call: Call, exit: Exit.Exit<never, unknown>): void {
    if (call.stage === Stage.New) return this.turnAway(call, exit)
    this.withdraw(call)
    this.end(call, exit)
  }

  /** Fails all calls that have not started. */
  failWaiting(): void {
    endAll(this.preparingCalls(), Stage.Dying)
    for (const line of this.lines()) while (line.head !== undefined) endAll([line.head], Stage.Dying)
  }

  /** Tells preparing calls whose refs have failed already of that. */
  flushFailures(): void {
    this.preparing?.flushFailures()
  }

  /** Calls that wait for refs among their arguments. */
  preparingCalls(): Array<Call> {
    const calls = this.preparing?.calls() ?? []
    return this.gate === undefined ? calls : [...calls, ...this.gate.calls()]
  }

  // --- room for submissions ------------------------------------------------------------------------------------------

  /** Calls `submit` when it is the turn of a call that found no room, unless it is turned away before. */
  whenRoom(call: Call, submit: () => void): void {
    call.stamp()
    this.bound(call)
    this.room ??= new Room(this)
    this.room.wait(call, submit)
  }

  get hasSuspended(): boolean {
    return this.room !== undefined && this.room.size > 0
  }

  /** A call was ended that had been accepted. */
  private leavesRoom(call: Call): void {
    if (!this.hasSuspended) return this.handingOver?.putOff()
    this.room!.held++
    this.handover.later(call)
  }

  /** Forgets a call that waits for room. */
  leaveRoom(call: Call): void {
    this.unbound(call)
    this.room?.leave(call)
    this.handingOver?.putOff()
  }

  /** Settles a call that was never submitted, since it found no room. */
  private turnAway(call: Call, exit: Exit.Exit<never, unknown>): void {
    this.leaveRoom(call)
    call.settle(exit)
  }

  /** Whether room comes as calls of another request end, where that is none of this one's business. */
  get fullOfOthers(): boolean {
    return apart && this.lines().some(visits.isOfOthers)
  }

  /** What ended calls leave, and when others get it. */
  get handover(): Handover {
    this.handingOver ??= new Handover(this)
    return this.handingOver
  }

  handOn(): void {
    this.handingOver?.now()
  }

  // --- permits -------------------------------------------------------------------------------------------------------

  /** The line for a concurrency group, or for the actor's own permits. */
  line(group: string | undefined): CellLine {
    if (group === undefined) return this.main
    checkGroup(this.actor, this.options.concurrencyGroups, group, isClient(this.context))
    return this.groups!.get(group)!
  }

  lines(): ReadonlyArray<CellLine> {
    return this.groups === undefined ? [this.main] : [this.main, ...this.groups.values()]
  }

  /** Whether no call runs. */
  get isQuiet(): boolean {
    return this.lines().every(({ running }) => running === 0)
  }
}

/**
 * Waiting for a call is noted, unlike waiting for other refs. Calls learn it from here: a subclass that knew it would make
 * each call a tenth slower to make. No call is made without this file.
 */
Call.prototype.wait = function (this: Call): Effect.Effect<any, any> {
  if (this.stage === Stage.Waiting) this.line.startNow()
  if (this.exit !== undefined) return this.look()!
  return Effect.callback((resume) => Effect.sync(observe(this, false, resume)))
}
