/**
 * What the explorer sees of the actors in a program: their calls, when they begin and end, and whether their failures
 * were handled. It is a tool attached to the `ActorSystem` of the schedule.
 */
import { ActorSystem, Instrumentation } from "@troupe/core"
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { ExplorerScheduler } from "./scheduler.ts"
import type { Thread } from "./thread.ts"

/** Told of calls, for those who print them. */
export interface CallWitness {
  submitted(by: Thread, call: string): void
  started(by: Thread, call: string): void
  settled(by: Thread, call: string, exit: Exit.Exit<unknown, unknown>): void
}

/** What is known of a call. */
interface Known {
  readonly label: string
  /** The thread that it runs on, made by its submitter. Each time it runs again it has another. */
  thread: Thread
  /** `"starting"` until the first fiber of an attempt begins, if it needs one. */
  state: "waiting" | "starting" | "running" | Exit.Exit<unknown, unknown>
  /** Whether its failure needs no report. */
  handled: boolean
}

export class Watch implements Instrumentation.Tool {
  readonly system: ActorSystem.ActorSystem = Effect.runSync(ActorSystem.make)
  witness: CallWitness | undefined = undefined
  private readonly calls = new Map<number, Known>()
  private readonly counts = new Map<string, number>()
  private readonly scope = Scope.makeUnsafe()
  private readonly scheduler: ExplorerScheduler

  constructor(scheduler: ExplorerScheduler) {
    this.scheduler = scheduler
    scheduler.threadFor = (fiber) => this.threadFor(fiber)
    // Tasks belong to the whole process, which may use them outside of the schedule.
    const context = Context.add(Context.make(Scope.Scope, this.scope), ActorSystem.ActorSystem, this.system)
    Effect.runSyncWith(context)(Instrumentation.attach(this, { tasks: false }))
  }

  /** Looks away: what is still to come is cleaning up. */
  close(): void {
    Effect.runSync(Scope.close(this.scope, Exit.void))
  }

  submitted({ id, method }: Instrumentation.Call, asked: boolean): void {
    const count = (this.counts.get(method) ?? 0) + 1
    this.counts.set(method, count)
    const label = `${method}#${count}`
    const { scheduler } = this
    this.witness?.submitted(scheduler.current, label)
    const thread = scheduler.make(scheduler.current)
    thread.label = label
    // An asker gets the result by itself, or was interrupted, and then it needs none.
    this.calls.set(id, { label, thread, state: "waiting", handled: asked })
  }

  started({ id }: Instrumentation.Call): void {
    const call = this.calls.get(id)!
    call.state = "starting"
    this.witness?.started(this.scheduler.current, call.label)
  }

  requeued({ id }: Instrumentation.Call): void {
    this.calls.get(id)!.state = "waiting"
  }

  settled({ id }: Instrumentation.Call, exit: Exit.Exit<unknown, unknown>): void {
    const call = this.calls.get(id)!
    call.state = exit
    this.witness?.settled(this.scheduler.current, call.label, exit)
  }

  handled({ id }: Instrumentation.Call): void {
    const call = this.calls.get(id)
    // A call that found no room was never submitted.
    if (call !== undefined) call.handled = true
  }

  /** The thread of a new fiber, if it is the one that a call has just been started on. */
  private threadFor(fiber: Fiber.Fiber<unknown, unknown>): Thread | undefined {
    const of = Instrumentation.callIn(fiber.context)
    const call = of && this.calls.get(of.id)
    if (call?.state !== "starting") return undefined
    call.state = "running"
    if (call.thread.fiber !== undefined) call.thread = this.again(call)
    return call.thread
  }

  private again({ label, thread }: Known): Thread {
    const again = this.scheduler.make(thread)
    again.label = label
    return again
  }

  /** Calls that have been submitted, and have not settled. */
  unsettled(): Array<string> {
    return [...this.calls.values()].flatMap(({ label, state }) =>
      typeof state === "string" ? [`${label} ${state === "waiting" ? "waits to start" : "has started"}`] : []
    )
  }

  /** Failures that were not handled (semantics 3.6). */
  unobserved(): Array<{ readonly label: string; readonly cause: Cause.Cause<unknown> }> {
    return [...this.calls.values()].flatMap(({ handled, label, state }) =>
      typeof state === "string" || state._tag === "Success" || handled ? [] : [{ label, cause: state.cause }]
    )
  }
}
