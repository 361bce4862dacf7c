/**
 * Calls on their way to a thread, and what comes back.
 */
import * as ActorError from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import * as causes from "../values/causes.ts"
import type { Way } from "../values/contract.ts"
import { argumentsCannotCross, cannotCross } from "../values/issues.ts"
import { movedBy } from "../values/transfer.ts"
import { From, type Message, To } from "../wire/protocol.ts"
import type * as spans from "../wire/spans.ts"
import type { Loss, Thread } from "./thread.ts"

/** What a thread knows of each call that it carries. */
export interface Carrying {
  readonly label: string
  /** Takes what the thread says about the call. */
  take(message: Message): void
  /** The thread is lost. */
  lose(why: string, cause: Cause.Cause<unknown>): void
  /** The call cannot be sent. */
  refuse(error: unknown): void
}

/** An instance in a thread, as its calls see it. */
export interface Place {
  readonly thread: Thread
  readonly self: Parameters<typeof Home.crash>[0]
  readonly actor: string
  /** How the thread calls it. */
  readonly instance: number
}

/** The methods of an instance in a thread, as its constructor on this side gives them. */
export const implementation = (place: Place, ways: ReadonlyArray<Way>) =>
  Object.fromEntries(
    ways.map((way) => [
      way.name,
      way.stream
        ? (...args: ReadonlyArray<unknown>) => outgoingStream(place, way, args)
        : (...args: ReadonlyArray<unknown>) => new Outgoing(place, way, args)
    ])
  )

class Outgoing extends Home.Carried implements Carrying {
  private call: Home.Call | undefined = undefined
  /** How the thread knows it, once it has been sent there. */
  private id: number | undefined = undefined
  private reported = false
  private span: spans.Packed | undefined = undefined
  private readonly place: Place
  private readonly way: Way
  private readonly args: ReadonlyArray<unknown>

  constructor(place: Place, way: Way, args: ReadonlyArray<unknown>) {
    super()
    this.place = place
    this.way = way
    this.args = args
  }

  get label(): string {
    return this.call!.method.label
  }

  override start(call: Home.Call): void {
    this.call = call
    const { args, way } = this
    const { instance, thread } = this.place
    if (thread.lost !== undefined) return this.notice(thread.lost)
    try {
      const packed = way.args.pack(args)
      this.span = thread.spans.enter(call.context, Home.spanOf(call))
      this.id = thread.carry(this)
      thread.wire.post([To.Call, this.id, instance, way.index, packed, this.span], movedBy(args))
    } catch (error) {
      this.refuse(error)
    }
  }

  /** The thread was lost before its instance could be told: it is told now, and ends this call with all others. */
  private notice({ cause, why }: Loss): void {
    Home.crash(this.place.self, why, cause)
    if (!this.reported) this.lose(why, cause)
  }

  override interruptUnsafe(): void {
    const { call, place } = this
    const { instance, thread } = place
    if (call === undefined) return
    if (thread.losing) return
    if (thread.lost !== undefined) return this.lose(thread.lost.why, thread.lost.cause)
    if (this.id !== undefined) thread.interrupt(this.id)
    // Whoever kills an actor wants it gone: a thread that does not even listen is not waited for.
    if (Home.isDying(call)) thread.hurry(instance)
  }

  take(message: Message): void {
    if (message[0] === From.NotBegun) {
      Home.notBegun(this.call!)
      return this.report(Exit.interrupt(), false)
    }
    const restarted = message[0] === From.Failure && message[3]
    this.report(exitOf(this.place.actor, this.way, message), restarted)
  }

  lose(why: string, cause: Cause.Cause<unknown>): void {
    const call = this.call!
    const begun = this.id !== undefined && this.place.thread.mayHaveTaken(this.id)
    if (!begun) Home.notBegun(call)
    const lost = Home.endsForGood(call)
      ? Exit.interrupt()
      : Exit.fail(unavailable(this.place.actor, this.way, why, cause, begun))
    this.report(lost, true)
  }

  refuse(error: unknown): void {
    this.report(
      Exit.fail(decodeError(this.place.actor, this.way, argumentsCannotCross(this.args, error), false)),
      false
    )
  }

  private report(exit: Exit.Exit<any, any>, restarted: boolean): void {
    const { thread } = this.place
    this.reported = true
    if (this.id !== undefined) thread.drop(this.id)
    thread.spans.leave(this.span)
    Home.report(this.call!, exit, restarted)
  }
}

/** What an answer says about the end of a call. What does not fit the contract ends it, too. */
const exitOf = (actor: string, way: Way, message: Message): Exit.Exit<any, any> => {
  const content = message[2]
  try {
    switch (message[0]) {
      case From.Success:
        return Exit.succeed(way.success.unpack(content))
      case From.Items:
        return Exit.succeed(content.map(way.success.unpack))
      case From.Failure:
        return Exit.failCause(causes.unpack(content, way.error))
      default:
        return Exit.fail(decodeError(actor, way, content, message[3]))
    }
  } catch (error) {
    return Exit.fail(decodeError(actor, way, cannotCross("the answer", error), true))
  }
}

export const unavailable = (
  actor: string,
  way: Way,
  why: string,
  cause: Cause.Cause<unknown>,
  mayHaveRun: boolean
): ActorError.ActorError =>
  new ActorError.ActorError({
    reason: new ActorError.ActorUnavailable({ actor, method: way.name, why, mayHaveRun, cause: Cause.squash(cause) })
  })

const decodeError = (actor: string, { name }: Way, issue: string, mayHaveRun: boolean): ActorError.ActorError =>
  new ActorError.ActorError({ reason: new ActorError.DecodeError({ actor, method: name, issue, mayHaveRun }) })

/** A stream that is pulled over there only when it is pulled here. */
const outgoingStream = (place: Place, way: Way, args: ReadonlyArray<unknown>): Stream.Stream<unknown, unknown> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const streaming = new OutgoingStream(place, way, args)
      yield* Effect.addFinalizer(() => streaming.close)
      streaming.start(yield* Effect.context<never>())
      return Stream.fromPull(Effect.succeed(streaming.pull))
    })
  ) as Stream.Stream<unknown, unknown>

type Chunk = readonly [unknown, ...Array<unknown>]

class OutgoingStream implements Carrying {
  private id: number | undefined = undefined
  private call: Home.Call | undefined = undefined
  private answer: ((chunk: Effect.Effect<Chunk, any>) => void) | undefined = undefined
  private end: Effect.Effect<never, any> | undefined = undefined
  private over: (() => void) | undefined = undefined
  private span: spans.Packed | undefined = undefined
  private readonly place: Place
  private readonly way: Way
  private readonly args: ReadonlyArray<unknown>

  constructor(place: Place, way: Way, args: ReadonlyArray<unknown>) {
    this.place = place
    this.way = way
    this.args = args
  }

  get label(): string {
    return `${this.place.actor}.${this.way.name}`
  }

  start(context: Context.Context<never>): void {
    const { args, way } = this
    const { instance, self, thread } = this.place
    this.call = Home.callIn(context)
    if (thread.lost !== undefined) {
      Home.crash(self, thread.lost.why, thread.lost.cause)
      return this.lose(thread.lost.why, thread.lost.cause)
    }
    try {
      const packed = way.args.pack(args)
      this.span = thread.spans.enter(context)
      this.id = thread.carry(this)
      thread.wire.post([To.Stream, this.id, instance, way.index, packed, this.span], movedBy(args))
    } catch (error) {
      this.refuse(error)
    }
  }

  readonly pull: Effect.Effect<Chunk, any> = Effect.callback((resume) => {
    if (this.end !== undefined) return resume(this.end)
    this.answer = (chunk) => {
      this.answer = undefined
      resume(chunk)
    }
    this.place.thread.wire.post([To.Pull, this.id])
  })

  /** Succeeds when the stream has ended over there, finalizers included. */
  readonly close: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.end !== undefined) return resume(Effect.void)
    this.over = () => resume(Effect.void)
    if (this.id !== undefined) this.place.thread.interrupt(this.id)
  })

  take(message: Message): void {
    if (message[0] === From.NotBegun) {
      if (this.call !== undefined) Home.notBegun(this.call)
      return this.finish(Exit.interrupt())
    }
    const exit = exitOf(this.place.actor, this.way, message)
    if (message[0] === From.Success) this.finish(Cause.done())
    else if (message[0] === From.Items && exit._tag === "Success") this.answer?.(exit)
    else this.finish(exit as Exit.Exit<never, unknown>)
  }

  lose(why: string, cause: Cause.Cause<unknown>): void {
    const begun = this.id !== undefined && this.place.thread.mayHaveTaken(this.id)
    if (!begun && this.call !== undefined) Home.notBegun(this.call)
    this.finish(Exit.fail(unavailable(this.place.actor, this.way, why, cause, begun)))
  }

  refuse(error: unknown): void {
    this.finish(Exit.fail(decodeError(this.place.actor, this.way, argumentsCannotCross(this.args, error), false)))
  }

  private finish(end: Effect.Effect<never, any>): void {
    const { thread } = this.place
    if (this.id !== undefined) thread.drop(this.id)
    thread.spans.leave(this.span)
    this.end = end
    this.answer?.(end)
    this.over?.()
  }
}
