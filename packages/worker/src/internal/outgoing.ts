/**
 * Calls on their way to a thread, and what comes back.
 */
import * as ActorError from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import * as causes from "./causes.ts"
import type { Way } from "./contract.ts"
import { From, type Message, To } from "./protocol.ts"
import * as spans from "./spans.ts"
import type { Thread } from "./thread.ts"
import { movedBy } from "./transfer.ts"

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

/** The methods of an instance in a thread, as its constructor on this side gives them. */
export const implementation = (thread: Thread, actor: string, instance: number, ways: ReadonlyArray<Way>) =>
  Object.fromEntries(
    ways.map((way) => [
      way.name,
      way.stream
        ? (...args: ReadonlyArray<unknown>) => outgoingStream(thread, actor, instance, way, args)
        : (...args: ReadonlyArray<unknown>) => new Outgoing(thread, actor, instance, way, args)
    ])
  )

class Outgoing extends Home.Carried implements Carrying {
  private call: Home.Call | undefined = undefined
  private readonly thread: Thread
  private readonly actor: string
  private readonly instance: number
  private readonly way: Way
  private readonly args: ReadonlyArray<unknown>

  constructor(thread: Thread, actor: string, instance: number, way: Way, args: ReadonlyArray<unknown>) {
    super()
    this.thread = thread
    this.actor = actor
    this.instance = instance
    this.way = way
    this.args = args
  }

  get label(): string {
    return this.call!.method.label
  }

  override start(call: Home.Call): void {
    this.call = call
    const { args, instance, thread, way } = this
    if (thread.lost !== undefined) return this.lose(thread.lost.why, thread.lost.cause, false)
    try {
      const packed = way.args.pack(args)
      const span = spans.of(call.context)
      thread.carry(call.id, this)
      thread.wire.post([To.Call, call.id, instance, way.index, packed, span], movedBy(args))
    } catch (error) {
      this.refuse(error)
    }
  }

  override interruptUnsafe(): void {
    const { call, thread } = this
    if (call === undefined) return
    if (thread.lost !== undefined) return this.lose(thread.lost.why, thread.lost.cause)
    thread.wire.post([To.Interrupt, call.id])
    // Whoever kills an actor wants it gone: a thread that does not even listen is not waited for.
    if (Home.isDying(call)) thread.hurry()
  }

  take([kind, , content, restarted]: Message): void {
    const { call, thread, way } = this
    thread.drop(call!.id)
    Home.report(call!, kind === From.Success ? success(way, content) : failure(way, content), restarted === true)
  }

  lose(why: string, cause: Cause.Cause<unknown>, mayHaveRun = true): void {
    const call = this.call!
    this.thread.drop(call.id)
    const lost = Home.endsForGood(call)
      ? Exit.interrupt()
      : Exit.fail(unavailable(this.actor, this.way, why, cause, mayHaveRun))
    Home.report(call, lost, true)
  }

  refuse(error: unknown): void {
    this.thread.drop(this.call!.id)
    Home.report(this.call!, Exit.fail(uncloneable(this.actor, this.way, "an argument", error, false)), false)
  }
}

const success = (way: Way, content: unknown): Exit.Exit<unknown, unknown> => {
  try {
    return Exit.succeed(way.success.unpack(content))
  } catch (error) {
    return Exit.die(error)
  }
}

const failure = (way: Way, reasons: any): Exit.Exit<never, unknown> => {
  try {
    return Exit.failCause(causes.unpack(reasons, way.error))
  } catch (error) {
    return Exit.die(error)
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

export const uncloneable = (actor: string, way: Way, what: string, error: unknown, mayHaveRun: boolean) =>
  new ActorError.ActorError({
    reason: new ActorError.DecodeError({
      actor,
      method: way.name,
      issue: `${what} cannot cross to another thread: ${error instanceof Error ? error.message : String(error)}. Pass plain data, or values that the contract has a schema for; refs nested in an argument have to be awaited first.`,
      mayHaveRun
    })
  })

let lastStream = 0

/** A stream that is pulled over there only when it is pulled here. It has a number of its own, since it is no call. */
const outgoingStream = (
  thread: Thread,
  actor: string,
  instance: number,
  way: Way,
  args: ReadonlyArray<unknown>
): Stream.Stream<unknown, unknown> =>
  Stream.unwrap(
    Effect.gen(function* () {
      if (thread.lost !== undefined)
        return yield* Effect.fail(unavailable(actor, way, thread.lost.why, thread.lost.cause, false))
      const context = yield* Effect.context<never>()
      const id = --lastStream
      let answer: ((chunk: Effect.Effect<any, any>) => void) | undefined
      let end: Effect.Effect<any, any> | undefined
      let over: (() => void) | undefined
      const finish = (exit: Effect.Effect<any, any>) => {
        thread.drop(id)
        end = exit
        answer?.(exit)
        over?.()
      }
      const carrying: Carrying = {
        label: `${actor}.${way.name}`,
        take: ([kind, , content]) => {
          if (kind === From.Items) return answer?.(items(way, content))
          finish(kind === From.Success ? Cause.done() : failure(way, content))
        },
        lose: (why, cause) => finish(Exit.fail(unavailable(actor, way, why, cause, true))),
        refuse: (error) => finish(Exit.fail(uncloneable(actor, way, "an argument", error, false)))
      }
      thread.carry(id, carrying)
      try {
        thread.wire.post([To.Stream, id, instance, way.index, way.args.pack(args), spans.of(context)], movedBy(args))
      } catch (error) {
        carrying.refuse(error)
      }
      const pull = Effect.callback<readonly [unknown, ...Array<unknown>], any>((resume) => {
        if (end !== undefined) return resume(end)
        answer = (exit) => {
          answer = undefined
          resume(exit)
        }
        thread.wire.post([To.Pull, id])
      })
      const close = Effect.callback<void>((resume) => {
        if (end !== undefined) return resume(Effect.void)
        over = () => resume(Effect.void)
        thread.wire.post([To.Interrupt, id])
      })
      yield* Effect.addFinalizer(() => close)
      return Stream.fromPull(Effect.succeed(pull))
    })
  ) as Stream.Stream<unknown, unknown>

const items = (way: Way, content: ReadonlyArray<unknown>): Exit.Exit<any, any> => {
  try {
    return Exit.succeed(content.map(way.success.unpack))
  } catch (error) {
    return Exit.die(error)
  }
}
