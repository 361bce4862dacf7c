/**
 * One invocation of one method of one instance: the record that waits in line, and the ref that callers hold.
 *
 * A waiting call is this object and its arguments, nothing else: no fiber, no closure (semantics 2.8).
 *
 * Beside it is what a call, and what follows calls, may know of the line that a call stands in and of its instance. Both
 * are made further up.
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Scheduler from "effect/Scheduler"
import * as Stream from "effect/Stream"
import type { Span } from "effect/Tracer"
import type { Link } from "../../Home.ts"
import * as asyncContext from "../base/asyncContext.ts"
import { shared } from "../base/copies.ts"
import { type Interruptible, runSync } from "../base/effectInternals.ts"
import { isEffect, noEffect } from "../base/evaluable.ts"
import type { Linked, List } from "../base/list.ts"
import { dateIn, duration, elapsedIn } from "../base/time.ts"
import type { MethodSpec } from "./method.ts"
import { type Observer, Ref } from "./ref.ts"
import type { Wait, Waiter } from "./waits.ts"

/** Where a call is on its way to settling, and once it is told to end, why. */
export const Stage = {
  /** Not submitted yet. */
  New: 0,
  /** Waits for refs among its arguments. */
  Preparing: 1,
  /** Stands in line for a permit. */
  Waiting: 2,
  /** Between start and settle. The stages after this one are running, too, but told to end. */
  Running: 3,
  /** Ends because it was cancelled. */
  Cancelling: 4,
  /** Ends because its time is over. */
  Expiring: 5,
  /** Ends because the instance dies. */
  Dying: 6,
  /** Ends because the instance restarts. */
  Restarting: 7
} as const
export type Stage = (typeof Stage)[keyof typeof Stage]

/** What a call knows of its span. */
export interface Trace {
  /** Whether the submitter waits for the call, so that its span encloses ours. */
  readonly asked: boolean
  span: Span | undefined
}

/** A call's way through middleware. */
export interface Passage {
  /** The context that its middleware gives to its method, once that is to run. */
  readonly context: Context.Context<never> | undefined
  /** Whether its middleware has let it through. */
  readonly isThrough: boolean
  /** Where it is, for people. */
  readonly place: string
  /** The call in its middleware that it waits behind, once it has been let through. */
  readonly behind: Call | undefined
  /** Whether the call is among the running ones and has no permit: its method has ended, and its middleware goes on. */
  readonly lingers: boolean
  lineUp(): void
  /** Takes what the method, or the wait for it, has come to. Says whether the call goes on. */
  takes(exit: Exit.Exit<any, any>): boolean
  /** Ends it, where its method does not run. */
  interrupt(): void
}

/** How an instance came to its end. */
export interface Death {
  readonly why: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly cause: Cause.Cause<unknown> | undefined
}

/** One set of permits, and the calls that wait for one. */
export interface Line {
  readonly cell: Instance
  /** The concurrency group, or `undefined` for the actor's own permits. */
  readonly group: string | undefined
  readonly limit: number
  /** Permits in use. */
  readonly running: number
  /** The first call in line. */
  readonly head: Call | undefined
  startOrWait(call: Call, dispatcher: Dispatcher): void
  wait(call: Call, dispatcher: Dispatcher): void
  waitAgain(call: Call): void
  startNow(): void
  remove(call: Call): void
  drain(together: boolean): void
  release(call: Call): boolean
  next(): void
}

/** How a fiber has the scheduler do something in its turn. */
export type Dispatcher = Scheduler.SchedulerDispatcher | undefined

/** What the life of an instance is at. */
export interface Life {
  /** Whether calls start. They do not while the instance is made, or made anew. */
  readonly ready: boolean
  /** Why no call is accepted any more, from the moment that is so. */
  readonly death: Death | undefined
  /** Why it restarts, or did so last. */
  readonly restartsFor: { readonly why: string; readonly cause: Cause.Cause<unknown> | undefined } | undefined
  /** Whether it has no calls any more, and will have none. */
  readonly isClosing: boolean
  /** Whether it will be killed if its calls do not end by themselves. */
  readonly isDoomed: boolean
  /** Whether a restart waits for running calls to end. */
  readonly waitsForQuiet: boolean
  /** The constructor under way. */
  readonly start: (Ref & Waiter) | undefined
  /** The end, once something waits for it, or it takes time. */
  readonly end: (Ref & Waiter) | undefined
  /** Which of the two runs on a fiber. */
  transitionOn(fiber: Fiber.Fiber<unknown, unknown>): Waiter | undefined
}

/** The calls that wait for room. */
export interface Room {
  /** Keeps a call that waits among the {@link watched} ones: it may come to wait for itself. */
  watch(call: Call): void
  readonly watched: Iterable<Call>
}

/** The instance that a call was submitted to. */
export interface Instance {
  readonly id: string
  readonly actor: string
  readonly instance: number
  readonly key: unknown
  readonly keyText: string | undefined
  readonly name: string | undefined
  readonly options: { readonly maxPendingCalls: number }
  /** The context in which it was made. */
  readonly context: Context.Context<never>
  /** The home beyond this process that its constructor made, if it did. */
  readonly home: Link | undefined

  readonly life: Life

  /** Calls accepted and not yet settled. */
  readonly pending: number
  /** The calls that run on fibers, or in a home. */
  readonly running: List<Call>
  /** A failure of a call was looked at. */
  handled(call: Call): void
  lines(): Iterable<Line>
  /** Calls that wait for refs among their arguments. */
  preparingCalls(): ReadonlyArray<Call>
  /** The time that its calls have, if any has a timeout. */
  readonly timers: { left(call: Call): number | undefined } | undefined
  /** Whether calls wait for room. */
  readonly hasSuspended: boolean
  /** Those calls, from the first one on that waited. */
  readonly room: Room | undefined

  /** Takes a call that is to end out of where it waits. */
  withdraw(call: Call): void
  /** Carries out the end of a call that was at `before`. */
  endCall(call: Call, before: Stage): void
  /** Fails a call that has not started, and never will. */
  deny(call: Call, exit: Exit.Exit<never, unknown>): void
  /** Hands on what ended calls have left so far. */
  handOn(): void
}

/** The list of waiters of an ask while nothing waits yet: settling needs no report, its caller looks at the exit. */
const ASKED: Array<Observer> = []

const NO_ARGS: ReadonlyArray<unknown> = []
const NO_CONTEXT = Context.empty()

export class OwnCall extends Ref implements Waiter, Linked<Call> {
  declare stage: Stage
  /** When it began to wait, then when it began to run, by `now()`: the engine stores it inline. */
  declare since: number
  /** How often the method has been started. */
  declare attempts: number
  /** What works on it. */
  declare fiber: Interruptible | undefined
  /** Neighbours in the line of waiting calls, then in the list of running ones. */
  declare previous: Call | undefined
  declare next: Call | undefined
  /** The call that submitted this one. Set once this one did not settle on the spot. */
  declare parent: Call | undefined
  /** Unsettled calls that this one submitted. */
  declare children: Set<Call> | undefined
  /** What its fibers wait for. */
  declare waits: Wait | undefined

  declare readonly line: Line
  declare readonly method: MethodSpec
  /** The context of the submitter, until the call has settled. */
  declare context: Context.Context<never>
  declare args: ReadonlyArray<unknown>
  // Not fields of every call, which would be larger for the sake of few.
  /** Set if it gets a span. */
  declare trace: Trace | undefined
  /** Set if it waits, and was submitted in an async context that has something in it. */
  declare asyncContext: asyncContext.AsyncContext | undefined
  /** Set while it passes middleware. */
  declare passage: Passage | undefined
  /** Set if it goes on when its asker is interrupted: the caller was cancelled alone (semantics 5.3). */
  declare spared: boolean

  constructor(
    line: Line,
    method: MethodSpec,
    args: ReadonlyArray<unknown>,
    context: Context.Context<never>,
    asked: boolean
  ) {
    super()
    this.stage = Stage.New
    this.since = 0
    this.attempts = 0
    this.fiber = undefined
    this.previous = undefined
    this.next = undefined
    this.parent = undefined
    this.children = undefined
    this.waits = undefined
    this.line = line
    this.method = method
    this.args = args
    this.context = context
    if (asked) this.waiters = ASKED
  }

  /** Takes what the method returned for what the call does. */
  accept(value: unknown): Effect.Effect<any, any> {
    const effect = isEffect(value) && this.trace === undefined ? runSync(value) : value
    return isEffect(effect) ? effect : Exit.die(notAnEffect(this, effect))
  }

  override settle(exit: Exit.Exit<any, any>): boolean {
    if (this.waiters === ASKED) {
      this.waiters = undefined
      this.exit = exit
    } else if (!super.settle(exit)) return false
    // What has settled may be kept for long, and keeps nothing of what it came from.
    this.args = NO_ARGS
    this.context = NO_CONTEXT
    this.parent = undefined
    if (this.passage !== undefined) this.passage = undefined
    if (this.asyncContext !== undefined) this.asyncContext = undefined
    if (this.children !== undefined) this.release(this.children)
    return true
  }

  /** It is about to be cancelled alone: what it submitted goes on, also what it waits for. */
  leaveChildren(): void {
    if (this.children === undefined) return
    for (const child of this.children) child.spare()
    this.release(this.children)
  }

  /** The call goes on without its asker. */
  spare(): void {
    this.spared = true
  }

  private release(children: ReadonlySet<Call>): void {
    for (const child of children) child.parent = undefined
    this.children = undefined
  }

  override observe(observer: Observer): void {
    if (this.waiters === ASKED) this.waiters = [observer]
    else super.observe(observer)
  }

  /** Remembers the present async context: the call may start on the stack of another. */
  keepAsyncContext(): void {
    const context = asyncContext.capture()
    if (context !== undefined) this.asyncContext = context
  }

  protected override handled(): void {
    super.handled()
    this.line.cell.handled(this)
  }

  /** Whether the asker or a waiter will be told how it settles. */
  get isAwaited(): boolean {
    return this.waiters !== undefined && (this.waiters === ASKED || this.waiters.length > 0)
  }

  /** The waiter that is to pull before this goes on, if it is a stream that waits for that. */
  get reader(): Waiter | undefined {
    return undefined
  }

  /** Whether it was asked, and its asker is yet to begin to wait: it runs on the asker's stack. */
  get isBeingAsked(): boolean {
    return this.waiters === ASKED
  }

  /** The time by which its waiting and its running are measured, in milliseconds: not a date. */
  now(): number {
    // `| 0` is modulo 2^32, so differences are right for 49 days.
    return elapsedIn(this.context) | 0
  }

  /** For how long it has waited, or run, in milliseconds. */
  get age(): number {
    return (this.now() - this.since) >>> 0
  }

  stamp(): void {
    this.since = this.now()
  }

  override get origin(): string {
    return this.method.label
  }

  override get kind(): string {
    return `${this.method.actor}.${this.method.name}`
  }

  override get progress(): string {
    if (this.exit !== undefined) return super.progress
    if (this.stage === Stage.New) return "waiting for room"
    return `${this.stage < Stage.Running ? "waiting" : "running"} ${duration(this.age)}`
  }

  override toJSON(): unknown {
    return { _id: "ObjectRef", id: this.id, call: this.origin, status: this.progress }
  }
}

Object.assign(OwnCall.prototype, {
  trace: undefined,
  asyncContext: undefined,
  passage: undefined,
  spared: false
})

export const Call = /* @__PURE__ */ shared("Call", OwnCall)
export type Call = OwnCall

/** What time it is for the submitter of a call, in milliseconds since the epoch. */
export const dateFor = (call: Call): number => dateIn(call.context)

/** A caller took a method for what it is not. The call dies of it, and the instance, which did nothing wrong, goes on. */
export class Misuse extends TypeError {}

const notAnEffect = (call: Call, value: unknown): TypeError => {
  if (Stream.isStream(value)) {
    // With a contract that promises an Effect the caller is right.
    return new (call.method.contract?.stream === false ? TypeError : Misuse)(
      `${call.origin} gives a Stream, and was run as an Effect: use Stream.runForEach(handle.method(...), ...), or in plain code for await (const item of AsyncHandle.make(handle).method(...))`
    )
  }
  const got = noEffect(value)
  return new TypeError(`${call.origin} must return an Effect, but returned ${got}`)
}
