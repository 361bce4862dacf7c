/**
 * The instances of a system that have unsettled calls: among a million that are idle, they are found at once.
 */

/** An instance is its own node: calls come and go faster than a Set takes them. */
export interface Node {
  previousBusy: Node | undefined
  nextBusy: Node | undefined
}

export class Busy<Cell extends Node> implements Iterable<Cell> {
  /** How many unsettled calls they have. */
  calls = 0
  /** Where the circle of nodes begins and ends. */
  private readonly end: Node = { previousBusy: undefined, nextBusy: undefined }

  constructor() {
    this.end.previousBusy = this.end.nextBusy = this.end
  }

  /** Puts an instance last, unless it is in the circle. */
  add(cell: Cell): void {
    if (cell.nextBusy !== undefined) return
    const last = this.end.previousBusy!
    cell.previousBusy = last
    cell.nextBusy = this.end
    last.nextBusy = this.end.previousBusy = cell
  }

  delete(cell: Cell): void {
    const { nextBusy, previousBusy } = cell
    if (nextBusy === undefined) return
    previousBusy!.nextBusy = nextBusy
    nextBusy.previousBusy = previousBusy
    cell.previousBusy = cell.nextBusy = undefined
  }

  *[Symbol.iterator](): Iterator<Cell> {
    // All nodes but the end are instances.
    for (let node = this.end.nextBusy!; node !== this.end; node = node.nextBusy!) yield node as Cell
  }
}
