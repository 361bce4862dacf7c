/**
 * What the server tells the page. Private to this package: both sides are always of the same version.
 */
import type { DeadLetter, Outcome, State } from "@troupe/core/ActorSystem"

/** What the page has to know before anything else. */
export interface Info {
  readonly protocol: 1
  readonly title: string
  readonly pid: number
  readonly node: string
  readonly startedAt: number
  /** Whether cancel, kill, stop and resize are allowed. */
  readonly control: boolean
  /** The most instances that the page is told of. */
  readonly limit: number
}

/** Text, numbers and switches that a home tells of itself. */
export type HomeFacts = Readonly<Record<string, unknown>>

/** One instance, as the list shows it. */
export interface Row {
  readonly id: number
  readonly actor: string
  readonly name?: string
  readonly key?: string
  readonly state: State
  readonly since: number
  readonly running: number
  /** Accepted but not running, and those that wait to be accepted. */
  readonly waiting: number
  /** The permits of the actor itself. Absent when there is no limit. */
  readonly limit?: number
  /** Calls that came to a good end, and to a bad one. Cancelled calls are in neither. */
  readonly good: number
  readonly bad: number
  /** Submissions that were not accepted for want of room. They are no calls that settled. */
  readonly refused: number
  readonly restarts: number
  readonly death?: string
  readonly home?: HomeFacts
}

/** What was measured of one method of one actor while somebody watched. Times are in milliseconds. */
export interface MethodRow {
  readonly actor: string
  readonly method: string
  readonly calls: number
  readonly errors: number
  readonly cancelled: number
  readonly refused: number
  /** How long calls waited and ran, all together. */
  readonly waited: number
  readonly ran: number
  readonly p50: number
  readonly p99: number
  readonly wait50: number
  readonly wait99: number
}

/** Something that happened to an instance. */
export interface News {
  readonly seq: number
  /** Absent if it was before anybody watched, and nobody knows when. */
  readonly at?: number
  readonly actor: string
  readonly instance: number
  readonly label: string
  readonly kind: "restarting" | "restarted" | "died" | "moved"
  readonly text: string
}

/** An update: what is new since the last one that this client got. */
export interface Frame {
  readonly version: number
  readonly at: number
  /** Since when methods are counted, and what happens is heard of: a page was opened then. */
  readonly watchedSince: number
  /** Forget all that you know. */
  readonly reset: boolean
  /** Milliseconds until the next one. */
  readonly interval: number
  /** There are so many calls that only some of them were heard of: counts and times of methods are from a sample. */
  readonly sampled: boolean
  readonly rows: ReadonlyArray<Row>
  readonly gone: ReadonlyArray<number>
  readonly methods: ReadonlyArray<MethodRow>
  readonly news: ReadonlyArray<News>
  readonly deadLetters: ReadonlyArray<DeadLetter> | undefined
  readonly totals: { readonly instances: number; readonly calls: number }
  /** How many cycles of waits there are. */
  readonly cycles: number
  /** What it cost to make the state that this shows, in milliseconds. */
  readonly cost: number
}

/** A settled call, or one under way, on the timeline. Times are in milliseconds since the epoch. */
export interface Bar {
  readonly seq: number
  readonly call: number
  readonly instance: number
  readonly actor: string
  readonly method: string
  readonly submitted: number
  /** Absent if it never started. */
  readonly started?: number
  /** Absent while it is under way. */
  readonly ended?: number
  readonly outcome?: Outcome
}

/** What the timeline asks for again and again. */
export interface Recent {
  readonly at: number
  readonly seq: number
  /** Calls that were too many or too short to keep, since the page was opened. */
  readonly dropped: number
  readonly settled: ReadonlyArray<Bar>
  readonly under: ReadonlyArray<Bar>
}
