/**
 * Calls that end when an `AbortSignal` fires (semantics 5.8).
 *
 * A signal has one listener, however many calls it is to end, and none while there are none: a signal may live for as long
 * as the program.
 */
import type { AbortSignalLike } from "../../Actor.ts"
import { type Call, Stage } from "./call.ts"
import { descendants, endAll } from "./ending.ts"
import * as failure from "./failure.ts"

interface Listening {
  readonly calls: Set<Call>
  readonly listener: () => void
}

const listening = new WeakMap<AbortSignalLike, Listening>()

/** Has a call end when its signal fires, if it has one. A call that is watched already stays so. */
export const watch = (call: Call): void => {
  const { signal } = call.method
  if (signal === undefined) return
  // It fired since the call was submitted, in the body of the method.
  if (signal.aborted) return abort([call])
  const known = listening.get(signal) ?? listen(signal)
  known.calls.add(call)
}

const listen = (signal: AbortSignalLike): Listening => {
  const calls = new Set<Call>()
  const made = { calls, listener: () => abort([...calls]) }
  signal.addEventListener("abort", made.listener)
  listening.set(signal, made)
  return made
}

/** A call has settled, or waits no longer for room. */
export const leave = (call: Call): void => {
  const { signal } = call.method
  const known = signal && listening.get(signal)
  if (signal === undefined || known === undefined || !known.calls.delete(call) || known.calls.size > 0) return
  signal.removeEventListener("abort", known.listener)
  listening.delete(signal)
}

/** As `ObjectRef.cancelAll` does: all are told before the first one ends. */
const abort = (calls: ReadonlyArray<Call>): void => {
  endAll([...calls, ...descendants(calls)], Stage.Cancelling)
  for (const call of calls) {
    if (call.exit === undefined && call.stage === Stage.New) call.line.cell.deny(call, failure.cancelled(call))
  }
}

/** Whether a call is not to begin at all: its signal has fired. */
export const isAborted = (call: Call): boolean => call.method.signal?.aborted === true
