/** What the link checker knows about a page, and how checks can fail. */
import { Effect, Schema } from "effect"

/**
 * What the link checker needs to know about a page: its links, each with its line number, and the anchors that links
 * can point to.
 */
export interface Page {
  /** Where the page was found, after redirects. */
  readonly url: URL
  /** Where relative links start from: the page itself, unless an HTML `<base>` says otherwise. */
  readonly base: URL
  readonly links: ReadonlyArray<Link>
  /** Slugs of headings and `id`s; `undefined` (unknown) if the page is neither Markdown nor HTML. */
  readonly anchors: ReadonlySet<string> | undefined
}

export interface Link {
  /** As it is written in the page, such as `../guide.md#install`. */
  readonly target: string
  readonly line: number
  /** A `page` is opened by a reader; an `asset`, such as an image, only has to exist. */
  readonly kind: "page" | "asset"
  /** Set if the text alone shows that the link is broken. */
  readonly problem?: string | undefined
}

/** The links and anchors of a text, regardless of where the text came from. */
export interface Content {
  readonly links: ReadonlyArray<Link>
  readonly anchors: ReadonlySet<string>
  /** The `href` of an HTML `<base>`. */
  readonly base?: string | undefined
}

/** A page before it is parsed. */
export interface Text {
  /** Where it was found, after redirects. */
  readonly url: URL
  readonly format: Format
  readonly text: string
}

/** How to read a page; `other` is a page that has no links to look for. */
export type Format = "markdown" | "html" | "other"

export const formatOfName = (name: string): Format =>
  /\.(md|markdown|mdx)$/i.test(name) ? "markdown" : /\.(html?|xhtml)$/i.test(name) ? "html" : "other"

/** Returns the line number, from 1, of an offset in `text`. */
export const lineCounter = (text: string): ((offset: number) => number) => {
  const starts = [0]
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1)
  return (offset) => {
    let low = 0
    let high = starts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (starts[middle]! <= offset) low = middle
      else high = middle
    }
    return low + 1
  }
}

/** Replaces a range of text with spaces, so that it is not parsed and every offset and line stays correct. */
export const blank = (text: string): string => text.replace(/[^\n]/g, " ")

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" }

/** Decodes the entities that occur in links and headings. */
export const decodeEntities = (text: string): string =>
  text.replace(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-zA-Z]+));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return entities[name] ?? whole
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal)
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })

/** Why a link is broken, or why a page cannot be read. */
export class Broken extends Schema.TaggedError<Broken>()("Broken", { reason: Schema.String }) {
  override get message() {
    return this.reason
  }
}

/** Pages larger than this are not read. */
export const maxPageBytes = 10_000_000

/** Decodes the bytes of a page, and refuses anything that is not text. */
export const decodeText = (bytes: Uint8Array): Effect.Effect<string, Broken> => {
  const zero = bytes.indexOf(0)
  if (zero >= 0) return Effect.fail(new Broken({ reason: `not text: byte ${zero} is 0` }))
  return Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
    catch: () => new Broken({ reason: "not text: the bytes are no UTF-8" })
  })
}
