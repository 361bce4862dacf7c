/**
 * What the server sends to the page. Private to this package: both sides always have the same version.
 */
import type { DeadLetter, Outcome, State } from "@troupe/core/ActorSystem"
import type { FailedWork, StoredWork } from "@troupe/core/ClusterView"

/** What the page needs to know first. */
export interface Info {
  readonly protocol: 1
  readonly title: string
  readonly pid: number
  readonly node: string
  readonly startedAt: number
  /** Whether cancel, kill, stop and resize are allowed. */
  readonly control: boolean
  /** How many instances the page is told of, at most. */
  readonly limit: number
  /** Whether it knows of other nodes, or may find some. */
  readonly peers: boolean
  /** Whether it is part of a cluster, whose storage may hold work. */
  readonly cluster: boolean
}

/** What a home tells of itself: strings, numbers and booleans. */
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
  /** Calls that are accepted but not running, and calls that wait to be accepted. */
  readonly waiting: number
  /** The permits of the actor itself. Absent when there is no limit. */
  readonly limit?: number
  /** How many calls may run at a time in all, if its concurrency groups have permits, too. Absent without a limit. */
  readonly lanes?: number
  /** Calls that succeeded, and calls that failed, died or timed out. Cancelled calls are in neither. */
  readonly good: number
  readonly bad: number
  /** Calls rejected because `maxPendingCalls` was reached. They do not count as settled. */
  readonly refused: number
  readonly restarts: number
  readonly death?: string
  readonly home?: HomeFacts
}

/** The figures of one method of one actor while a page was open. Times are in milliseconds. */
export interface MethodRow {
  readonly actor: string
  readonly method: string
  readonly calls: number
  readonly errors: number
  readonly cancelled: number
  readonly refused: number
  /** Calls that have not settled now. */
  readonly unsettled: number
  /** How long all calls together waited and ran. */
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
  /** Absent if it was before the first page was opened, at an unknown time. */
  readonly at?: number
  readonly actor: string
  readonly instance: number
  readonly label: string
  readonly kind: "restarting" | "restarted" | "died" | "moved"
  readonly text: string
}

/** A call that has settled while a page looked. */
export interface SettledCall {
  readonly seq: number
  readonly at: number
  readonly call: number
  readonly actor: string
  readonly instance: number
  readonly method: string
  /** What it was called with, where that may be shown. */
  readonly args?: string | undefined
}

/** A call that failed or died, and what its error tells. */
export interface FailedCall extends SettledCall {
  /** In one line. */
  readonly message: string
  /** The fields of the error that the message does not show. */
  readonly fields?: string
  /** With callers, causes and the JavaScript stack, as Effect prints it. */
  readonly stack: string
}

/** A call that succeeded, with what may be shown of it. */
export interface ShownCall extends SettledCall {
  readonly result?: string | undefined
}

/** An update: what is new since the last one that this client got. */
export interface Frame {
  readonly version: number
  readonly at: number
  /** When the first page was opened: methods are counted, and events known, from then on. */
  readonly watchedSince: number
  /** The page has to forget everything before this update. */
  readonly reset: boolean
  /** Milliseconds until the next one. */
  readonly interval: number
  /** There are so many calls that the figures of methods are from a sample. */
  readonly sampled: boolean
  readonly rows: ReadonlyArray<Row>
  readonly gone: ReadonlyArray<number>
  readonly methods: ReadonlyArray<MethodRow>
  readonly news: ReadonlyArray<News>
  readonly errors: ReadonlyArray<FailedCall>
  readonly results: ReadonlyArray<ShownCall>
  readonly deadLetters: ReadonlyArray<DeadLetter> | undefined
  readonly totals: { readonly instances: number; readonly dead: number; readonly calls: number }
  /** How many cycles of waits there are. */
  readonly cycles: number
  /** Milliseconds that this update took. */
  readonly cost: number
}

/** A call on the timeline, settled or running. Times are in milliseconds since the epoch. */
export interface Bar {
  readonly seq: number
  readonly call: number
  readonly instance: number
  readonly actor: string
  readonly method: string
  readonly submitted: number
  /** Absent if it never started. */
  readonly started?: number
  /** Absent while it runs. */
  readonly ended?: number
  readonly outcome?: Outcome
}

/** The instances that a search has found, of all that there are. */
export interface Found {
  readonly search: string
  readonly rows: ReadonlyArray<Row>
  readonly total: number
}

/** How many instances there are, and how they do. */
export interface Counts {
  readonly instances: number
  readonly running: number
  readonly waiting: number
  readonly bad: number
  readonly restarts: number
}

/** A node, or why there is nothing to tell of it. */
export interface NodeView {
  readonly address: string
  /** What the cluster calls it, where it does not say so itself. */
  readonly node?: string
  readonly why?: string | undefined
  readonly summary?: Counts & {
    readonly title: string
    readonly pid: number
    readonly node?: string
    readonly shards?: number
    readonly held?: ReadonlyArray<{
      readonly shard: string
      readonly residents: number
      readonly some: ReadonlyArray<string>
    }>
    readonly partial: boolean
    readonly actors: ReadonlyArray<Counts & { readonly actor: string }>
  }
}

/** Shards that went from one node to another, or a node that came or went. */
export interface Move {
  readonly seq: number
  readonly at: number
  readonly text: string
}

/** Work that the storage holds, or why it is not known. */
export type StoredView = { readonly at: number } & (StoredWork | { readonly why: string })

export interface ClusterView {
  readonly nodes: ReadonlyArray<NodeView>
  /** Absent if the program is in no cluster. */
  readonly stored: StoredView | undefined
  /** The newest first. */
  readonly moves: ReadonlyArray<Move>
}

/** What failed for good, or is tried again. */
export interface FailedView {
  readonly at: number
  readonly failed: ReadonlyArray<FailedWork>
  readonly why?: string
}

/** The unsettled calls of a trace, by node. */
export interface TraceView {
  readonly trace: string
  readonly nodes: ReadonlyArray<{
    readonly node: string
    readonly why?: string | undefined
    readonly calls: ReadonlyArray<{
      readonly id: number
      readonly instance: number
      readonly method: string
      readonly stage: string
      readonly since: number
    }>
  }>
}

/** What the timeline polls. */
export interface Recent {
  readonly at: number
  readonly seq: number
  /** How many calls were not kept since there were too many at a time, since the first page was opened. */
  readonly dropped: number
  readonly settled: ReadonlyArray<Bar>
  readonly under: ReadonlyArray<Bar>
}
