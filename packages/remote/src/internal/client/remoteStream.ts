/**
 * A stream of the server, or a subscription, which is pulled there only when it is pulled here.
 */
import type { ActorError } from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import { unavailable } from "../wire/failure.ts"
import type { Payload } from "../wire/wire.ts"
import { codecsOf } from "./codecs.ts"
import type * as link from "./link.ts"
import type { Place } from "./link.ts"
import { readable, requestOf, subjectOf, told, unwritable } from "./place.ts"

export const remoteStream = (place: Place, payload: Payload, reader?: Home.Reader): Stream.Stream<any, any> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const streaming = new RemoteStream(place)
      yield* Effect.addFinalizer(() => streaming.close)
      streaming.start(payload, yield* Effect.context<never>(), reader)
      return Stream.fromPull(Effect.succeed(streaming.pull))
    })
  ) as Stream.Stream<any, any>

type Chunk = readonly [unknown, ...Array<unknown>]

class RemoteStream implements link.Outgoing {
  private packed: link.Request | undefined = undefined
  /** What came before it was pulled. */
  private arrived: Effect.Effect<Chunk, any> | undefined = undefined
  /** Resumes the pull that waits for an answer. */
  private answer: ((chunk: Effect.Effect<Chunk, any>) => void) | undefined = undefined
  private end: Effect.Effect<never, any> | undefined = undefined
  /** Resumes `close`. */
  private onEnd: (() => void) | undefined = undefined
  private isAcked = true
  readonly place: Place

  constructor(place: Place) {
    this.place = place
  }

  get request(): link.Request {
    return this.packed!
  }

  start(payload: Payload, context: Context.Context<never>, reader: Home.Reader | undefined): void {
    const { place } = this
    // A reader is no call: one that is in the context is that of the method that reads.
    const call = reader === undefined ? Home.callIn(context) : undefined
    try {
      this.packed = requestOf(place, payload, reader ?? call, call && Home.spanOf(call))
    } catch (error) {
      return this.refused(unwritable(place, error))
    }
    place.link.send(this)
  }

  readonly pull: Effect.Effect<Chunk, any> = Effect.callback((resume) => {
    const { arrived } = this
    if (arrived !== undefined) {
      this.arrived = undefined
      return resume(arrived)
    }
    if (this.end !== undefined) return resume(this.end)
    this.answer = resume
    if (this.isAcked) return
    this.isAcked = true
    this.place.link.more(this)
  })

  /** Succeeds when the stream has ended at the server, finalizers included. */
  readonly close: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.end !== undefined) return resume(Effect.void)
    this.onEnd = () => resume(Effect.void)
    this.place.link.interrupt(this)
  })

  items(values: ReadonlyArray<unknown>): void {
    this.isAcked = false
    const items = readable(this.place, () =>
      Exit.succeed(codecsOf(this.place.method).items(values) as unknown as Chunk)
    )
    if (items._tag === "Success") return this.give(items)
    this.finish(Exit.failCause(items.cause))
    this.place.link.interrupt(this)
  }

  ended(encoded: link.Exit): void {
    const { place } = this
    const exit = readable(place, () => codecsOf(place.method).exit(encoded))
    if (exit._tag === "Success") return this.finish(Cause.done())
    this.finish(told(place, exit, "the server ended the call, since it stops"))
  }

  lost(why: string, begun: boolean, cause?: unknown): void {
    this.finish(Exit.fail(unavailable(subjectOf(this.place), why, begun, cause)))
  }

  refused(error: ActorError): void {
    this.finish(Exit.fail(error))
  }

  withdrawn(): void {
    this.finish(Exit.interrupt())
  }

  private give(chunk: Effect.Effect<Chunk, any>): void {
    const { answer } = this
    this.answer = undefined
    if (answer === undefined) this.arrived = chunk
    else answer(chunk)
  }

  private finish(end: Effect.Effect<never, any>): void {
    if (this.end !== undefined) return
    this.end = end
    const { answer } = this
    this.answer = undefined
    answer?.(end)
    this.onEnd?.()
  }
}
