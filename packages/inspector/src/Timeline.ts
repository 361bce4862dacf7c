/**
 * What actors did and when, as a picture: records calls and writes them as a Chrome trace, which Perfetto opens.
 *
 * A recording watches the present `ActorSystem` and keeps the last events in a buffer of fixed size. Its trace has one
 * process per instance. In it, each call that runs has a lane of its own for as long as it runs, so calls that run at
 * the same time are drawn one below the other and never on top of each other; waiting is drawn in lanes of its own, and
 * a curve shows how many calls run and wait. Arrows lead from the call that submitted to the call that was submitted.
 *
 * Open the file at https://ui.perfetto.dev (it does not leave your machine) or in `chrome://tracing`.
 *
 * It is for looking at seconds to minutes. For what goes on for days, use the spans and metrics of core.
 *
 * @since 0.1.0
 */
import type * as ActorSystem from "@troupe/core/ActorSystem"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type { PlatformError } from "effect/PlatformError"
import type * as Scope from "effect/Scope"
import type { ChromeTrace } from "./internal/trace/format.ts"
import * as format from "./internal/trace/format.ts"
import * as internal from "./internal/trace/recording.ts"

/**
 * A recording that is going on, or that went on while its Scope was open.
 *
 * @category models
 * @since 0.1.0
 */
export interface Recording {
  /** What is in the buffer now. */
  readonly recorded: Effect.Effect<Recorded>
  /** The same, as a Chrome trace. Calls that have not settled are drawn up to now. */
  readonly trace: Effect.Effect<ChromeTrace>
  /** Empties the buffer, and begins anew. */
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
  /** Up to when it goes. */
  readonly to: number
  /** Oldest first. */
  readonly events: ReadonlyArray<ActorSystem.Event>
  /** How many older events are lost, since there was no room for them. */
  readonly dropped: number
  /** What was known when it began: instances that were there, calls that were under way. */
  readonly before: ActorSystem.Snapshot
  /** The same for its end. */
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
   * How many events to keep; when there are more, the oldest are dropped, counted, and the trace says so. A call has
   * three: submitted, started, settled. Default 65,536, which is some 15 MB of memory at most.
   */
  readonly capacity?: number | undefined
  /**
   * About how many bytes the events may take. Keys and messages of errors may be long: when there are more, the oldest
   * events are dropped, as with `capacity`. Default 64 MiB.
   */
  readonly maxBytes?: number | undefined
  /**
   * How many waiting calls of one instance are drawn at a time at most. Those beyond are in the curve of waiting calls,
   * and the time that they waited is among the details of their run. Default 32.
   */
  readonly waitingLanes?: number | undefined
}

/**
 * A Chrome trace, in its JSON object format. All times in it are microseconds since the recording began.
 *
 * @category models
 * @since 0.1.0
 */
export type { ChromeTrace, TraceEvent } from "./internal/trace/format.ts"

/**
 * Records the present `ActorSystem`, and tasks, until the Scope closes. What was recorded can be looked at during that
 * time and after it.
 *
 * Recording makes each call somewhat slower (three events are made and kept); it changes nothing else.
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
 * Writes what was recorded to a file. Says in the log where it is, and whether events were dropped.
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
 * Records everything while what it is provided to runs, and writes the file at the end, however it ended. Provide it
 * outside of the layers of the actors, so that it begins before them and sees their end.
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
          // The program has its result: that the picture of it could not be written must not take that away.
          Effect.catch((error) => Effect.logError(`Timeline: ${options.file} could not be written`, error))
        )
      )
    })
  )
