/**
 * Instances without calls, in the order in which they became idle. Joining, leaving and finding the first take the same
 * time however many there are. A Map would not do: to find its first it passes all that it has lost since it last grew.
 */
import type { Cell } from "../instance/cell.ts"

/** The place of an instance in the list. An instance keeps it, so that calls that come and go allocate nothing. */
export class Idle {
  /** Since when, as `elapsedIn` counts. */
  since = 0
  listed = false
  previous: Idle | undefined = undefined
  next: Idle | undefined = undefined

  readonly cell: Cell

  constructor(cell: Cell) {
    this.cell = cell
  }
}

export class IdleList {
  /** The one that has been idle longest. */
  first: Idle | undefined = undefined
  private last: Idle | undefined = undefined

  /** Puts an instance at the end, unless it is there already. */
  add(cell: Cell, since: number): void {
    cell.idle ??= new Idle(cell)
    const { idle } = cell
    if (idle.listed) return
    idle.since = since
    idle.listed = true
    idle.previous = this.last
    if (this.last === undefined) this.first = idle
    else this.last.next = idle
    this.last = idle
  }

  remove({ idle }: Cell): void {
    if (idle === undefined || !idle.listed) return
    const { next, previous } = idle
    if (previous === undefined) this.first = next
    else previous.next = next
    if (next === undefined) this.last = previous
    else next.previous = previous
    idle.listed = false
    idle.previous = idle.next = undefined
  }
}
