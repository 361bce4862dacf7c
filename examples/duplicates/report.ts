/** The output of the search for duplicates: a progress bar while it works, and a list when it is done. */
import type { Terminal } from "effect"
import type { Style } from "../Screen.ts"

export interface Found {
  files: number
  bytes: number
  /** When the list of files was complete, in milliseconds. */
  hashingSince: number | undefined
  done: number
  doneBytes: number
  readonly byDigest: Map<string, { readonly size: number; readonly paths: Array<string> }>
  readonly unreadable: Array<{ readonly path: string; readonly reason: string }>
}

export const nothingYet = (): Found => ({
  files: 0,
  bytes: 0,
  hashingSince: undefined,
  done: 0,
  doneBytes: 0,
  byDigest: new Map(),
  unreadable: []
})

export const progressLines = (found: Found, now: number, size: Terminal.Size, style: Style): ReadonlyArray<string> => {
  if (found.hashingSince === undefined) return [style.dim("  listing files")]
  const width = Math.min(size.columns - 12, 60)
  const share = found.bytes === 0 ? 0 : found.doneBytes / found.bytes
  const full = Math.floor(share * width)
  const bar = `${style.green("━".repeat(full))}${style.dim("·".repeat(width - full))}`
  const perSecond = (found.doneBytes / Math.max(1, now - found.hashingSince)) * 1000
  const sofar = `${found.done} of ${found.files} files   ${megabytes(found.doneBytes)} of ${megabytes(found.bytes)}`
  return [`  ${bar} ${Math.floor(share * 100)} %`, style.dim(`  ${sofar}   ${(perSecond / 1e6).toFixed(0)} MB/s`)]
}

interface Settings {
  readonly folder: string
  /** A path, relative to the user's working directory. */
  readonly nameOf: (path: string) => string
  readonly seconds: number
  readonly threads: number
  readonly style: Style
}

/** How many groups of equal files to list. */
const LISTED = 10

export const reportLines = (
  found: Found,
  { folder, nameOf, seconds, style, threads }: Settings
): ReadonlyArray<string> => {
  const groups = [...found.byDigest.values()]
    .filter(({ paths }) => paths.length > 1)
    .map(({ paths, size }) => ({ paths: paths.map(nameOf).sort(), size, wasted: size * (paths.length - 1) }))
    .sort((a, b) => b.wasted - a.wasted || (a.paths[0]! < b.paths[0]! ? -1 : 1))
  const lines = groups
    .slice(0, LISTED)
    .flatMap(({ paths, size }) => [
      `${style.bold(`${paths.length} times ${megabytes(size)}`)}`,
      ...paths.slice(0, 3).map((path) => `  ${path}`),
      ...(paths.length > 3 ? [style.dim(`  and ${paths.length - 3} more`)] : [])
    ])
  const more = groups.length > LISTED ? [style.dim(`and ${groups.length - LISTED} smaller groups`)] : []
  const failed = found.unreadable.map(({ path, reason }) => `${nameOf(path)}  ${style.red(reason)}`)
  const wasted = groups.reduce((sum, group) => sum + group.wasted, 0)
  const verdict =
    groups.length === 0
      ? style.green("no two files are the same.")
      : style.green(
          `${groups.length} ${groups.length === 1 ? "group" : "groups"} of equal files, ${megabytes(wasted)} too many.`
        )
  const unreadable = failed.length === 0 ? "" : style.red(` ${failed.length} not readable.`)
  const where = `${found.files} files (${megabytes(found.bytes)}) in ${folder}`
  return [
    ...lines,
    ...more,
    ...failed,
    `${where}, ${seconds.toFixed(1)} s on ${threads} ${threads === 1 ? "thread" : "threads"}: ${verdict}${unreadable}`
  ]
}

const megabytes = (bytes: number): string =>
  bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
