/**
 * What a recording is, and what it keeps. Public through `Timeline`.
 */
import type * as ActorSystem from "@troupe/core/ActorSystem"
import type * as Effect from "effect/Effect"
import type { ChromeTrace } from "./format.ts"

/**
 * A recording in progress, or one whose Scope has closed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Recording {
  /** What is in the buffer now. */
  readonly recorded: Effect.Effect<Recorded>
  /** The same, as a Chrome trace. Calls that have not settled are drawn up to now. */
  readonly trace: Effect.Effect<ChromeTrace>
  /** Empties the buffer and starts again. */
  readonly clear: Effect.Effect<void>
}

/**
 * What a recording has kept.
 *
 * @category models
 * @since 0.1.0
 */
export interface Recorded {
  /** When the recording began, in milliseconds since the epoch. */
  readonly from: number
  /** When it ended, or now if it is still in progress. */
  readonly to: number
  /** Oldest first. */
  readonly events: ReadonlyArray<ActorSystem.Event>
  /** How many older events were dropped because the buffer was full. */
  readonly dropped: number
  /** The system when the recording began: its instances, and the calls in flight. */
  readonly before: ActorSystem.Snapshot
  /** The same when it ended. */
  readonly after: ActorSystem.Snapshot
}

/**
 * Options of a recording.
 *
 * @category models
 * @since 0.1.0
 */
export interface RecordOptions {
  /**
   * How many events to keep. Beyond that the oldest are dropped and counted, and the trace says so. A call makes three:
   * submitted, started, settled. Default 65,536, which is some 15 MB of memory at most.
   */
  readonly capacity?: number | undefined
  /**
   * About how many bytes the events may take, since keys and error messages may be long. Beyond that the oldest events
   * are dropped, as with `capacity`. Default 64 MiB.
   */
  readonly maxBytes?: number | undefined
  /**
   * How many waiting calls of one instance are drawn at a time. The others still count in the curve of waiting calls,
   * and the time that they waited is among the details of their run. Default 32.
   */
  readonly waitingLanes?: number | undefined
}
