/**
 * Streaming methods (semantics 7.5). A stream holds one permit from its first pull to its end: the call that stands for
 * it runs as long as the stream is consumed.
 */
import type * as Channel from "effect/Channel"
import * as Effect from "effect/Effect"
import type { CallQueue } from "./callQueue.ts"
import type { MethodSpec } from "./method.ts"

export const toChannel = (
  _queue: CallQueue,
  method: MethodSpec,
  _args: ReadonlyArray<unknown>
): Channel.Channel<any, any, void, unknown, unknown, unknown> => {
  throw new TypeError(`${method.label}: streams come next ${String(Effect.void)}`)
}
