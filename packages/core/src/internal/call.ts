/**
 * One invocation of one method of one instance: the record that waits in line, and the ref that callers hold.
 *
 * A waiting call is this object and its arguments, nothing else: no fiber, no closure (semantics 2.8).
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import type { CallQueue } from "./callQueue.ts"
import { isEffect, noEffect, runSync } from "./evaluable.ts"
import type { MethodSpec } from "./method.ts"
import { type Observer, Ref } from "./ref.ts"
import type { Trace } from "./tracing.ts"
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
  readonly call: Call
  /** The context in which the call runs, without this frame, and with it. */
  readonly ground: Context.Context<never>
  own: Context.Context<never> | undefined
}

/** The key under which a call is found in the context of its own fiber, and of all fibers that this one forks. */
class CurrentCall extends Context.Service<CurrentCall, Frame | undefined>()("troupe/CurrentCall") {}

/** The list of waiters of an ask while nobody waits yet: settling needs no report, its caller looks at the exit. */
const ASKED: Array<Observer> = []

const NO_ARGS: ReadonlyArray<unknown> = []

/** The call whose method is on the JavaScript stack and has no fiber, or none yet. */
export const onStack: { call: Call | undefined } = { call: undefined }

export class Call extends Ref {
  stage: Stage = Stage.New
  /** When it began to wait, then when it began to run: milliseconds modulo 2^32, which the engine stores inline. */
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
  /** The context of the submitter. */
  readonly context: Context.Context<never>
  args: ReadonlyArray<unknown>
  /** Set if it gets a span. Not a field of every call, which would be larger for the sake of those few. */
  declare trace: Trace | undefined

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
    this.args = NO_ARGS
    this.children = undefined
    return true
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
      if (this.stage === Stage.New) return Effect.void
      this.queue.cell.cancel(this, true)
      return this.settled()
    })
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
      const done = () => resume(Effect.void)
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

  now(): number {
    // `| 0` is modulo 2^32, so differences are right for 49 days.
    return nowOf(this) | 0
  }

  stamp(): void {
    this.since = this.now()
  }

  override get origin(): string {
    return this.method.label
  }

  override get status(): string {
    if (this.exit !== undefined) return super.status
    if (this.stage === Stage.New) return "waiting for room"
    const seconds = ((this.now() - this.since) >>> 0) / 1000
    return `${this.stage < Stage.Running ? "waiting" : "running"} ${seconds.toFixed(1)} s`
  }

  override toJSON(): unknown {
    return { _id: "ObjectRef", id: this.id, call: this.origin, status: this.status }
  }
}

Call.prototype.trace = undefined

/** What time it is for who submitted a call, in milliseconds since the epoch. */
export const nowOf = (call: Call): number => Context.get(call.context, Clock.Clock).currentTimeMillisUnsafe()

const notAnEffect = (call: Call, value: unknown): TypeError => {
  const got = Stream.isStream(value) ? "a Stream. Run it as a Stream" : noEffect(value)
  return new TypeError(`${call.origin} must return an Effect, but returned ${got}`)
}

/** The context in which `call` runs: `ground`, and the call itself. */
export const within = (ground: Context.Context<never>, call: Call): Context.Context<never> => {
  const frame: Frame = { call, ground, own: undefined }
  frame.own = Context.addUnsafe(ground, CurrentCall.key, frame)
  return frame.own
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

/** The calls that led to this one, nearest first. */
export const callers = (call: Call, max: number): Array<Call> => {
  const path: Array<Call> = []
  let parent = submitter(call)
  for (; parent !== undefined && path.length < max; parent = submitter(parent)) path.push(parent)
  return path
}

/** Settled or not: a failed call was submitted by somebody all the same. */
const submitter = (call: Call): Call | undefined => Context.getOrUndefined(call.context, CurrentCall)?.call
