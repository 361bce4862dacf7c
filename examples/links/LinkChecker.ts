/**
 * The actor that does all reading and fetching. Its `maxConcurrency` keeps a crawl polite: thousands of links may wait
 * in its line, but never more than that many files or connections are open.
 */
import { Actor } from "@troupe/core"
import { type Duration, Effect } from "effect"
import * as disk from "./disk.ts"
import { parseHtml } from "./html.ts"
import { parseMarkdown } from "./markdown.ts"
import { Broken, type Page, type Text } from "./Page.ts"
import * as web from "./web.ts"

export class LinkChecker extends Actor.Service<LinkChecker>()("links/LinkChecker", {
  maxConcurrency: 16,
  make: (options: { readonly timeout: Duration.Input }) =>
    Effect.succeed({
      /** Reads a page and finds its links and anchors. */
      read: Effect.fnUntraced(function* (url: URL) {
        return parse(isWeb(url) ? yield* web.read(url, options.timeout) : yield* disk.read(url))
      }),

      /** Checks whether there is anything at this address, without reading it. */
      exists: Effect.fnUntraced(function* (url: URL) {
        yield* isWeb(url) ? web.exists(url, options.timeout) : disk.exists(url)
      }),

      /** Looks for an anchor in a page. Callers pass the ref of a `read`, which it waits for and fails with. */
      anchor: Effect.fnUntraced(function* (page: Page, id: string) {
        const isThere = page.anchors === undefined || page.anchors.has(id)
        if (!isThere) return yield* new Broken({ reason: `no heading or id "${id}" in that page` })
      })
    })
}) {}

export const isWeb = (url: URL): boolean => url.protocol === "http:" || url.protocol === "https:"

const parse = ({ url, format, text }: Text): Page => {
  if (format === "other") return { url, base: url, links: [], anchors: undefined }
  const { links, anchors, base } = format === "html" ? parseHtml(text) : parseMarkdown(text)
  return { url, base: base !== undefined && URL.canParse(base, url.href) ? new URL(base, url) : url, links, anchors }
}
