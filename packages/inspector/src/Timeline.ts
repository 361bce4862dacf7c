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
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type { PlatformError } from "effect/PlatformError"
import type * as Scope from "effect/Scope"
import type { ChromeTrace } from "./internal/trace/format.ts"
import * as format from "./internal/trace/format.ts"
import type { Recording, RecordOptions } from "./internal/trace/model.ts"
import * as internal from "./internal/trace/recording.ts"

export type { ChromeTrace, TraceEvent } from "./internal/trace/format.ts"
export type { Recorded, Recording, RecordOptions } from "./internal/trace/model.ts"

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
