/**
 * Warnings about what happens over and over: each is said at once, then once a minute, with how often it happened.
 */
import * as Effect from "effect/Effect"

interface Said {
  at: number
  unsaid: number
}

const PAUSE = 60_000
/** Strangers may have any number of addresses. Beyond it, they share a line. */
const MAX_SUBJECTS = 50

export class Warnings {
  private readonly said = new Map<string, Said>()
  private readonly others: Said = { at: -Infinity, unsaid: 0 }

  /** Warns of something that happens to a subject. */
  readonly warn = (subject: string, message: string): Effect.Effect<void> =>
    Effect.clockWith((clock) => {
      const now = Number(clock.currentTimeNanosUnsafe()) / 1e6
      const said = this.get(subject, now)
      if (now - said.at < PAUSE) {
        said.unsaid++
        return Effect.void
      }
      const { unsaid } = said
      said.at = now
      said.unsaid = 0
      return Effect.logWarning(unsaid === 0 ? message : `${message} (${unsaid} more like it since the last warning)`)
    })

  private get(subject: string, now: number): Said {
    const known = this.said.get(subject)
    if (known !== undefined) return known
    if (this.said.size >= MAX_SUBJECTS) this.forget(now)
    if (this.said.size >= MAX_SUBJECTS) return this.others
    const said = { at: -Infinity, unsaid: 0 }
    this.said.set(subject, said)
    return said
  }

  private forget(now: number): void {
    for (const [subject, { at, unsaid }] of this.said) {
      if (unsaid === 0 && now - at >= PAUSE) this.said.delete(subject)
    }
  }
}
