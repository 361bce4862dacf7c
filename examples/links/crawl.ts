/**
 * Walks from page to page and checks every link on the way. The reading and fetching is up to the LinkChecker: calls
 * are submitted as fast as links are found, and it runs as many as its limit allows.
 */
import type { ActorError } from "@troupe/core"
import { Cache, Effect } from "effect"
import type { Problem } from "./disk.ts"
import { isWeb, LinkChecker } from "./LinkChecker.ts"
import { Broken, type Link, type Page } from "./Page.ts"

export interface Start {
  readonly url: URL
  /** The folder that a link like `/guide.md` starts from, for pages on disk. */
  readonly root?: URL | undefined
}

export interface Options {
  /** Whether links to other sites are fetched. */
  readonly external: boolean
  /** A site may be endless: pages beyond this many are checked to exist, but not read. */
  readonly maxPages: number
}

export interface BrokenLink extends Problem {
  readonly line: number
  readonly target: string
}

/** The results so far. They change while the crawl runs, so that a screen can show them. */
export interface Report {
  pages: number
  /** Links found, and how many of them are done. */
  found: number
  done: number
  readonly broken: Array<BrokenLink>
  /** Pages that should have been read and could not be. */
  readonly unreadable: Array<Problem>
  /** Links to other sites, not fetched because the user did not ask for it. */
  notFetched: number
  /** Whether there were more pages than `maxPages`. */
  cutShort: boolean
}

export const emptyReport = (): Report => ({
  pages: 0,
  found: 0,
  done: 0,
  broken: [],
  unreadable: [],
  notFetched: 0,
  cutShort: false
})

/** How many pages have their links checked together. This bounds what is in memory; the actor bounds what is in use. */
const pagesTogether = 32

/** Checks the links of all pages that can be reached from `starts`, level by level, and writes what it finds to `report`. */
export const crawl = Effect.fnUntraced(function* (starts: ReadonlyArray<Start>, options: Options, report: Report) {
  const follow = yield* makeFollow(starts, options, report)
  const seen = new Set<string>()

  /** Checks the links of one page, and returns the pages that they lead to. */
  const visit = Effect.fnUntraced(function* ({ url, root }: Start) {
    const page = yield* follow.read(url)
    if (seen.has(page.url.href)) return []
    seen.add(page.url.href)
    report.pages++
    report.found += page.links.length
    const check = (link: Link) =>
      follow.link({ page, root, link }).pipe(
        Effect.catchTag("Broken", ({ reason }) => {
          report.broken.push({ where: page.url.href, line: link.line, target: link.target, reason })
          return Effect.succeed([])
        }),
        Effect.ensuring(Effect.sync(() => report.done++))
      )
    return (yield* Effect.forEach(page.links, check, { concurrency: "unbounded" })).flat()
  })

  /** A page that cannot be read is reported, and the crawl goes on. */
  const visitOrReport = (start: Start) =>
    Effect.catchTag(visit(start), "Broken", ({ reason }) => {
      report.unreadable.push({ where: start.url.href, reason })
      return Effect.succeed([])
    })

  let level: ReadonlyArray<Start> = starts
  while (level.length > 0) {
    const next = yield* Effect.forEach(level, visitOrReport, { concurrency: pagesTogether })
    level = next.flat().filter(({ url }) => !seen.has(url.href))
  }
})

/** Follows links through the LinkChecker. Each address is requested once, however many links lead to it. */
const makeFollow = Effect.fnUntraced(function* (starts: ReadonlyArray<Start>, options: Options, report: Report) {
  const checker = yield* LinkChecker
  const sites = new Set(starts.filter(({ url }) => isWeb(url)).map(({ url }) => url.origin))
  const pages = yield* Cache.make({
    capacity: Number.POSITIVE_INFINITY,
    lookup: (href: string) => checker.read.remote(new URL(href))
  })
  const others = yield* Cache.make({
    capacity: Number.POSITIVE_INFINITY,
    lookup: (href: string) => checker.exists.remote(new URL(href))
  })
  const read = (url: URL) => Effect.flatten(Cache.get(pages, url.href))
  const exists = (url: URL) => Effect.flatten(Cache.get(others, url.href))

  const addresses = new Set(starts.map(({ url }) => url.href))
  const isWithinBound = (url: URL) => {
    if (addresses.size < options.maxPages) addresses.add(url.href)
    const isWithin = addresses.has(url.href)
    report.cutShort ||= !isWithin
    return isWithin
  }

  /** Fails if the link is broken; otherwise returns the pages to go on with: one or none. */
  const link = Effect.fnUntraced(function* (found: {
    readonly page: Page
    readonly root: URL | undefined
    readonly link: Link
  }): Effect.fn.Return<ReadonlyArray<Start>, Broken | ActorError.ActorError> {
    const { page, link, root } = found
    if (link.problem !== undefined) return yield* new Broken({ reason: link.problem })
    const target = resolve(link.target, page, root)
    if (target === undefined) return yield* new Broken({ reason: "not a valid address" })
    const { address, id } = target

    if (address.protocol !== "file:" && !isWeb(address)) return [] // mailto:, tel:, data: and the like
    if (isWeb(address) && !sites.has(address.origin)) {
      if (options.external) yield* exists(address)
      else report.notFetched++
      return []
    }
    // A link into its own page.
    if (address.href === page.url.href) {
      if (id !== "") yield* checker.anchor(page, id)
      return []
    }
    const isPage = isWeb(address) && link.kind === "page" && isWithinBound(address)
    const next = isPage ? [{ url: (yield* read(address)).url }] : yield* Effect.as(exists(address), [])
    // The ref of the page is the argument: the call waits in the actor until the page has been read.
    if (id !== "" && (isPage || address.protocol === "file:")) {
      yield* checker.anchor(yield* Cache.get(pages, address.href), id)
    }
    // The page may have redirected us to another site.
    return next.filter(({ url }) => sites.has(url.origin))
  })

  return { read, link }
})

/** Where a link leads to: an address without its fragment, and the id of a place there. */
const resolve = (
  target: string,
  page: Page,
  root: URL | undefined
): { readonly address: URL; readonly id: string } | undefined => {
  const isRooted = root !== undefined && /^\/(?!\/)/.test(target)
  const isSchemeless = root !== undefined && target.startsWith("//")
  const relative = isRooted ? `.${target}` : isSchemeless ? `https:${target}` : target
  const base = isRooted ? root : page.base
  if (!URL.canParse(relative, base.href)) return undefined
  const address = new URL(relative, base)
  const id = idOf(address.hash)
  address.hash = ""
  if (address.protocol === "file:") address.search = ""
  return { address, id }
}

/** The id in `#id`. `#top` needs no definition, and text fragments (`#:~:text=...`) name no id. */
const idOf = (hash: string): string => {
  const id = hash.slice(1).replace(/:~:.*$/, "")
  if (id === "top") return ""
  return decode(id)
}

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
