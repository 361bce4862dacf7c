/**
 * What unsettled calls wait for in the end: one call that runs, or the calls that hold all permits of a line. Where a
 * hundred calls wait, that is mostly one thing, and people want to know which.
 */
import type { UnsettledCall } from "@troupe/core/ActorSystem"

export interface RootCause {
  /** How many calls wait for it, directly or behind others. */
  readonly waiting: number
  /** The call that all of them wait for, or the one of several that has run for longest. */
  readonly call: number
  readonly method: string
  readonly instance: number
  /** How many calls hold the permits of the line: 1, unless any of several has to end. */
  readonly holders: number
  readonly since: number
  /** Since when the first of them has waited. */
  readonly waitingSince: number
}

/** Fewer waiting calls than this are no jam. */
const LEAST = 3
/** And behind a call that has run for less than this, in milliseconds, nobody is stuck. */
const PATIENCE = 1000
const MOST_CAUSES = 5

const lineOf = ({ group, instance }: UnsettledCall): string => `${instance}/${group ?? ""}`

const isRunning = ({ stage }: UnsettledCall): boolean => stage === "running" || stage === "ending"

/** Where calls lead: to a call, or to the calls that hold a line. */
type Root = ReadonlyArray<UnsettledCall>

/** The largest jams. Calls in a cycle of waits have no root, and are told elsewhere. */
export const causesOf = (unsettled: ReadonlyArray<UnsettledCall>, at: number): ReadonlyArray<RootCause> => {
  const roots = new Roots(unsettled)
  const causes = new Map<UnsettledCall, { -readonly [K in keyof RootCause]: RootCause[K] }>()
  for (const call of unsettled) {
    const root = roots.of(call)
    if (root === undefined || root.includes(call)) continue
    const first = root.reduce((oldest, one) => (one.since < oldest.since ? one : oldest))
    const known = causes.get(first)
    if (known !== undefined) {
      known.waiting++
      known.waitingSince = Math.min(known.waitingSince, call.since)
      known.holders = Math.max(known.holders, root.length)
      continue
    }
    const { id, instance, method, since } = first
    causes.set(first, {
      waiting: 1,
      call: id,
      method,
      instance,
      holders: root.length,
      since,
      waitingSince: call.since
    })
  }
  const jams = [...causes.values()].filter(({ since, waiting }) => waiting >= LEAST && at - since >= PATIENCE)
  return jams.sort((a, b) => b.waiting - a.waiting || a.call - b.call).slice(0, MOST_CAUSES)
}

class Roots {
  private readonly calls: ReadonlyMap<number, UnsettledCall>
  private readonly holders = new Map<string, Array<UnsettledCall>>()
  private readonly known = new Map<number | string, Root | undefined>()

  constructor(unsettled: ReadonlyArray<UnsettledCall>) {
    this.calls = new Map(unsettled.map((call) => [call.id, call]))
    for (const call of unsettled.filter(isRunning)) {
      const holders = this.holders.get(lineOf(call))
      if (holders === undefined) this.holders.set(lineOf(call), [call])
      else holders.push(call)
    }
  }

  /** Undefined if nothing is known of it, or if it is in a cycle. */
  of(call: UnsettledCall): Root | undefined {
    return this.find(call.id, () => this.follow(call))
  }

  private follow(call: UnsettledCall): Root | undefined {
    if (call.stage === "waiting" || call.stage === "suspended") return this.ofLine(lineOf(call))
    const awaited = call.waitingOn.map(({ ref }) => this.calls.get(ref)).find((other) => other !== undefined)
    if (awaited !== undefined) return this.of(awaited)
    return isRunning(call) ? [call] : undefined
  }

  /** If all holders wait for the same, that is it. */
  private ofLine(line: string): Root | undefined {
    return this.find(line, () => {
      const holders = this.holders.get(line) ?? []
      const roots = holders.map((holder) => this.of(holder))
      const [first] = roots
      if (holders.length === 0 || roots.includes(undefined)) return undefined
      return roots.every((root) => root === first) ? first : holders
    })
  }

  /** While it is being found, nothing is known: whoever comes back to it is in a cycle. */
  private find(id: number | string, search: () => Root | undefined): Root | undefined {
    if (this.known.has(id)) return this.known.get(id)
    this.known.set(id, undefined)
    const root = search()
    this.known.set(id, root)
    return root
  }
}
