/**
 * One invocation of one method of one instance: the record that waits in line, and the ref that callers hold.
 *
 * A waiting call is this object and its arguments, nothing else: no fiber, no closure (semantics 2.8).
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import type { AsyncContext } from "../base/asyncContext.ts"
import * as asyncContext from "../base/asyncContext.ts"
import { isEffect, noEffect, runSync } from "../base/evaluable.ts"
import { dateIn, elapsedIn } from "../base/time.ts"
import type { CallQueue } from "../instance/callQueue.ts"
import type { MethodSpec } from "./method.ts"
import { type Observer, Ref } from "./ref.ts"
import type { Trace } from "./tracing.ts"
import { follow, type Trail } from "./trail.ts"
import * as waiting from "./waiting.ts"

/** Where a call is on its way to settling, and once it is told to end, who told it. */
export const Stage = {
  /** Not submitted yet. */
  New: 0,
  /** Waits for refs among its arguments. */
  Preparing: 1,
  /** Stands in line for a permit. */
  Waiting: 2,
  /** Between start and settle. The stages after this one are running, too, but told to end. */
  Running: 3,
  /** Ends because somebody cancelled it. */
  Cancelling: 4,
  /** Ends because its time is over. */
  Expiring: 5,
  /** Ends because the instance dies. */
  Dying: 6,
  /** Ends because the instance restarts. */
  Restarting: 7
} as const
export type Stage = (typeof Stage)[keyof typeof Stage]

/** What works on a call: a fiber, or a home. */
export type Interruptible = Pick<Fiber.Fiber<any, any>, "interruptUnsafe">

/** What a fiber that works for a call finds in its context. */
interface Frame {
  /** The call, until it has ended: what it forked may live for long. */
  call: Call | undefined
  /** The context in which the call runs, without this frame, and with it. */
  readonly ground: Context.Context<never>
  own: Context.Context<never> | undefined
  readonly trail: Trail
}

/** The key under which a call is found in the context of its own fiber, and of all fibers that this one forks. */
class CurrentCall extends Context.Service<CurrentCall, Frame | undefined>()("troupe/CurrentCall") {}

export const CurrentCallKey: string = CurrentCall.key

/** The list of waiters of an ask while nobody waits yet: settling needs no report, its caller looks at the exit. */
const ASKED: Array<Observer> = []

const NO_ARGS: ReadonlyArray<unknown> = []
const NO_CONTEXT = Context.empty()

/** The call whose method is on the JavaScript stack and has no fiber, or none yet. */
export const onStack: { call: Call | undefined } = { call: undefined }

export class Call extends Ref {
  stage: Stage = Stage.New
  /** When it began to wait, then when it began to run, by `now()`: the engine stores it inline. */
  since = 0
  /** How often the method has been started. */
  attempts = 0
  /** Who works on it. */
  fiber: Interruptible | undefined = undefined
  /** Neighbours in the line of waiting calls, then in the list of running ones. */
  previous: Call | undefined = undefined
  next: Call | undefined = undefined
  /** The call that submitted this one. Set once this one did not settle on the spot. */
  parent: Call | undefined = undefined
  /** Unsettled calls that this one submitted. */
  children: Set<Call> | undefined = undefined
  /** What its fibers wait for. */
  waits: waiting.Wait | undefined = undefined

  readonly queue: CallQueue
  readonly method: MethodSpec
  /** The context of the submitter, until the call has settled. */
  context: Context.Context<never>
  args: ReadonlyArray<unknown>
  // Not fields of every call, which would be larger for the sake of few.
  /** Set if it gets a span. */
  declare trace: Trace | undefined
  /** Set if it waits, and was submitted in an async context that has something in it. */
  declare asyncContext: AsyncContext | undefined
  /** Set if it goes on when its asker is interrupted: the caller was cancelled alone (semantics 5.3). */
  declare spared: boolean

  constructor(
    queue: CallQueue,
    method: MethodSpec,
    args: ReadonlyArray<unknown>,
    context: Context.Context<never>,
    asked: boolean
  ) {
    super()
    this.queue = queue
    this.method = method
    this.args = args
    this.context = context
    if (asked) this.resumes = ASKED
  }

  override settle(exit: Exit.Exit<any, any>): boolean {
    if (this.resumes === ASKED) {
      this.resumes = undefined
      this.exit = exit
    } else if (!super.settle(exit)) return false
    // What has settled may be kept for long, and keeps nothing of what it came from.
    this.args = NO_ARGS
    this.context = NO_CONTEXT
    this.parent = undefined
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
    if (this.resumes === ASKED) this.resumes = [observer]
    else super.observe(observer)
  }

  override wait(): Effect.Effect<any, any> {
    if (this.exit !== undefined) return this.look()!
    return Effect.callback((resume) => Effect.sync(waiting.observe(this, false, resume)))
  }

  /** Waits as an asker does: interruption cancels the call and waits until it has settled (semantics 1.2). */
  waitOrCancel(): Effect.Effect<any, any> {
    return Effect.callback((resume) => {
      const leave = waiting.observe(this, true, resume)
      return Effect.suspend(() => {
        leave()
        return this.cancelAndWait()
      })
    })
  }

  cancelAndWait(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.stage === Stage.New || this.spared) return Effect.void
      this.queue.cell.cancel(this)
      return this.settled()
    })
  }

  protected override handled(): void {
    super.handled()
    this.queue.cell.registry.hub?.handled(this)
  }

  /** Whether the asker or a waiter will be told how it settles. */
  get isAwaited(): boolean {
    return this.resumes !== undefined && (this.resumes === ASKED || this.resumes.length > 0)
  }

  /** Takes what the method returned for what the call does. */
  accept(value: unknown): Effect.Effect<any, any> {
    const effect = isEffect(value) && this.trace === undefined ? runSync(value) : value
    return isEffect(effect) ? effect : Exit.die(notAnEffect(this, effect))
  }

  /** Succeeds once the call has settled, however it did. */
  settled(): Effect.Effect<void> {
    if (this.exit !== undefined) return Effect.void
    return Effect.callback((resume) => {
      const done = asyncContext.bindResume(() => resume(Effect.void))
      this.observe(done)
      return Effect.sync(() => this.unobserve(done))
    })
  }

  /** Who is to pull before this goes on, if it is a stream that waits for that. */
  get reader(): waiting.Waiter | undefined {
    return undefined
  }

  /** Whether it was asked, and its asker is yet to begin to wait: it runs on the asker's stack. */
  get isBeingAsked(): boolean {
    return this.resumes === ASKED
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

  override get status(): string {
    if (this.exit !== undefined) return super.status
    if (this.stage === Stage.New) return "waiting for room"
    return `${this.stage < Stage.Running ? "waiting" : "running"} ${(this.age / 1000).toFixed(1)} s`
  }

  override toJSON(): unknown {
    return { _id: "ObjectRef", id: this.id, call: this.origin, status: this.status }
  }
}

Object.assign(Call.prototype, { trace: undefined, asyncContext: undefined, spared: false })

/** What time it is for who submitted a call, in milliseconds since the epoch. */
export const dateFor = (call: Call): number => dateIn(call.context)

const notAnEffect = (call: Call, value: unknown): TypeError => {
  if (Stream.isStream(value)) {
    return new TypeError(
      `${call.origin} gives a Stream, and was run as an Effect: use Stream.runForEach(handle.method(...), ...), or in plain code for await (const item of Stream.toAsyncIterable(handle.method(...)))`
    )
  }
  const got = noEffect(value)
  return new TypeError(`${call.origin} must return an Effect, but returned ${got}`)
}

/** The context in which `call` runs: `ground`, and the call itself. */
export const within = (ground: Context.Context<never>, call: Call): Context.Context<never> => {
  const frame: Frame = { call, ground, own: undefined, trail: follow(trailOf(call), call.origin) }
  frame.own = Context.addUnsafe(ground, CurrentCall.key, frame)
  return frame.own
}

/** A call has ended: what still runs in its context works for no call. */
export const release = (context: Context.Context<never>): void => {
  const frame = Context.getOrUndefined(context, CurrentCall)
  if (frame !== undefined) frame.call = undefined
}

/** The same context, working for no call. */
export const outside = (context: Context.Context<never>): Context.Context<never> =>
  Context.addUnsafe(context, CurrentCall.key, undefined)

/**
 * A context without the call that it is the context of. Calls that an actor makes have a context each, which differ only
 * in that; what is derived from them need not be derived anew for each call.
 */
export const groundOf = (context: Context.Context<never>): Context.Context<never> => {
  const frame = Context.getOrUndefined(context, CurrentCall)
  return frame !== undefined && frame.own === context ? frame.ground : context
}

/** The unsettled call that a fiber with this context works for, if any. */
export const current = (context: Context.Context<never>): Call | undefined => {
  const call = Context.getOrUndefined(context, CurrentCall)?.call
  return call === undefined || call.exit !== undefined ? undefined : call
}

/** The calls that led to this one, settled or not. */
export const trailOf = (call: Call): Trail | undefined => Context.getOrUndefined(call.context, CurrentCall)?.trail
