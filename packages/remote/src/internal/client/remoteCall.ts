/**
 * A call on its way to the server, and its answer. It has no fiber here.
 */
import type { ActorError } from "@troupe/core/ActorError"
import * as Home from "@troupe/core/Home"
import * as Exit from "effect/Exit"
import { unavailable } from "../wire/failure.ts"
import { codecsOf } from "./codecs.ts"
import type * as link from "./link.ts"
import type { Place } from "./link.ts"
import { readable, requestOf, subjectOf, told, unwritable } from "./place.ts"

/** Nobody has ended it here. */
const ENDED = "the server ended the call, since it stops"

export class RemoteCall extends Home.Carried implements link.Outgoing {
  private call: Home.Call | undefined = undefined
  private packed: link.Request | undefined = undefined
  private reported = false
  readonly place: Place
  private readonly args: ReadonlyArray<unknown>

  constructor(place: Place, args: ReadonlyArray<unknown>) {
    super()
    this.place = place
    this.args = args
  }

  get request(): link.Request {
    return this.packed!
  }

  override start(call: Home.Call): void {
    this.call = call
    const { args, place } = this
    try {
      this.packed = requestOf(place, { args }, call, Home.spanOf(call))
    } catch (error) {
      return this.refused(unwritable(place, error))
    }
    place.link.send(this)
  }

  override interruptUnsafe(): void {
    const { call } = this
    if (call === undefined || this.reported) return
    this.place.link.interrupt(this)
    // The caller of a kill wants the end, whatever the server is doing.
    if (Home.isDying(call)) this.report(Exit.interrupt(), false)
  }

  items(): void {}

  ended(encoded: link.Exit, restarted = false): void {
    const { place } = this
    const call = this.call!
    const exit = readable(place, () => codecsOf(place.method).exit(encoded))
    if (exit._tag === "Success") return this.report(exit, false)
    if (!Home.endsForGood(call)) return this.report(told(place, exit, ENDED), restarted)
    // What could not be cancelled any more has failed by itself.
    const reason = (exit.cause.reasons[0] as any)?.error?.reason
    if (reason?._tag !== "TaskCancelled") return this.report(exit, false)
    if (!reason.mayHaveRun) Home.notBegun(call)
    this.report(Exit.interrupt(), false)
  }

  lost(why: string, begun: boolean, cause?: unknown): void {
    if (Home.endsForGood(this.call!)) return this.report(Exit.interrupt(), false)
    this.report(Exit.fail(unavailable(subjectOf(this.place), why, begun, cause)), begun)
  }

  refused(error: ActorError): void {
    this.report(Exit.fail(error), false)
  }

  withdrawn(): void {
    Home.notBegun(this.call!)
    this.report(Exit.interrupt(), false)
  }

  private report(exit: Exit.Exit<any, any>, restarted: boolean): void {
    if (this.reported) return
    this.reported = true
    Home.report(this.call!, exit, restarted)
  }
}
