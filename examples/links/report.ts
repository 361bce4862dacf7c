/** The output of the link checker: a line or two while it works, and a report when it is done. */
import { relative } from "node:path"
import { fileURLToPath } from "node:url"
import { Duration, type Terminal } from "effect"
import type { Style } from "../Screen.ts"
import type { Report } from "./crawl.ts"

export const progressLines = (report: Report, size: Terminal.Size, style: Style): ReadonlyArray<string> => {
  const width = Math.min(size.columns - 4, 60)
  const done = report.found === 0 ? 0 : Math.floor((report.done / report.found) * width)
  return [
    `  ${style.green("━".repeat(done))}${style.dim("·".repeat(width - done))}`,
    `  ${style.dim(`${count(report.pages, "page")}   ${report.done} of ${count(report.found, "link")}   ${report.broken.length} broken`)}`
  ]
}

interface Settings {
  readonly folder: string
  readonly duration: Duration.Duration
  readonly maxPages: number
  readonly style: Style
}

export const reportLines = (report: Report, { folder, duration, maxPages, style }: Settings): ReadonlyArray<string> => {
  const { bold, dim, green, red } = style
  const broken = report.broken
    .map((link) => ({ ...link, where: nameOf(link.where, folder) }))
    .sort((a, b) => compare(a.where, b.where) || a.line - b.line || compare(a.target, b.target))
    .map(
      ({ where, line, target, reason }) => `${where}:${line}  ${bold(target === "" ? '""' : target)}  ${red(reason)}`
    )
  const unreadable = report.unreadable
    .map(({ where, reason }) => ({ where: nameOf(where, folder), reason }))
    .sort((a, b) => compare(a.where, b.where))
    .map(({ where, reason }) => `${where}  ${red(reason)}`)

  const seconds = (Duration.toMillis(duration) / 1000).toFixed(1)
  const verdict =
    broken.length + unreadable.length === 0
      ? green("nothing is broken.")
      : red(`${broken.length} broken${unreadable.length === 0 ? "" : `, ${unreadable.length} not readable`}.`)
  const lines = [...broken, ...unreadable]
  if (lines.length > 0) lines.push("")
  lines.push(`${count(report.pages, "page")}, ${count(report.found, "link")}, ${seconds} s: ${verdict}`)
  if (report.notFetched > 0) {
    lines.push(dim(`${count(report.notFetched, "link")} to other sites not fetched (--external fetches them).`))
  }
  if (report.cutShort) lines.push(dim(`There are more than ${maxPages} pages; --max-pages reads more.`))
  return lines
}

/** Files by their path from here, if they are below; everything else by its full name. */
const nameOf = (where: string, folder: string): string => {
  if (!where.startsWith("file:")) return where
  const file = fileURLToPath(where)
  const path = relative(folder, file)
  return path.startsWith("..") ? file : path || "."
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? "" : "s"}`
