/**
 * What the explorer sees of the actors in a program: their calls, when they begin and end, and whether anybody looked at
 * their failures.
 *
 * This is the one file that knows core from the inside. An `ActorSystem` holds the cell of every instance; here cells are
 * given functions of their own that report to us and then do what the cell's class does. Only the cells of the system
 * that a schedule runs in are touched.
 */
import { ActorSystem } from "@troupe/core"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { ExplorerScheduler, Thread } from "./scheduler.ts"

/** A call of core's, as far as we need it. */
interface Call {
  readonly origin: string
  readonly exit: Exit.Exit<unknown, unknown> | undefined
  readonly stage: number
  readonly waiters: ReadonlyArray<unknown> | undefined
  settle(exit: Exit.Exit<unknown, unknown>): boolean
  look(): Exit.Exit<unknown, unknown> | undefined
}

/** A cell of core's, likewise. */
interface Cell {
  submit(call: Call, dispatcher: unknown, asked: boolean): void
  readonly running: { invoke(call: Call): unknown }
  settle(call: Call, exit: Exit.Exit<unknown, unknown>): void
}

export interface Seen {
  readonly label: string
  readonly call: object
}

/** Told of calls, for those who print them. */
export interface CallWitness {
  submitted(by: Thread, call: string): void
  started(by: Thread, call: string): void
  settled(by: Thread, call: string, exit: Exit.Exit<unknown, unknown>): void
}

const Asked: unique symbol = Symbol("asked")
const Looked: unique symbol = Symbol("looked")

interface Marked extends Call {
  [Asked]?: boolean
  [Looked]?: boolean
}

/** Waiting for room, arguments or a permit: {@link Call.stage} below this one. */
const RUNNING = 3

export class Watch {
  readonly system: ActorSystem.ActorSystem = Effect.runSync(ActorSystem.make)
  readonly labels = new Map<Call, string>()
  private readonly threads = new Map<Call, Thread>()
  witness: CallWitness | undefined = undefined
  private readonly counts = new Map<string, number>()
  private readonly scheduler: ExplorerScheduler

  constructor(scheduler: ExplorerScheduler) {
    this.scheduler = scheduler
    const { cells } = this.system[ActorSystem.TypeId] as unknown as { readonly cells: Set<Cell> }
    const add = cells.add.bind(cells)
    cells.add = (cell) => {
      this.attach(cell)
      return add(cell)
    }
  }

  private attach(cell: Cell): void {
    const { running, settle, submit } = cell
    const { invoke } = running
    cell.submit = (call: Marked, dispatcher, asked) => {
      this.submitted(call, asked)
      submit.call(cell, call, dispatcher, asked)
    }
    running.invoke = (call) => {
      const { scheduler } = this
      const label = this.labels.get(call)
      if (label !== undefined) this.witness?.started(scheduler.current, label)
      const effect = invoke.call(running, call)
      // The fiber that core runs this on is the next one to begin, unless there is a result already.
      scheduler.next = Exit.isExit(effect) ? undefined : this.threadFor(call)
      return effect
    }
    cell.settle = (call, exit) => {
      // Before those who wait for it hear of it, and go on.
      const label = this.labels.get(call)
      if (label !== undefined) this.witness?.settled(this.scheduler.current, label, exit)
      settle.call(cell, call, exit)
    }
  }

  /** The thread that a call runs on: made by whoever submitted it. Each time it runs again it has another. */
  private threadFor(call: Call): Thread | undefined {
    const first = this.threads.get(call)
    if (first === undefined || first.fiber === undefined) return first
    const again = this.scheduler.make(first)
    again.label = first.label
    return again
  }

  private submitted(call: Marked, asked: boolean): void {
    const count = (this.counts.get(call.origin) ?? 0) + 1
    this.counts.set(call.origin, count)
    const label = `${call.origin}#${count}`
    this.labels.set(call, label)
    const { scheduler } = this
    this.witness?.submitted(scheduler.current, label)
    const thread = scheduler.make(scheduler.current)
    thread.label = label
    this.threads.set(call, thread)
    // An asker looks at the result by itself.
    if (asked) call[Asked] = true
    else markLooks(call)
  }

  /** Calls that have been submitted, and have not settled. */
  unsettled(): Array<string> {
    return [...this.labels].flatMap(([call, label]) =>
      call.exit === undefined ? [`${label} ${call.stage < RUNNING ? "waits to start" : "has started"}`] : []
    )
  }

  /** Failures of calls that nobody waited for, and whose refs nobody has looked at since (semantics 3.6). */
  unobserved(): Array<{ readonly label: string; readonly cause: Cause.Cause<unknown> }> {
    return [...this.labels].flatMap(([call, label]) => {
      const { exit } = call
      const marked: Marked = call
      if (exit?._tag !== "Failure" || marked[Asked] || marked[Looked] || isCancelled(exit.cause)) return []
      return [{ label, cause: exit.cause }]
    })
  }
}

/** Makes a call remember whether anybody has looked at its result. */
const markLooks = (call: Marked): void => {
  const { look, settle } = call
  call.settle = function (exit) {
    if (this.waiters !== undefined && this.waiters.length > 0) call[Looked] = true
    return settle.call(this, exit)
  }
  call.look = function () {
    if (this.exit !== undefined) call[Looked] = true
    return look.call(this)
  }
}

/** A cancelled call failed because somebody wanted it to. */
const isCancelled = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.every((reason) => Cause.isFailReason(reason) && (reason.error as any)?.reason?._tag === "TaskCancelled")
