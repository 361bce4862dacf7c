/** Pages on disk, by `file:` URL. */
import { Effect, FileSystem, Path, type PlatformError } from "effect"
import { Broken, decodeText, formatOfName, maxPageBytes, type Text } from "./Page.ts"

/** Fails when there is no such file or folder. */
export const exists = Effect.fnUntraced(function* (url: URL) {
  const fs = yield* FileSystem.FileSystem
  yield* Effect.mapError(fs.stat(yield* pathOf(url)), toBroken)
})

/** Reads a file. A folder is read as a site shows it: by its `README.md` or `index.html`. */
export const read = Effect.fnUntraced(function* (url: URL): Effect.fn.Return<Text, Broken, Services> {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  let file = yield* pathOf(url)
  let info = yield* Effect.mapError(fs.stat(file), toBroken)
  if (info.type === "Directory") {
    const indexes = ["README.md", "index.md", "index.html"].map((name) => path.join(file, name))
    const index = yield* Effect.findFirst(indexes, (name) => Effect.orElseSucceed(fs.exists(name), () => false))
    if (index._tag === "None") return { url, format: "other", text: "" }
    file = index.value
    info = yield* Effect.mapError(fs.stat(file), toBroken)
  }
  if (info.type !== "File") return yield* new Broken({ reason: "not a file" })
  if (info.size > maxPageBytes) return yield* new Broken({ reason: `larger than ${maxPageBytes} bytes` })
  const format = formatOfName(file)
  const found = yield* Effect.orDie(path.toFileUrl(file))
  if (format === "other") return { url: found, format, text: "" }
  const text = yield* decodeText(yield* Effect.mapError(fs.readFile(file), toBroken))
  return { url: found, format, text }
})

const pages = "Markdown or HTML (.md, .markdown, .mdx, .html, .htm, .xhtml)"

/**
 * The Markdown and HTML files of a folder and its subfolders, sorted. Hidden folders and `node_modules` are skipped:
 * they hold nothing that the owner of the folder wrote. A file that cannot be read is reported as a problem; the rest
 * goes on.
 */
export const find = Effect.fnUntraced(function* (target: string): Effect.fn.Return<Found, never, Services> {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const files: Array<string> = []
  const problems: Array<Problem> = []
  // Links between folders may form a circle: no folder is entered twice.
  const entered = new Set<string>()

  const visit = (file: string, wanted: boolean): Effect.Effect<void> =>
    Effect.gen(function* () {
      const info = yield* fs.stat(file)
      if (info.type !== "Directory") {
        if (formatOfName(file) !== "other") files.push(file)
        else if (wanted) problems.push({ where: file, reason: `is not ${pages}` })
        return
      }
      const real = yield* fs.realPath(file)
      if (entered.has(real)) return
      entered.add(real)
      for (const name of (yield* fs.readDirectory(file)).sort()) {
        if (!name.startsWith(".") && name !== "node_modules") yield* visit(path.join(file, name), false)
      }
    }).pipe(
      Effect.catch((error) =>
        Effect.sync(() => {
          // A dangling symbolic link that is not a page does not concern us.
          if (wanted || entered.has(file) || formatOfName(file) !== "other" || error.reason._tag !== "NotFound") {
            problems.push({ where: file, reason: toBroken(error).reason })
          }
        })
      )
    )
  yield* visit(target, true)
  if (files.length === 0 && problems.length === 0) {
    problems.push({ where: target, reason: `holds no ${pages}` })
  }
  const isFile = files.length === 1 && files[0] === target
  return { root: `${isFile ? path.dirname(target) : target}${path.sep}`, files, problems }
})

export interface Found {
  /** The folder that was searched, or the folder of the one file. */
  readonly root: string
  readonly files: ReadonlyArray<string>
  readonly problems: ReadonlyArray<Problem>
}

export interface Problem {
  readonly where: string
  readonly reason: string
}

type Services = FileSystem.FileSystem | Path.Path

const pathOf = (url: URL) =>
  Effect.flatMap(Path.Path, (path) => path.fromFileUrl(url)).pipe(
    Effect.mapError(() => new Broken({ reason: "not the name of a file" }))
  )

/** What went wrong, in a few words. */
export const toBroken = (error: PlatformError.PlatformError): Broken => {
  const { reason } = error
  if (reason._tag === "NotFound") return new Broken({ reason: "no such file or folder" })
  if (reason._tag === "PermissionDenied") return new Broken({ reason: "permission denied" })
  const { cause } = reason as { readonly cause?: unknown }
  return new Broken({ reason: cause instanceof Error ? cause.message : error.message })
}
