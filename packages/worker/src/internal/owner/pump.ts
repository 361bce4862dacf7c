/**
 * How an owner blocks on calls of a thread: its event loop, and with it the heartbeat, stands still meanwhile.
 */

import type * as Home from "@troupe/core/Home"
import { platform } from "#platform"
import { Word } from "../wire/memory.ts"
import { HEARTBEAT_MILLIS, type Heartbeat } from "./heartbeat.ts"
import type { Loss } from "./loss.ts"

interface Pumped {
  readonly shared: Int32Array
  readonly wire: { flush(): void; drain(): boolean }
  readonly heartbeat: Heartbeat
  readonly lost: Loss | undefined
  /** In milliseconds. */
  readonly unresponsiveAfter: number
}

export const pumpOf = (thread: Pumped): Home.Pump => (platform.receive === undefined ? refusing : pumping(thread))

const refuse = (): never => {
  throw new TypeError(
    "ObjectRef.getSync: in a browser, what a thread says arrives between turns of the event loop, so whoever blocks would wait for ever. Use await or yield*."
  )
}

const refusing: Home.Pump = { flush: refuse, receive: refuse }

const pumping = (thread: Pumped): Home.Pump => ({
  flush: () => thread.wire.flush(),
  receive: (milliseconds) => {
    const { heartbeat, shared, wire } = thread
    const posted = Atomics.load(shared, Word.Posted)
    if (wire.drain()) return true
    if (thread.lost !== undefined || Atomics.load(shared, Word.Dead) !== 0) return false
    if (heartbeat.isSilentFor(thread.unresponsiveAfter)) return false
    const wait = Math.min(milliseconds, HEARTBEAT_MILLIS)
    const late = Atomics.wait(shared, Word.Posted, posted, wait) === "timed-out"
    wire.drain()
    if (late) heartbeat.ping()
    return true
  }
})
