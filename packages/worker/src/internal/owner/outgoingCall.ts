/**
 * A call on its way to a thread, and its answer.
 */
import * as Home from "@troupe/core/Home"
import * as Exit from "effect/Exit"
import type { MethodCodec } from "../values/contract.ts"
import { movedBy } from "../values/transfer.ts"
import { type Answer, type CallId, From, To } from "../wire/protocol.ts"
import type { PackedSpan } from "../wire/spans.ts"
import type { CarriedCall } from "./carriedCalls.ts"
import { type Loss, unavailable } from "./loss.ts"
import { begin, exitOf, type Place, refusal } from "./place.ts"

export class OutgoingCall extends Home.Carried implements CarriedCall {
  private call: Home.Call | undefined = undefined
  /** The number under which the thread knows it, once it has been sent there. */
  private id: CallId | undefined = undefined
  private reported = false
  private span: PackedSpan | undefined = undefined
  private readonly place: Place
  private readonly method: MethodCodec
  private readonly args: ReadonlyArray<unknown>

  constructor(place: Place, method: MethodCodec, args: ReadonlyArray<unknown>) {
    super()
    this.place = place
    this.method = method
    this.args = args
  }

  get label(): string {
    return this.call!.method.label
  }

  override start(call: Home.Call): void {
    this.call = call
    const { args, method } = this
    const { instance, thread } = this.place
    if (thread.lost !== undefined) return this.notice(thread.lost)
    try {
      const packed = method.args.pack(args)
      const baggage = Home.baggageOf(call)
      this.span = thread.spans.enter(call.context, Home.spanOf(call))
      this.id = thread.calls.add(this)
      thread.wire.post(begin(To.Call, this.id, instance, method, packed, this.span, baggage), movedBy(args))
    } catch (error) {
      this.refuse(error)
    }
  }

  /** The thread was lost before its instance could be told. It is told now, and ends this call with all others. */
  private notice(loss: Loss): void {
    Home.crash(this.place.self, loss.why, loss.cause)
    if (!this.reported) this.lose(loss)
  }

  override interruptUnsafe(): void {
    const { call, place } = this
    const { instance, thread } = place
    if (call === undefined) return
    if (thread.losing) return
    if (thread.lost !== undefined) return this.lose(thread.lost)
    if (this.id !== undefined) thread.interrupt(this.id)
    // The caller of a kill wants the instance gone, and must not wait for a thread that does not even listen.
    if (Home.isDying(call)) thread.abandonIfUnresponsive(instance)
  }

  take(answer: Answer): void {
    if (answer[0] === From.NotBegun) {
      Home.notBegun(this.call!)
      return this.report(Exit.interrupt(), false)
    }
    const restarted = answer[0] === From.Failure && answer[3]
    this.report(exitOf(this.place.actor, this.method, answer), restarted)
  }

  lose(loss: Loss): void {
    const call = this.call!
    const begun = this.id !== undefined && this.place.thread.calls.mayHaveTaken(this.id)
    if (!begun) Home.notBegun(call)
    const exit = Home.endsForGood(call)
      ? Exit.interrupt()
      : Exit.fail(unavailable(this.place.actor, this.method.name, loss, begun))
    this.report(exit, true)
  }

  refuse(error: unknown): void {
    this.report(refusal(this.place, this.method, this.args, error), false)
  }

  private report(exit: Exit.Exit<any, any>, restarted: boolean): void {
    const { thread } = this.place
    this.reported = true
    if (this.id !== undefined) thread.calls.delete(this.id)
    thread.spans.leave(this.span)
    Home.report(this.call!, exit, restarted)
  }
}
