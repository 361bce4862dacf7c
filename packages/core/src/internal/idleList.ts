/**
 * Instances without calls, in the order in which they became idle. Who comes first is found at once, however many there
 * are and whoever has left: a Map looks at the places of all that it has deleted since it last grew.
 */
import type { Cell } from "./cell.ts"

export interface Idle {
  readonly cell: Cell
  /** Since when, as `elapsedIn` counts. */
  readonly since: number
  previous: Idle | undefined
  next: Idle | undefined
}

export class IdleList {
  /** The one that has been idle longest. */
  first: Idle | undefined = undefined
  private last: Idle | undefined = undefined
  private readonly all = new Map<Cell, Idle>()

  /** Puts an instance at the end, unless it is there already. */
  add(cell: Cell, since: number): void {
    if (this.all.has(cell)) return
    const idle: Idle = { cell, since, previous: this.last, next: undefined }
    if (this.last === undefined) this.first = idle
    else this.last.next = idle
    this.last = idle
    this.all.set(cell, idle)
  }

  remove(cell: Cell): void {
    const idle = this.all.get(cell)
    if (idle === undefined) return
    this.all.delete(cell)
    const { next, previous } = idle
    if (previous === undefined) this.first = next
    else previous.next = next
    if (next === undefined) this.last = previous
    else next.previous = previous
  }
}
