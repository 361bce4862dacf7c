/**
 * The life of an instance: how it is made, made anew, and ends, and who has to hear of that.
 *
 * It knows of calls that there are some, and that they can be ended; what calls are is the instance's.
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
import * as Scope from "effect/Scope"
import { ActorContext } from "../../ActorContext.ts"
import type { News } from "../../Instrumentation.ts"
import * as asyncContext from "../base/asyncContext.ts"
import { leaveScope, watchingForks } from "../base/effectInternals.ts"
import type { List } from "../base/list.ts"
import type { InstanceOptions } from "../base/options.ts"
import { apart } from "../base/request.ts"
import { printable } from "../base/show.ts"
import * as stack from "../base/stack.ts"
import { dateIn } from "../base/time.ts"
import { type Call, type Death, type Instance, type Life as LifeOfCalls, type Room, Stage } from "../call/call.ts"
import { current, outside } from "../call/currentCall.ts"
import { endAll } from "../call/ending.ts"
import type { Implementation } from "../call/method.ts"
import * as waiting from "../call/waiting.ts"
import type { Own } from "./context.ts"
import type { Hub } from "./hub.ts"
import { Phase, Phased } from "./phase.ts"
import { type Supervised, Supervisor } from "./supervisor.ts"
import * as visits from "./visits.ts"

/** Why an instance ended that its next call makes again. */
export const IDLE = "it was idle"

/** What looks after many instances: it hears when one has nothing to do, when it begins to end, and when it is gone. */
export interface InstanceOwner<Cell = unknown> {
  idle(cell: Cell): void
  /** It is not idle any more. */
  wake(cell: Cell): void
  /** It takes no more calls. */
  ending(cell: Cell): void
  gone(cell: Cell): void
  handleOf(cell: Cell): object
}

type Inside = ActorContext["Service"]

/** What a life needs of its instance, which is the ActorContext of what runs inside. */
export interface Calls extends Instance, Inside {
  readonly options: InstanceOptions
  readonly registry: { readonly hub: Hub | undefined }
  readonly context: Context.Context<never>
  /** The async context in which it was started: where it is made anew and ends, be it for a call. */
  readonly asyncContext: asyncContext.AsyncContext | undefined
  implementation: Implementation | undefined
  readonly running: List<Call> & { forgetContexts(): void }
  /** Whether no call runs. */
  readonly isQuiet: boolean
  /** Tells preparing calls whose refs have failed already of that. */
  flushFailures(): void
  /** Fails all calls that have not started. */
  failWaiting(): void
  /** Those that wait for room, if any ever did. */
  readonly room: (Room & { admit(): void }) | undefined
  /** The instance is gone. */
  leave(): void
}

export class Life<Cell extends Calls = Calls> extends Phased<Cell> implements LifeOfCalls, Supervised {
  /** Whether calls start. They do not while the instance is made in the background, or made anew. */
  ready = true
  /** Why it is not `Open` any more. */
  death: Death | undefined = undefined
  /** How often the instance has been restarted. */
  restarts = 0
  /** Why the instance restarts, or did so last. */
  restartsFor: LifeOfCalls["restartsFor"] = undefined
  /** The context in which it was started, without the call that did. Many instances may share it. */
  declare readonly context: Context.Context<never>
  /** Set while all ends at once that the instance runs: it was killed, or a life of it ends for the next one. */
  abrupt = false
  /** Its Scope closes, and will kill it when its calls take too long. */
  isDoomed = false
  /** The Scope with which the instance ends: the one that it was started in, or one of its own within that. */
  tie: Scope.Scope | undefined = undefined
  ownTie: Scope.Closeable | undefined = undefined
  private owner: InstanceOwner<Cell> | undefined = undefined
  private handle: object | undefined = undefined
  /** How to hurry what ends with a Scope that this instance closes now, or a call of it. */
  private wards: Set<() => void> | undefined = undefined
  private supervisor: Supervisor | undefined = undefined
  declare private scope: Scope.Closeable
  // No field of every instance, which would be larger for the sake of few.
  /** How many read what it publishes. */
  declare readers: number
  /** How many of them keep it from being idle. */
  declare private keepers: number

  declare private readonly make: Effect.Effect<Implementation, any>

  constructor(cell: Cell, make: Effect.Effect<Implementation, any>, context: Context.Context<never>) {
    super(cell)
    this.make = make
    this.scope = Scope.makeUnsafe()
    // A call that starts an instance does not lend itself to it.
    this.context = current(context) === undefined ? context : outside(context)
  }

  // --- start ---------------------------------------------------------------------------------------------------------

  /**
   * Runs the constructor, and makes a handle with `use`. If that does not succeed, the instance is dead.
   *
   * The caller makes it uninterruptible, or the end of the constructor might be missed; `restore` is for that alone.
   */
  boot(
    use: (implementation: Implementation) => object,
    restore: (make: Effect.Effect<Implementation, any>) => Effect.Effect<Implementation, any> = identity
  ): Effect.Effect<object, any> {
    const constructed = this.onFiberOf(restore(this.construct()))
    return this.bring(Effect.map(constructed, (implementation) => (this.handle = use(implementation))))
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

  /** Runs the constructor in the background, once `after` is over. Calls wait in line until it has finished. */
  bootLater(after: Effect.Effect<void> | undefined, owner: InstanceOwner<Cell>): void {
    this.owner = owner
    this.unready()
    // Its fiber has the context already.
    const ready = this.bring(this.made)
    // Not even an early end may come before that of the instance before.
    this.supervised().run(
      after ? Effect.andThen(Effect.uninterruptible(after), ready) : ready,
      "its constructor failed"
    )
  }

  private unready(): void {
    this.ready = false
    if (apart) visits.begin(this)
  }

  private bring(make: Effect.Effect<object, any>): Effect.Effect<object, any> {
    return Effect.onError(make, (cause) => {
      if (!this.isClosing) this.kill("its constructor failed", cause)
      // A supervisor must not wait for an end that waits for the supervisor.
      return this.supervisor?.isBusy ? Effect.void : this.ended()
    })
  }

  construct(): Effect.Effect<Implementation, any> {
    return Effect.updateContext(this.made, () => this.inside) as Effect.Effect<Implementation, any>
  }

  /** What the constructor makes, in a context that is {@link inside}. */
  private get made(): Effect.Effect<Implementation, any> {
    return Effect.map(this.make, (implementation) => (this.cell.implementation = implementation))
  }

  /** What only this instance has in its context. The ActorContext is the cell itself. */
  get own(): Own {
    return [
      [Scope.Scope.key, this.scope],
      [ActorContext.key, this.cell]
    ]
  }

  /** The context in which it is made and ends. It is made when it is needed, and an idle instance has none. */
  private get inside(): Context.Context<never> {
    let inside = this.context
    for (const [key, service] of this.own) inside = Context.addUnsafe(inside, key, service)
    return watchingForks(inside)
  }

  /** The constructor has ended. */
  started(): void {
    const { start } = this
    this.start = undefined
    start?.settle(Exit.void)
    // It was ended while its constructor ran on the fiber that starts it, which is not ours to interrupt.
    if (this.supervisor === undefined && this.phase === Phase.Closing) this.finalize()
  }

  /** The handle of the instance, once there is one. */
  get self(): object | undefined {
    return this.owner === undefined ? this.handle : this.owner.handleOf(this.cell)
  }

  /** The instance is ready: calls start. */
  proceed(): void {
    this.ready = true
    for (const line of this.cell.lines()) line.drain(true)
  }

  /** Runs what the instance does of its own accord. */
  fork(effect: Effect.Effect<unknown, unknown>): Fiber.Fiber<unknown, unknown> {
    return asyncContext.run(this.cell.asyncContext, () => Effect.runForkWith(this.inside)(effect))
  }

  // --- restart -------------------------------------------------------------------------------------------------------

  /** Deals with a defect. Returns whether the instance is to be rebuilt for it. */
  defect(cause: Cause.Cause<unknown>): boolean {
    const { onDefect } = this.cell.options
    if (this.phase !== Phase.Open || !this.ready || onDefect === "resume") return false
    if (onDefect === "stop") {
      this.kill("a method died of a defect", cause)
      return false
    }
    this.beginRestart({ why: "it is restarting after a defect", cause: undefined }, cause)
    return true
  }

  /** The home of the instance is lost with all that it knew: it is made anew, as its restart schedule says. */
  crash(why: string, cause: Cause.Cause<unknown>): void {
    if (!this.ready) return
    if (this.phase !== Phase.Open || this.cell.options.restart === undefined) return this.kill(why, cause)
    this.beginRestart({ why, cause: printable(cause) }, cause)
    this.restart(cause)
  }

  /** No call starts until the restart is over, and those that run end, if there is a restart. */
  private beginRestart(restartsFor: NonNullable<LifeOfCalls["restartsFor"]>, cause: Cause.Cause<unknown>): void {
    this.unready()
    this.restartsFor = restartsFor
    // Else the instance dies, and what runs beside the crash is to hear of that, and not of a restart.
    if (this.supervised().judge(cause)) this.interruptForRestart()
  }

  /** Begins the restart that a defect was answered with. */
  restart(cause: Cause.Cause<unknown>): void {
    // What heard of the defect, or of an interrupted call, may have ended the instance right away.
    if (!this.isClosing) this.supervised().restart(cause)
  }

  private supervised(): Supervisor {
    this.supervisor ??= new Supervisor(this)
    return this.supervisor
  }

  get waitsForQuiet(): boolean {
    return this.supervisor?.waitsForQuiet === true
  }

  /** Ends the calls that run, for a restart. */
  interruptForRestart(): void {
    this.hasten()
    endAll(this.cell.running.toArray(), Stage.Restarting)
  }

  /** Ends a life, but not the instance. */
  closeScope(exit: Exit.Exit<any, any>): Effect.Effect<void> {
    return logged(this.cell, Scope.close(this.scope, exit))
  }

  /** Begins another life, with a Scope of its own. */
  renew(): void {
    this.restarts++
    this.abrupt = false
    this.scope = Scope.makeUnsafe()
    this.cell.running.forgetContexts()
  }

  /** Tells those who watch. */
  tell(news: News): void {
    this.cell.registry.hub?.instance(this.cell, news)
  }

  // --- end -----------------------------------------------------------------------------------------------------------

  /** No new calls; those accepted finish, then the instance ends. */
  stop(why: string): void {
    if (this.phase !== Phase.Open) return
    this.refuse(Phase.Stopping, why, undefined)
    if (this.cell.pending === 0) this.close()
  }

  /** No new calls, waiting ones fail, running ones finish, but for the one that asked for it. */
  retire(why: string, asker: Call | undefined, cause: Cause.Cause<unknown> | undefined = undefined): void {
    this.cell.flushFailures()
    if (this.phase === Phase.Open) this.refuse(Phase.Stopping, why, cause)
    this.cell.failWaiting()
    if (asker !== undefined) endAll([asker], Stage.Dying)
    if (this.cell.pending === 0) this.close()
  }

  /** No new calls, waiting ones fail, running ones are interrupted. */
  kill(why: string, cause?: Cause.Cause<unknown>): void {
    const { cell } = this
    if (this.phase === Phase.Dying || this.phase === Phase.Gone) return
    this.hasten()
    // What has failed already fails as it did, and makes room for those that wait for it.
    cell.flushFailures()
    if (this.phase >= Phase.Dying) return
    this.refuse(Phase.Dying, why, cause)
    cell.failWaiting()
    endAll(cell.running.toArray(), Stage.Dying)
    if (cell.pending === 0) this.close()
    else this.recheckEnd()
  }

  /** What ends with this instance from now on ends at once, and so does what is ending already. */
  private hasten(): void {
    if (this.abrupt) return
    this.abrupt = true
    for (const hurry of this.wards ?? []) hurry()
  }

  /** Calls `hurry` when the instance is killed, or restarts. Returns how to forget it. */
  guard(hurry: () => void): () => void {
    if (this.abrupt) hurry()
    this.wards ??= new Set()
    this.wards.add(hurry)
    return () => this.wards!.delete(hurry)
  }

  private refuse(phase: Phase, why: string, cause: Cause.Cause<unknown> | undefined): void {
    const { cell } = this
    if (this.phase === Phase.Open) this.owner?.ending(cell)
    this.phase = phase
    // It goes into the errors of all calls, which people print.
    this.death = { why, at: dateIn(this.context), cause: cause && printable(cause) }
    this.tell({ _tag: "InstanceDied", why, cause: this.death.cause })
    cell.room?.admit()
    this.recheckEnd()
  }

  /** A reader comes (1) or goes (-1), which keeps the instance from being idle or does not. */
  isRead(change: 1 | -1, keeps: boolean): void {
    this.readers += change
    if (keeps) this.keepers += change
    if (change === 1 && keeps) this.owner?.wake(this.cell)
    else this.attend()
  }

  /** Whether the end of a call matters to it. */
  get heedsCalls(): boolean {
    return this.phase !== Phase.Open || !this.ready || this.owner !== undefined
  }

  /** A call has left. */
  attend(): void {
    const { cell } = this
    if (cell.pending === 0 && this.keepers === 0 && this.phase === Phase.Open && !cell.hasSuspended)
      this.owner?.idle(cell)
    this.supervisor?.attend()
    if (this.phase === Phase.Open) return
    if (cell.pending === 0) this.close()
    else this.recheckEnd()
  }

  /** A constructor under way has ended before the finalizers run. One in the background is interrupted. */
  private close(): void {
    if (this.isClosing) return
    this.phase = Phase.Closing
    if (this.supervisor !== undefined) this.supervisor.end(() => this.finalize())
    else if (this.start === undefined) return this.finalize()
    this.recheckEnd()
  }

  private finalize(): void {
    // An instance may own instances that own instances: the end of a long chain must not overflow the stack.
    if (stack.isDeep()) return stack.later(undefined, this.context, () => this.finalize())
    const cause = this.death?.cause
    const finalizers = Scope.closeUnsafe(this.scope, cause === undefined ? Exit.void : Exit.failCause(cause))
    if (finalizers === undefined) return this.vanish()
    const { ending } = this
    const work = Effect.withFiber<void>((fiber) => {
      ending.fiber = fiber
      return logged(this.cell, finalizers)
    })
    stack.enter()
    try {
      this.fork(work).addObserver(() => this.vanish())
    } finally {
      stack.leave()
    }
  }

  private vanish(): void {
    const { cell, end } = this
    this.phase = Phase.Gone
    cell.leave()
    this.owner?.gone(cell)
    // Closed, it leaves the Scope that it is part of, which may stay open for much longer.
    if (this.ownTie !== undefined) Scope.closeUnsafe(this.ownTie, Exit.void)
    else if (this.tie !== undefined) leaveScope(this.tie, cell)
    this.end = this.tie = this.ownTie = undefined
    end?.settle(Exit.void)
  }

  /** Whether what this life of the instance has started is being ended with it. */
  get isEnding(): boolean {
    return !this.isGone && (this.isClosing || this.scope.state._tag === "Closed")
  }
}

Object.assign(Life.prototype, { readers: 0, keepers: 0 })

/** A finalizer that dies does not keep the instance from ending, and is not lost either. */
const logged = ({ actor, instance }: Instance, finalizers: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.catchCause(finalizers, (cause) =>
    // A logger may throw, too.
    Effect.exit(Effect.logError(`A finalizer of ${actor} (instance ${instance}) failed`, printable(cause)))
  )
