/**
 * A stream of a thread, which is pulled there only when it is pulled here.
 */
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import type { MethodCodec } from "../values/contract.ts"
import { movedBy } from "../values/transfer.ts"
import { type Answer, type CallId, From, To } from "../wire/protocol.ts"
import type { PackedSpan } from "../wire/spans.ts"
import type { CarriedCall } from "./carriedCalls.ts"
import { type Loss, unavailable } from "./loss.ts"
import { begin, exitOf, type Place, refusal } from "./place.ts"

export const outgoingStream = (
  place: Place,
  method: MethodCodec,
  args: ReadonlyArray<unknown>,
  reader?: Home.Reader
): Stream.Stream<unknown, unknown> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const streaming = new OutgoingStream(place, method, args, reader)
      yield* Effect.addFinalizer(() => streaming.close)
      streaming.start(yield* Effect.context<never>())
      return Stream.fromPull(Effect.succeed(streaming.pull))
    })
  ) as Stream.Stream<unknown, unknown>

type Chunk = readonly [unknown, ...Array<unknown>]

class OutgoingStream implements CarriedCall {
  private id: CallId | undefined = undefined
  private call: Home.Call | undefined = undefined
  /** Resumes the pull that waits for an answer. */
  private answer: ((chunk: Effect.Effect<Chunk, any>) => void) | undefined = undefined
  private end: Effect.Effect<never, any> | undefined = undefined
  /** Resumes `close`. */
  private onEnd: (() => void) | undefined = undefined
  private span: PackedSpan | undefined = undefined
  private readonly place: Place
  private readonly method: MethodCodec
  private readonly args: ReadonlyArray<unknown>
  private readonly reader: Home.Reader | undefined

  constructor(place: Place, method: MethodCodec, args: ReadonlyArray<unknown>, reader: Home.Reader | undefined) {
    this.place = place
    this.method = method
    this.args = args
    this.reader = reader
  }

  get label(): string {
    return `${this.place.actor}.${this.method.name}`
  }

  start(context: Context.Context<never>): void {
    const { args, method, reader } = this
    const { instance, self, thread } = this.place
    // A reader is no call: one that is in the context is that of the method that reads.
    this.call = reader === undefined ? Home.callIn(context) : undefined
    if (thread.lost !== undefined) {
      Home.crash(self, thread.lost.why, thread.lost.cause)
      return this.lose(thread.lost)
    }
    try {
      const packed = method.args.pack(args)
      const from = reader ?? this.call
      const baggage = from && Home.baggageOf(from)
      this.span = thread.spans.enter(context)
      this.id = thread.calls.add(this)
      thread.wire.post(begin(To.Stream, this.id, instance, method, packed, this.span, baggage), movedBy(args))
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
    this.place.thread.wire.post([To.Pull, this.id!])
  })

  /** Succeeds when the stream has ended in the thread, finalizers included. */
  readonly close: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.end !== undefined) return resume(Effect.void)
    this.onEnd = () => resume(Effect.void)
    if (this.id !== undefined) this.place.thread.interrupt(this.id)
  })

  take(answer: Answer): void {
    if (answer[0] === From.NotBegun) {
      if (this.call !== undefined) Home.notBegun(this.call)
      return this.finish(Exit.interrupt())
    }
    if (answer[0] === From.Success) return this.finish(Cause.done())
    const exit = exitOf(this.place.actor, this.method, answer)
    if (answer[0] === From.Items) {
      if (exit._tag === "Success") return this.answer?.(exit)
      // What cannot be read here has not ended there: it waits to be pulled.
      this.place.thread.interrupt(this.id!)
    }
    this.finish(exit as Exit.Exit<never, unknown>)
  }

  lose(loss: Loss): void {
    const begun = this.id !== undefined && this.place.thread.calls.mayHaveTaken(this.id)
    if (!begun && this.call !== undefined) Home.notBegun(this.call)
    this.finish(Exit.fail(unavailable(this.place.actor, this.method.name, loss, begun)))
  }

  refuse(error: unknown): void {
    this.finish(refusal(this.place, this.method, this.args, error))
  }

  private finish(end: Effect.Effect<never, any>): void {
    const { thread } = this.place
    if (this.id !== undefined) thread.calls.delete(this.id)
    thread.spans.leave(this.span)
    this.end = end
    this.answer?.(end)
    this.onEnd?.()
  }
}
