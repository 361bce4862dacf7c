/**
 * What one peer may ask of the server.
 */
import * as Home from "@troupe/core/Home"
import * as Duration from "effect/Duration"
import type { Limits } from "../../RemoteHome.ts"

export interface Bounds {
  readonly messageBytes: number
  readonly depth: number
  readonly calls: number
  readonly streams: number
  readonly subscriptions: number
  readonly pendingItems: number
  readonly connectionsPerPeer: number
  readonly pendingBytes: number
  readonly slowAfter: Duration.Duration
  readonly idleAfter: Duration.Duration
  readonly leaveAfter: Duration.Duration
}

const DEFAULTS: Bounds = {
  messageBytes: 1024 * 1024,
  depth: 32,
  calls: 1000,
  streams: 100,
  subscriptions: 100,
  pendingItems: 1000,
  connectionsPerPeer: 100,
  pendingBytes: 4 * 1024 * 1024,
  slowAfter: Duration.seconds(30),
  idleAfter: Duration.minutes(1),
  leaveAfter: Duration.infinity
}

export const boundsOf = (subject: string, given: Limits = {}): Bounds => {
  Home.checkOptions<Limits>(subject, given, {
    messageBytes: true,
    depth: true,
    calls: true,
    streams: true,
    subscriptions: true,
    pendingItems: true,
    connectionsPerPeer: true,
    pendingBytes: true,
    slowAfter: true,
    idleAfter: true,
    leaveAfter: true
  })
  const all: Record<string, unknown> = { ...DEFAULTS }
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue
    const isDuration = name.endsWith("After")
    const read = isDuration ? Home.durationOf(value) : isCount(value) ? value : undefined
    if (read === undefined)
      throw new RangeError(
        `${subject}: limits.${name} must be ${isDuration ? "a duration" : "an integer of at least 1, or Infinity"}, but is ${Home.show(value)}`
      )
    all[name] = read
  }
  return all as unknown as Bounds
}

const isCount = (value: unknown): boolean => value === Infinity || (Number.isInteger(value) && (value as number) >= 1)
