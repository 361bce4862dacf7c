/** `npm start -- duplicates <folder>`: finds files with the same contents, hashing on all cores. */
import { availableParallelism } from "node:os"
import { TaskPool } from "@troupe/worker"
import { Duration, Effect, FileSystem, Path, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { ExitWith } from "../ExitWith.ts"
import { Screen } from "../Screen.ts"
import { digest } from "./digest.ts"
import { type Found, progressLines, reportLines } from "./report.ts"

const folder = Argument.String("folder").pipe(
  Argument.withDescription("The folder to look through (default: this one)"),
  Argument.withDefault(".")
)

const threads = Flag.Int("threads").pipe(
  Flag.withDescription(
    `How many threads hash (default: ${availableParallelism()}, as many as this machine runs at once)`
  ),
  Flag.filter(
    (n: number) => n >= 1 && n <= 64,
    () => "Expected a number from 1 to 64"
  ),
  Flag.withDefault(availableParallelism())
)

export const duplicates = Command.make("duplicates", { folder, threads }, ({ folder, threads }) =>
  findDuplicates(folder, threads).pipe(
    Effect.provide(
      TaskPool.layer({ url: new URL("./digest.worker.ts", import.meta.url), size: threads, maxTaskRetries: 1 })
    )
  )
).pipe(Command.withDescription("Find files with the same contents, on all cores"))

const findDuplicates = Effect.fnUntraced(function* (folder: string, threads: number) {
  const screen = yield* Screen
  const found: Found = { files: 0, bytes: 0, done: 0, doneBytes: 0, byDigest: new Map(), unreadable: [] }
  const look = Effect.gen(function* () {
    const files = yield* listFiles(folder)
    found.files = files.length
    found.bytes = files.reduce((sum, { size }) => sum + size, 0)
    // A few more calls than threads, so that each thread finds its next file as soon as it is done with one.
    yield* Stream.fromIterable(files).pipe(
      Stream.mapEffect((file) => hashOne(file, found), { concurrency: threads * 4, unordered: true }),
      Stream.runDrain
    )
  })
  const [duration] = yield* look.pipe(
    screen.animate(
      Effect.map(screen.size, (size) => progressLines(found, size, screen.style)),
      "erase"
    ),
    Effect.timed
  )
  yield* screen.print(
    ...reportLines(found, { folder, seconds: Duration.toSeconds(duration), threads, style: screen.style })
  )
  if (found.unreadable.length > 0) return yield* new ExitWith({ code: 1 })
})

interface File {
  readonly path: string
  readonly size: number
}

const listFiles = Effect.fnUntraced(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const entries = yield* fs.readDirectory(folder, { recursive: true })
  const files = yield* Effect.forEach(
    entries.sort(),
    (entry) =>
      Effect.map(Effect.option(fs.stat(path.join(folder, entry))), (stat) =>
        stat._tag === "Some" && stat.value.type === "File"
          ? [{ path: path.join(folder, entry), size: Number(stat.value.size) }]
          : []
      ),
    { concurrency: 64 }
  )
  return files.flat().filter(({ size }) => size > 0)
})

const hashOne = ({ path, size }: File, found: Found) =>
  digest(path).pipe(
    Effect.tap((digest) => note(found, digest, path, size)),
    Effect.catchTag("Unreadable", ({ reason }) => Effect.sync(() => found.unreadable.push({ path, reason }))),
    Effect.ensuring(
      Effect.sync(() => {
        found.done++
        found.doneBytes += size
      })
    )
  )

const note = ({ byDigest }: Found, digest: string, path: string, size: number) =>
  Effect.sync(() => {
    const same = byDigest.get(digest)
    if (same === undefined) byDigest.set(digest, { size, paths: [path] })
    else same.paths.push(path)
  })
