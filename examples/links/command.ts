/** `npm start -- links`: checks the links of folders, files and sites. */
import { Duration, Effect, Option, Path } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { wholeNumber, workingFolder } from "../cli.ts"
import { ExitWith } from "../ExitWith.ts"
import { Screen } from "../Screen.ts"
import { crawl, emptyReport, type Options, type Report, type Start } from "./crawl.ts"
import * as disk from "./disk.ts"
import { LinkChecker } from "./LinkChecker.ts"
import { progressLines, reportLines } from "./report.ts"
import * as web from "./web.ts"

const targets = Argument.String("target").pipe(
  Argument.withDescription("A folder, a file or a URL (default: our own docs)"),
  Argument.variadic()
)

const flags = {
  external: Flag.Boolean("external").pipe(
    Flag.withDescription("Fetch links to other sites too (default: only when checking a site)"),
    Flag.optional
  ),
  concurrency: wholeNumber("concurrency", { least: 1, most: 1000 }).pipe(
    Flag.withDescription("How many files or connections may be open at a time (default: 16)"),
    Flag.withDefault(16)
  ),
  timeout: Flag.Finite("timeout").pipe(
    Flag.withDescription("Seconds to wait for an answer (default: 10)"),
    Flag.filter(
      (seconds) => seconds >= 0.1 && seconds <= 3600,
      () => "Expected a number from 0.1 to 3600"
    ),
    Flag.withDefault(10)
  ),
  maxPages: wholeNumber("max-pages", { least: 1, most: 1_000_000 }).pipe(
    Flag.withDescription("Pages of a site to read at most (default: 1000)"),
    Flag.withDefault(1000)
  )
}

export const links = Command.make("links", { targets, ...flags }, ({ targets, concurrency, timeout, ...options }) =>
  checkLinks(targets, options).pipe(
    Effect.provide(
      LinkChecker.options({ maxConcurrency: concurrency, shutdownTimeout: 0 }).layerArgs({
        timeout: Duration.seconds(timeout)
      })
    ),
    Effect.provide(web.layer)
  )
).pipe(Command.withDescription("Find broken links in Markdown or HTML, in a folder or on a site"))

const checkLinks = Effect.fnUntraced(function* (
  targets: ReadonlyArray<string>,
  options: { readonly external: Option.Option<boolean>; readonly maxPages: number }
) {
  const screen = yield* Screen
  const report = emptyReport()
  const folder = yield* workingFolder
  const starts = yield* findStarts(targets, folder, report)
  const isSite = targets.some(isUrl)
  const settings: Options = { maxPages: options.maxPages, external: Option.getOrElse(options.external, () => isSite) }

  const [duration] = yield* crawl(starts, settings, report).pipe(
    screen.animate(
      Effect.map(screen.size, (size) => progressLines(report, size, screen.style)),
      "erase"
    ),
    Effect.timed
  )
  yield* screen.print(...reportLines(report, { folder, duration, maxPages: options.maxPages, style: screen.style }))
  if (report.broken.length + report.unreadable.length > 0) return yield* new ExitWith({ code: 1 })
})

const isUrl = (target: string) => /^https?:\/\//i.test(target)

/** Finds the pages to start from. A target without pages is reported as a problem and stops nothing else. */
const findStarts = Effect.fnUntraced(function* (targets: ReadonlyArray<string>, folder: string, report: Report) {
  const path = yield* Path.Path
  const starts: Array<Start> = []
  for (const target of targets.length > 0 ? targets : yield* ownDocs) {
    if (isUrl(target)) {
      if (URL.canParse(target)) starts.push({ url: new URL(target) })
      else report.unreadable.push({ where: target, reason: "not a valid address" })
      continue
    }
    const { root, files, problems } = yield* disk.find(path.resolve(folder, target))
    for (const { where, reason } of problems) {
      report.unreadable.push({ where: (yield* path.toFileUrl(where)).href, reason })
    }
    for (const file of files) starts.push({ url: yield* path.toFileUrl(file), root: yield* path.toFileUrl(root) })
  }
  return starts
}, Effect.orDie)

const ownDocs = Effect.gen(function* () {
  const path = yield* Path.Path
  const root = yield* Effect.orDie(path.fromFileUrl(new URL("../../", import.meta.url)))
  return ["README.md", "docs"].map((name) => path.join(root, name))
})
