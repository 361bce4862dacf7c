/** `npm start -- duplicates <folder>`: finds files with the same contents, hashing on all cores. */
import { availableParallelism } from "node:os"
import { TaskPool } from "@troupe/worker"
import { Clock, Duration, Effect, FileSystem, Option, Path, type PlatformError, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { wholeNumber, workingFolder } from "../cli.ts"
import { ExitWith, giveUp } from "../ExitWith.ts"
import { toBroken } from "../links/disk.ts"
import { Screen } from "../Screen.ts"
import { digest } from "./digest.ts"
import { type Found, nothingYet, progressLines, reportLines } from "./report.ts"

const folder = Argument.String("folder").pipe(
  Argument.withDescription("The folder to look through (default: this one)"),
  Argument.withDefault(".")
)

const threads = wholeNumber("threads", { least: 1, most: 64 }).pipe(
  Flag.withDescription(
    `How many threads hash (default: ${availableParallelism()}, as many as this machine runs at once)`
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

const findDuplicates = Effect.fnUntraced(function* (target: string, threads: number) {
  const screen = yield* Screen
  const path = yield* Path.Path
  const folder = path.resolve(yield* workingFolder, target)
  yield* Effect.catch(checkFolder(folder), (reason) => giveUp(`${target}: ${reason}`))
  const found = nothingYet()
  const look = Effect.gen(function* () {
    const files = yield* listFiles(folder, found)
    found.files = files.length
    found.bytes = files.reduce((sum, { size }) => sum + size, 0)
    found.hashingSince = yield* Clock.currentTimeMillis
    // A few more calls than threads, so that each thread has its next file as soon as it is done with one.
    yield* Stream.fromIterable(files).pipe(
      Stream.mapEffect((file) => hashOne(file, found), { concurrency: threads * 4, unordered: true }),
      Stream.runDrain
    )
  })
  const frame = Effect.gen(function* () {
    return progressLines(found, yield* Clock.currentTimeMillis, yield* screen.size, screen.style)
  })
  const [duration] = yield* look.pipe(screen.animate(frame, "erase"), Effect.timed)
  const seconds = Duration.toSeconds(duration)
  const nameOf = (file: string) => (file === folder ? target : path.join(target, path.relative(folder, file)))
  yield* screen.print(...reportLines(found, { folder: target, nameOf, seconds, threads, style: screen.style }))
  if (found.unreadable.length > 0) return yield* new ExitWith({ code: 1 })
})

const checkFolder = Effect.fnUntraced(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const { type } = yield* Effect.mapError(fs.stat(folder), (error) => toBroken(error).reason)
  if (type !== "Directory") return yield* Effect.fail("not a folder")
})

interface File {
  readonly path: string
  readonly size: number
}

/**
 * The files in a folder and in the folders in it. A link shares the contents of a file on purpose: it is no duplicate,
 * and a user who deletes one of the two may lose both. So symbolic links are left out, and a file with several names
 * (hard links) counts once, by its first name.
 */
const listFiles = Effect.fnUntraced(function* (folder: string, found: Found) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const files = new Map<string, File>()
  const folders = [folder]
  for (const one of folders) {
    const entries = yield* fs.readDirectoryEntries(one).pipe(orNote(one, found, []))
    const sorted = entries.map(({ name }) => path.join(one, name)).sort()
    const infos = yield* Effect.forEach(sorted, (file) => fs.lstat(file).pipe(orNote(file, found, undefined)), {
      concurrency: 64
    })
    for (const [i, info] of infos.entries()) {
      const file = sorted[i]!
      if (info?.type === "Directory") folders.push(file)
      if (info?.type !== "File" || info.size === 0n) continue
      const id = Option.match(info.ino, { onNone: () => file, onSome: (ino) => `${info.dev}/${ino}` })
      if (!files.has(id)) files.set(id, { path: file, size: Number(info.size) })
    }
  }
  return [...files.values()]
})

/** Reports files that cannot be read, and goes on without them. */
const orNote = <B>(path: string, found: Found, otherwise: B) =>
  Effect.catch((error: PlatformError.PlatformError) =>
    Effect.as(noteUnreadable(found, path, toBroken(error).reason), otherwise)
  )

const hashOne = ({ path, size }: File, found: Found) =>
  digest(path).pipe(
    Effect.tap((digest) => note(found, digest, path, size)),
    Effect.catchTag("Unreadable", ({ reason }) => noteUnreadable(found, path, reason)),
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

const noteUnreadable = (found: Found, path: string, reason: string) =>
  Effect.sync(() => {
    found.unreadable.push({ path, reason })
  })
