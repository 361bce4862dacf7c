/**
 * Whether this process has been told to end.
 *
 * A program that ends on SIGTERM interrupts its fibers, and none of that is a cancellation. Our listener notes the signal
 * before those of the program hear of it. It is only added where the program listens as well: without any listener the
 * signal ends the process on the spot, and ours alone would prevent that.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

const SIGNAL = "SIGTERM"

/** What to call. One listener serves all callers, since Node warns of many. */
const notes = new Set<() => void>()

const tell = (): void => {
  for (const note of notes) note()
}

/** Calls `note` when the process is told to end, as long as the Scope is open. */
export const onTermination = (note: () => void): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.sync(() => {
        if (process.listenerCount(SIGNAL) === 0) return
        if (notes.size === 0) process.prependListener(SIGNAL, tell)
        notes.add(note)
      }),
      () =>
        Effect.sync(() => {
          if (notes.delete(note) && notes.size === 0) process.removeListener(SIGNAL, tell)
        })
    )
  )
