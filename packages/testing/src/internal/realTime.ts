/**
 * Real time, and turns of the event loop, in which promises and timers of the world outside get their chance.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"

export const liveClock = Context.get(Context.empty(), Clock.Clock)

/** Milliseconds since some moment. */
export const now = (): number => Number(liveClock.monotonicTimeNanosUnsafe()) / 1e6

interface Timers {
  readonly setImmediate?: ((f: () => void) => unknown) | undefined
  readonly setTimeout: (f: () => void, millis: number) => unknown
}

const timers = globalThis as unknown as Timers

export const turnOfEventLoop = (): Promise<void> =>
  new Promise((resolve) => {
    if (timers.setImmediate !== undefined) timers.setImmediate(resolve)
    else timers.setTimeout(resolve, 0)
  })

export const pause = (millis: number): Promise<void> => new Promise((resolve) => timers.setTimeout(resolve, millis))
