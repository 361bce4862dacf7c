/**
 * What calls leave that are ended: permits for the line, and room for those who wait for it (semantics 5.6).
 *
 * A batch is ended one call after the other: a timeout interrupts this asker, then the next. Were a permit handed on when
 * it is free, each call that is ended would start one that is about to be ended as well. So what ended calls leave is
 * handed on in the next turn of the scheduler, when the calls that were ended with them have left the line.
 */
import type * as Context from "effect/Context"
import * as stack from "../base/stack.ts"
import type { Call } from "../call/call.ts"

/**
 * A fiber that ends many calls yields on its way. So as long as each turn ends more, the handover waits for the next one,
 * though not for ever: other calls may be ended in every turn of a busy program.
 */
const MAX_TURNS = 64

/** What a handover needs of its instance. */
interface Giver {
  readonly room: { held: number } | undefined
  lines(): Iterable<{ held: number; next(): void }>
  attend(): void
}

export class Handover {
  private turns = 0
  private endedMore = false
  private scheduled = false

  declare private readonly cell: Giver

  constructor(cell: Giver) {
    this.cell = cell
  }

  /** A call was ended, and leaves something. */
  later(call: Call): void {
    this.putOff()
    if (!this.scheduled) this.schedule(call.context)
  }

  /** A call was ended, perhaps before it had anything to leave. */
  putOff(): void {
    this.endedMore = true
  }

  private schedule(context: Context.Context<never>): void {
    this.scheduled = true
    this.endedMore = false
    stack.later(undefined, context, () => {
      this.scheduled = false
      if (this.endedMore && ++this.turns < MAX_TURNS) this.schedule(context)
      else this.now()
    })
  }

  now(): void {
    const { cell } = this
    this.turns = 0
    if (cell.room !== undefined) cell.room.held = 0
    for (const line of cell.lines()) line.held = 0
    cell.attend()
    for (const line of cell.lines()) line.next()
  }
}
