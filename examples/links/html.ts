/**
 * Finds the links and anchors of an HTML page. This is a scanner for tags, not a parser of trees: nesting does not
 * matter to a link.
 */
import { type Content, decodeEntities, type Link, lineCounter } from "./Page.ts"

interface Tag {
  readonly name: string
  readonly attributes: ReadonlyMap<string, { readonly value: string; readonly offset: number }>
}

export const parseHtml = (text: string): Content => {
  const lineOf = lineCounter(text)
  const links: Array<Link> = []
  const anchors = new Set<string>()
  let base: string | undefined
  for (const tag of tags(text)) {
    for (const name of tag.name === "a" ? ["id", "name"] : ["id"]) {
      const anchor = tag.attributes.get(name)
      if (anchor !== undefined) anchors.add(anchor.value)
    }
    if (tag.name === "base") base ??= tag.attributes.get("href")?.value
    for (const { target, offset, kind } of targetsOf(tag)) {
      links.push({ target: target.trim(), line: lineOf(offset), kind })
    }
  }
  return { links, anchors, base }
}

/** Which attributes of which tags are links, and to what. */
const linkAttributes: Record<string, ReadonlyArray<readonly [attribute: string, kind: Link["kind"]]>> = {
  a: [["href", "page"]],
  area: [["href", "page"]],
  iframe: [["src", "page"]],
  link: [["href", "asset"]],
  img: [
    ["src", "asset"],
    ["srcset", "asset"]
  ],
  source: [
    ["src", "asset"],
    ["srcset", "asset"]
  ],
  script: [["src", "asset"]],
  video: [
    ["src", "asset"],
    ["poster", "asset"]
  ],
  audio: [["src", "asset"]],
  track: [["src", "asset"]],
  embed: [["src", "asset"]],
  object: [["data", "asset"]]
}

function* targetsOf(tag: Tag) {
  // These name a host to connect to, not a file to fetch.
  if (tag.name === "link" && /^(preconnect|dns-prefetch)$/i.test(tag.attributes.get("rel")?.value ?? "")) return
  for (const [attribute, kind] of linkAttributes[tag.name] ?? []) {
    const found = tag.attributes.get(attribute)
    if (found === undefined) continue
    const { value, offset } = found
    if (attribute !== "srcset") yield { target: value, offset, kind }
    else for (const target of srcsetUrls(value)) yield { target, offset, kind }
  }
}

/** `small.png 1x, large.png 2x` names two files. A comma inside a URL does not end it, a comma after it does. */
const srcsetUrls = (value: string): ReadonlyArray<string> =>
  [...value.matchAll(/[\s,]*([^\s,]\S*)([^,]*)/g)].flatMap(([, url]) => url!.replace(/,+$/, "").trim() || [])

/** Text in these is not markup: it ends at the closing tag and nowhere else. */
const rawText = new Set(["script", "style", "textarea", "title"])

function* tags(text: string): Generator<Tag> {
  let at = 0
  while (true) {
    at = text.indexOf("<", at)
    if (at < 0) return
    if (text.startsWith("<!--", at)) {
      const end = text.indexOf("-->", at + 4)
      if (end < 0) return
      at = end + 3
    } else if (/[a-zA-Z]/.test(text[at + 1] ?? "")) {
      const { tag, end } = readTag(text, at)
      yield tag
      at = rawText.has(tag.name) ? endOfRawText(text, tag.name, end) : end
    } else {
      at++
    }
  }
}

const endOfRawText = (text: string, name: string, from: number): number => {
  const close = new RegExp(`</${name}[\\s/>]`, "gi")
  close.lastIndex = from
  return close.exec(text)?.index ?? text.length
}

/** Reads one opening tag, from its `<` to after its `>`. */
const readTag = (text: string, from: number): { readonly tag: Tag; readonly end: number } => {
  const name = /[^\s/>]+/y
  const attribute = /[\s/]*([^\s/>=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']*)))?/y
  name.lastIndex = from + 1
  const tagName = name.exec(text)![0].toLowerCase()
  const attributes: Map<string, { value: string; offset: number }> = new Map()
  let end = name.lastIndex
  while (true) {
    attribute.lastIndex = end
    const match = attribute.exec(text)
    if (match === null) break
    end = attribute.lastIndex
    const key = match[1]!.toLowerCase()
    const value = match[2] ?? match[3] ?? match[4]
    // Of two attributes with the same name, the first one counts.
    if (value !== undefined && !attributes.has(key)) {
      attributes.set(key, { value: decodeEntities(value), offset: match.index + match[0].search(/\S/) })
    }
  }
  const close = text.indexOf(">", end)
  return { tag: { name: tagName, attributes }, end: close < 0 ? text.length : close + 1 }
}
