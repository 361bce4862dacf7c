/**
 * What the events of a recording do not say: which calls were in flight before the first of them.
 */
import type * as ActorSystem from "@troupe/core/ActorSystem"
import type { Recorded } from "../../Timeline.ts"
import { methodOf } from "../base/names.ts"
import { shown } from "../base/shown.ts"

/** What a call was doing when the events begin. */
export interface Seed {
  readonly call: number
  /** How it is drawn. */
  readonly name: string
  readonly instance: number
  readonly running: boolean
  /** Milliseconds since the epoch. */
  readonly since: number
  readonly attempt: number
}

/**
 * Since it is the oldest events that are missing, a call without an event that says when it began was in flight before
 * all of them.
 */
export const seedsOf = ({ after, events }: Recorded): ReadonlyArray<Seed> => {
  const seen = new Set<number>()
  const seeds: Array<Seed> = []
  for (const event of events) {
    if (!("call" in event) || seen.has(event.call)) continue
    seen.add(event.call)
    const seed = seedOf(event)
    if (seed !== undefined) seeds.push(seed)
  }
  for (const call of after.calls) {
    if (seen.has(call.id)) continue
    const { attempts, id, instance, since } = call
    seeds.push({ call: id, instance, name: shown(methodOf(call)), running: isRunning(call), since, attempt: attempts })
  }
  return seeds.sort((a, b) => a.since - b.since)
}

/** What the first event of a call says of the time before it. */
const seedOf = (event: ActorSystem.CallEvent): Seed | undefined => {
  const seed = { call: event.call, instance: event.instance, name: shown(methodOf(event)), attempt: 1 }
  switch (event._tag) {
    case "Submitted":
    case "Refused":
      return undefined
    case "Started":
      return { ...seed, running: false, since: event.at - event.waited, attempt: event.attempt }
    case "Requeued":
      return { ...seed, running: true, since: event.at - event.ran }
    case "Settled":
      return { ...seed, running: event.ran !== undefined, since: event.at - (event.ran ?? event.waited) }
  }
}

const isRunning = ({ stage }: ActorSystem.UnsettledCall): boolean => stage === "running" || stage === "ending"
