/**
 * What happened in one schedule, operation by operation, with the source lines of the program.
 *
 * An operation has no name and no place by itself. But whatever a generator yields is asked for its iterator, and at
 * that moment the generator is on the JavaScript stack. So while a schedule is traced, and only then, the iterator of
 * Effects notes where it is asked.
 */
import * as Fiber from "effect/Fiber"
import { whileYielding } from "./effectInternals.ts"
import type { ExplorerScheduler, Witness } from "./scheduler.ts"
import type { Thread } from "./thread.ts"
import type { CallWitness } from "./watch.ts"

export type TraceEvent =
  | { readonly _tag: "At"; readonly thread: Thread; readonly place: Place | undefined }
  | {
      readonly _tag: "Preempted"
      readonly thread: Thread
      /** Where its next operation is, if that is known and new. */
      readonly place: Place | undefined
      /** The number of its next operation. */
      readonly operation: number
    }
  | { readonly _tag: "Call"; readonly thread: Thread; readonly what: string; readonly call: string }
  | { readonly _tag: "Note"; readonly who: string; readonly what: string }
  | { readonly _tag: "Time"; readonly from: number; readonly to: number }

export interface Place {
  readonly file: string
  readonly line: number
}

/** Generators of libraries are no part of the program. */
const ignored = /[\\/]node_modules[\\/]|[\\/]packages[\\/](core|testing|cluster)[\\/]src[\\/]|^node:/

/** `at name (file:1:2)`, `at file:1:2` or `name@file:1:2`. Folders may have an `@` in their names: those of scopes have. */
const frame = /(?:\(|at |^[^\s@(]*@)((?:file:\/\/)?[^()\s][^()]*?):(\d+):\d+\)?$/

/** The frame of the generator is the one right above that of the iterator. */
const placeOf = (stack: string | undefined): Place | undefined => {
  const line = stack?.split("\n").filter((line) => frame.test(line))[1]
  const match = line === undefined ? null : frame.exec(line)
  if (match === null) return undefined
  const file = decodeURI(match[1]!.replace(/^file:\/\//, "").replace(/\?.*$/, ""))
  return ignored.test(file) ? undefined : { file, line: Number(match[2]) }
}

export class Trace implements Witness, CallWitness {
  readonly events: Array<TraceEvent> = []
  /** Where the fibers are that have not gone on from there yet. */
  readonly at = new Map<Thread, Place | undefined>()
  /** The places that are in {@link events} already. */
  private readonly reported = new Map<Thread, Place>()
  /** Who is preempted now. */
  private readonly suspended = new Set<Thread>()
  private readonly scheduler: ExplorerScheduler

  constructor(scheduler: ExplorerScheduler) {
    this.scheduler = scheduler
  }

  operation(thread: Thread): void {
    // Who goes on without having been chosen to has been interrupted, and never comes to what it was preempted before.
    if (this.suspended.delete(thread)) this.at.delete(thread)
    const place = this.at.get(thread)
    // The place stays, for the report of a fiber that never gets on from here.
    if (place === undefined) return
    const last = this.events[this.events.length - 1]
    // One expression is many operations.
    if (last?._tag === "At" && last.thread === thread && samePlace(last.place, place)) return
    if (this.reported.get(thread) === place) return
    this.reported.set(thread, place)
    this.events.push({ _tag: "At", thread, place })
  }

  preempted(thread: Thread): void {
    this.suspended.add(thread)
    const place = this.at.get(thread)
    const isNew = this.reported.get(thread) !== place
    this.events.push({
      _tag: "Preempted",
      thread,
      place: isNew ? place : undefined,
      operation: thread.operations
    })
  }

  resumed(thread: Thread): void {
    this.suspended.delete(thread)
    this.events.push({ _tag: "At", thread, place: undefined })
  }

  submitted(thread: Thread, call: string): void {
    this.events.push({ _tag: "Call", thread, what: "submits", call })
  }

  started(thread: Thread, call: string): void {
    this.events.push({ _tag: "Call", thread, what: "starts", call })
  }

  settled(thread: Thread, call: string, exit: { readonly _tag: string }): void {
    this.events.push({ _tag: "Call", thread, what: exit._tag === "Success" ? "succeeds" : "fails", call })
  }

  noted(who: string, what: string): void {
    this.events.push({ _tag: "Note", who, what })
  }

  moved(from: number, to: number): void {
    this.events.push({ _tag: "Time", from, to })
  }

  /** Runs `pump` with the iterators of Effects telling us where they are asked. */
  during<A>(pump: () => A): A {
    return whileYielding((stack) => this.arrived(stack), pump)
  }

  private arrived(stack: string | undefined): void {
    const fiber = Fiber.getCurrent()
    const thread = fiber && this.scheduler.fibers.get(fiber)
    if (thread === undefined) return
    const place = placeOf(stack)
    if (place !== undefined) this.at.set(thread, place)
  }
}

export const samePlace = (a: Place | undefined, b: Place | undefined): boolean =>
  a?.file === b?.file && a?.line === b?.line
