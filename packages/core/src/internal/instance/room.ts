/**
 * The submitters that wait, in order, until an instance with `maxPendingCalls` has room for their calls. An instance has
 * a room once a call has found none: most have no need of one.
 */
import * as asyncContext from "../base/asyncContext.ts"
import type { Call } from "../call/call.ts"
import type { Node } from "./busy.ts"
import { Phase } from "./phase.ts"

/** What a room needs of its instance. */
interface Crowded extends Node {
  readonly options: { readonly maxPendingCalls: number }
  readonly registry: { readonly busy: { calls: number; add(cell: Node): void; delete(cell: Node): void } | undefined }
  readonly life: { readonly phase: Phase }
  /** Calls accepted and not yet settled. */
  readonly pending: number
}

export class Room {
  /** What ended calls left of it, which others get in the next turn (semantics 5.6). */
  held = 0
  /** Calls that were found to be waited for, and not to be stuck. When room goes to others they may be. */
  readonly watched = new Set<Call>()
  private readonly line = new Map<Call, () => void>()

  declare private readonly cell: Crowded

  constructor(cell: Crowded) {
    this.cell = cell
  }

  /** How many wait. */
  get size(): number {
    return this.line.size
  }

  /** Calls `submit` when it is the turn of a call, in the async context of now, unless the call leaves before. */
  wait(call: Call, submit: () => void): void {
    this.line.set(call, asyncContext.bind(submit))
    this.counts(1)
  }

  watch(call: Call): void {
    if (this.line.has(call)) this.watched.add(call)
  }

  /** A call has settled, or its submitter was interrupted: it needs no room any more. */
  leave(call: Call): void {
    this.watched.delete(call)
    if (this.line.delete(call)) this.counts(-1)
  }

  /** Lets in those whose turn it is, as far as there is room. When the instance has died they are let in to fail. */
  admit(): void {
    const { life, options } = this.cell
    for (const [call, submit] of this.line) {
      if (life.phase === Phase.Open && this.cell.pending + this.held >= options.maxPendingCalls) return
      this.leave(call)
      submit()
    }
  }

  calls(): Iterable<Call> {
    return this.line.keys()
  }

  /** A call waits for room, or does not any more. */
  private counts(change: 1 | -1): void {
    const { cell } = this
    const { busy } = cell.registry
    if (busy === undefined) return
    busy.calls += change
    if (change === 1) busy.add(cell)
    else if (cell.pending === 0 && this.size === 0) busy.delete(cell)
  }
}
