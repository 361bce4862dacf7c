/**
 * What the owner does with the messages of a thread, and with those of its own that cannot be sent.
 */
import type * as Cause from "effect/Cause"
import { unpackAny } from "../values/causes.ts"
import { From, type FromThread, type Greeting, To, type ToThread } from "../wire/protocol.ts"
import type { Arrivals } from "./arrivals.ts"
import type { CarriedCalls } from "./carriedCalls.ts"
import type { Heartbeat } from "./heartbeat.ts"
import type { Replay } from "./replay.ts"
import type { Residents } from "./residents.ts"

/** The parts of a thread that messages are for. */
export interface Listener {
  readonly calls: CarriedCalls
  readonly residents: Residents
  readonly heartbeat: Heartbeat
  readonly arrivals: Arrivals
  readonly spans: Replay
  onReady(greeting: Greeting): void
  /** The implementation could not be built. */
  onFailed(cause: Cause.Cause<unknown>): void
  onPong(lagMillis: number): void
  /** The thread ends, maybe by an error that nothing caught. */
  onEnded(cause: Cause.Cause<unknown> | undefined): void
}

export const take = (to: Listener, message: FromThread): void => {
  switch (message[0]) {
    case From.Success:
    case From.Failure:
    case From.Items:
    case From.Refused:
    case From.NotBegun:
      return to.calls.get(message[1])?.take(message)
    case From.Ready:
      return to.onReady(message[1])
    case From.Failed:
      return to.onFailed(unpackAny(message[1]))
    case From.Closed:
      return to.residents.closed(message[1])
    case From.Died: {
      const [, instance, why, reasons, hasLived] = message
      return to.residents.died(instance, why, reasons, hasLived)
    }
    case From.Pong:
      to.heartbeat.answered()
      return to.onPong(message[1])
    case From.Spans:
      for (const report of message[1]) to.spans.take(report)
      return
    case From.Repeated:
      return to.arrivals.repeated()
    case From.Ended:
      return to.onEnded(message[1] && unpackAny(message[1]))
    default:
      message satisfies never
  }
}

/** A message cannot be cloned. Messages without values of users always can. */
export const refused = (to: Listener, message: ToThread, error: unknown): void => {
  switch (message[0]) {
    case To.Call:
    case To.Stream:
      return to.calls.get(message[1])?.refuse(error)
    case To.Open:
      return to.residents.refuse(message[1], error)
    case To.Interrupt:
    case To.Pull:
    case To.Close:
    case To.Ping:
    case To.Stop:
    case To.Unreadable:
    case To.Read:
    case To.Sent:
      return
    default:
      message satisfies never
  }
}
