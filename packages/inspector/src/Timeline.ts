/**
 * A picture of what actors did and when: records calls and writes them as a Chrome trace, which Perfetto opens.
 *
 * A recording watches the `ActorSystem` in context and keeps the last events in a buffer of fixed size. Its trace has
 * one process per instance. Each running call has its own lane for as long as it runs, so concurrent calls are drawn
 * one below the other, never on top of each other. Waits have their own lanes, and a curve shows how many calls run and
 * wait. Arrows lead from a call to the calls that it submitted.
 *
 * Open the file at https://ui.perfetto.dev (it does not leave your machine) or in `chrome://tracing`.
 *
 * A recording is for seconds to minutes. For days, use the spans and metrics of core.
 *
 * @since 0.1.0
 */
import type * as ActorSystem from "@troupe/core/ActorSystem"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type { PlatformError } from "effect/PlatformError"
import type * as Scope from "effect/Scope"
import * as format from "./internal/trace/format.ts"
import * as internal from "./internal/trace/recording.ts"

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

interface Base {
  readonly name: string
  /** The number of the instance. */
  readonly pid: number
  /** Microseconds since the recording began, with three decimals. */
  readonly ts: number
}

interface InLane extends Base {
  /** The lane. Unique in the trace, not only in its process. */
  readonly tid: number
}

/**
 * One event of a Chrome trace.
 *
 * `M` names processes and lanes, `X` is a stretch of time, `i` a moment, `C` a point of a curve; `s`, `t` and `f` are
 * the begin, the steps and the end of an arrow.
 *
 * The format is described in "Trace Event Format" (the Catapult project); Perfetto reads it as "JSON traces". Slices are
 * complete events (`X`), which cannot be left open, and which never overlap within one lane.
 *
 * @category models
 * @since 0.1.0
 */
export type TraceEvent =
  | {
      readonly ph: "M"
      readonly name: "process_name" | "process_labels" | "process_sort_index" | "thread_name" | "thread_sort_index"
      readonly pid: number
      readonly tid?: number
      readonly args: Readonly<Record<string, string | number>>
    }
  | (InLane & {
      readonly ph: "X"
      readonly cat: string
      readonly dur: number
      readonly cname?: string
      readonly args: Readonly<Record<string, unknown>>
    })
  | (InLane & {
      readonly ph: "i"
      readonly cat: string
      readonly s: "t"
      readonly args: Readonly<Record<string, unknown>>
    })
  | (Base & { readonly ph: "C"; readonly args: { readonly running: number; readonly waiting: number } })
  | (InLane & { readonly ph: "s" | "t" | "f"; readonly cat: string; readonly id: number; readonly bp: "e" })

/**
 * A Chrome trace, in its JSON object format. All times in it are microseconds since the recording began.
 *
 * @category models
 * @since 0.1.0
 */
export interface ChromeTrace {
  // There is no `displayTimeUnit`: milliseconds are the default, and some viewers take it for the unit of the times.
  readonly traceEvents: ReadonlyArray<TraceEvent>
  readonly otherData: {
    readonly recordedBy: string
    /** When the recording began, as a date. */
    readonly startedAt: string
    readonly durationMs: number
    readonly events: number
    /** How many older events were dropped because the buffer was full. */
    readonly droppedEvents: number
    /** How many waits are not drawn, since too many calls waited at a time. */
    readonly undrawnWaits: number
  }
}

/**
 * Records the `ActorSystem` in context, and tasks, until the Scope closes. The recording can be read at any time, even
 * after that.
 *
 * Recording makes each call slightly slower (three events are kept); it changes nothing else.
 *
 * **Example** (A recording as a trace)
 *
 * ```ts
 * import { Actor } from "@troupe/core"
 * import { Timeline } from "@troupe/inspector"
 * import { Effect } from "effect"
 *
 * class Greeter extends Actor.Service<Greeter>()("app/Greeter", {
 *   make: Effect.succeed({ greet: (name: string) => Effect.succeed(`Hello, ${name}`) })
 * }) {}
 *
 * const program = Effect.gen(function*() {
 *   const recording = yield* Timeline.record()
 *   const greeter = yield* Greeter.spawn()
 *   yield* greeter.greet("Ada")
 *   const { traceEvents } = yield* recording.trace
 *   return traceEvents.filter((event) => event.ph === "X" && event.cat === "running").map(({ name }) => name)
 * })
 *
 * console.log(await Effect.runPromise(Effect.scoped(program))) // => [ 'greet' ]
 * ```
 *
 * @category recording
 * @since 0.1.0
 */
export const record: (options?: RecordOptions) => Effect.Effect<Recording, never, Scope.Scope> = internal.record

/**
 * The text of a trace: JSON with one event per line, for `grep` and for diffs.
 *
 * @category writing
 * @since 0.1.0
 */
export const stringify: (trace: ChromeTrace) => string = format.stringify

/**
 * Writes a recording to a file, and logs where it is and whether events were dropped.
 *
 * @category writing
 * @since 0.1.0
 */
export const save = (recording: Recording, file: string): Effect.Effect<void, PlatformError, FileSystem.FileSystem> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const trace = yield* recording.trace
    yield* fs.writeFileString(file, stringify(trace))
    yield* Effect.logInfo(`Timeline: ${format.summary(trace)} in ${file}, for https://ui.perfetto.dev`)
  })

/**
 * Records for as long as the program runs that it is provided to, and writes the file at the end, however the program
 * ends. Provide it outside the actors' layers, so that it starts before them and sees them end.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: RecordOptions & { readonly file: string }
): Layer.Layer<never, never, FileSystem.FileSystem> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const recording = yield* record(options)
      const fs = yield* FileSystem.FileSystem
      yield* Effect.addFinalizer(() =>
        save(recording, options.file).pipe(
          Effect.provideService(FileSystem.FileSystem, fs),
          // A file that cannot be written must not cost the program its result.
          Effect.catch((error) => Effect.logError(`Timeline: ${options.file} could not be written`, error))
        )
      )
    })
  )
