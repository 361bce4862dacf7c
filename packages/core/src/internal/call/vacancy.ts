/**
 * Room that several wait for: on a member of a pool, or for the readers of what they publish.
 */
import { Ref } from "./ref.ts"
import type { Blocked, Wait, Waiter } from "./waits.ts"

/** What has none now. */
interface Crowded {
  /** Those of whom one has to go on for there to be room. */
  blockers(): Iterable<Waiter | undefined>
  /** What is waited for, for people. */
  readonly missing: string
}

export class Vacancy extends Ref implements Blocked {
  readonly fiber = undefined
  waits: Wait | undefined = undefined
  declare private readonly crowded: Crowded

  constructor(crowded: Crowded) {
    super()
    this.crowded = crowded
  }

  blockers(): Iterable<Waiter | undefined> {
    return this.crowded.blockers()
  }

  override get origin(): string {
    return this.crowded.missing
  }
}
