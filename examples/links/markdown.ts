/**
 * Finds the links and anchors of a Markdown page, as GitHub renders it: inline and reference links, images, autolinks,
 * bare URLs and HTML tags, with the slugs of headings as anchors. Code of every kind is left out. It works in three
 * steps. A pass over the lines finds code, headings and link definitions. Then code spans and comments
 * * are blanked out, in place, so that offsets stay correct. The rest is scanned for links.
 */
import { parseHtml } from "./html.ts"
import { blank, type Content, decodeEntities, type Link, lineCounter } from "./Page.ts"

export const parseMarkdown = (source: string): Content => {
  const text = source.replace(/\r\n?/g, "\n")
  const { prose, definitions, headings } = readBlocks(text)
  const masked = maskCodeAndComments(prose)
  const html = parseHtml(masked)
  const lineOf = lineCounter(masked)
  const links = [
    ...definitions.links,
    ...html.links,
    ...scanLinks(masked, definitions.labels).map(({ offset, ...link }): Link => ({ ...link, line: lineOf(offset) }))
  ]
  return {
    links: links.sort((a, b) => a.line - b.line),
    anchors: new Set([...slugs(headings), ...html.anchors])
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Blocks: one pass over the lines
// ---------------------------------------------------------------------------------------------------------------------

interface Blocks {
  /** The text with code blocks, front matter and link definitions blanked out. */
  readonly prose: string
  readonly definitions: { readonly links: ReadonlyArray<Link>; readonly labels: ReadonlySet<string> }
  readonly headings: ReadonlyArray<string>
}

const definition = /^[ \t>]*\[((?:[^\][\\]|\\.)+)\]:[ \t]*(?:<([^>]*)>|(\S+))[ \t]*(?:["'(].*)?$/
const listItem = /^(\s*(?:[-*+]|\d{1,9}[.)])\s+)\S/

const readBlocks = (text: string): Blocks => {
  const links: Array<Link> = []
  const labels = new Set<string>()
  const headings: Array<string> = []
  let paragraph = ""
  const isCode = codeLines()

  const prose = withoutFrontMatter(text.split("\n")).map((line, index) => {
    if (isCode(line)) {
      paragraph = ""
      return blank(line)
    }
    const defined = definition.exec(line)
    if (defined !== null && !defined[1]!.startsWith("^")) {
      labels.add(normalizeLabel(defined[1]!))
      links.push({ target: unescape(defined[2] ?? defined[3]!), line: index + 1, kind: "page" })
      return blank(line)
    }
    const content = line.replace(/^(?: {0,3}> ?)+/, "")
    const atx = /^ {0,3}#{1,6}(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/.exec(content)
    if (atx !== null) headings.push(atx[1] ?? "")
    else if (paragraph !== "" && /^ {0,3}(?:=+|-+)[ \t]*$/.test(content)) headings.push(paragraph)
    // A line of text turns out to be a heading if the next one underlines it.
    const isText =
      atx === null && !/^\s*$|^ {0,3}(?:=+|-+|[-*_ ]{3,})[ \t]*$|\|/.test(content) && !listItem.test(content)
    paragraph = isText ? `${paragraph} ${content.trim()}`.trim() : ""
    return line
  })
  return { prose: prose.join("\n"), definitions: { links, labels }, headings }
}

/** YAML between two `---` at the very top is not Markdown. */
const withoutFrontMatter = (lines: ReadonlyArray<string>): ReadonlyArray<string> => {
  const end = lines[0]?.trimEnd() === "---" ? lines.findIndex((line, i) => i > 0 && /^(---|\.\.\.)\s*$/.test(line)) : -1
  return lines.map((line, i) => (i <= end ? blank(line) : line))
}

/** Tells, line by line, whether the line belongs to a fenced or an indented code block. */
const codeLines = (): ((line: string) => boolean) => {
  let fence: { readonly mark: string; readonly quoted: boolean } | undefined
  let afterBlank = true
  let indented = false
  /** Where the text of the innermost list item starts; code in it is indented by four more. */
  let listIndent = 0

  return (line) => {
    const [, prefix, mark, info] = /^([ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*)(`{3,}|~{3,})?(.*)$/.exec(line)!
    if (fence !== undefined) {
      const leftQuote = fence.quoted && !/^\s*>/.test(line)
      if (!leftQuote) {
        if (mark?.startsWith(fence.mark) && info!.trim() === "") fence = undefined
        afterBlank = false
        return true
      }
      fence = undefined
    }
    if (mark !== undefined && !(mark.startsWith("`") && info!.includes("`"))) {
      fence = { mark, quoted: prefix!.includes(">") }
      return true
    }
    if (line.trim() === "") {
      afterBlank = true
      return false
    }
    const indent = /^\s*/.exec(line)![0].replace(/\t/g, "    ").length
    indented = indent >= listIndent + 4 && (afterBlank || indented)
    if (!indented) {
      const item = listItem.exec(line)
      if (item !== null) listIndent = item[1]!.length
      else if (afterBlank && indent < listIndent) listIndent = 0
    }
    afterBlank = false
    return indented
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Anchors
// ---------------------------------------------------------------------------------------------------------------------

/** The ids GitHub gives to headings: the second `Usage` becomes `usage-1`. */
const slugs = (headings: ReadonlyArray<string>): ReadonlyArray<string> => {
  const seen = new Map<string, number>()
  return headings.map((heading) => {
    const slug = plainText(heading)
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, "")
      .replace(/ /g, "-")
    let unique = slug
    let count = seen.get(slug) ?? 0
    while (seen.has(unique)) unique = `${slug}-${++count}`
    seen.set(slug, count)
    seen.set(unique, seen.get(unique) ?? 0)
    return unique
  })
}

/** A heading without its markup: code spans stay as they are, links leave their text. */
const plainText = (heading: string): string =>
  heading
    .split(/(`+)(.+?)\1(?!`)/)
    .map((part, i) => {
      if (i % 3 === 1) return ""
      if (i % 3 === 2) return part
      return decodeEntities(
        part
          .replace(/!\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])/g, "")
          .replace(/\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])/g, "$1")
          .replace(/<\/?[a-zA-Z][^>]*>/g, "")
          .replace(/(?<![\p{L}\p{N}\\])_+(?=\S)|(?<=[^\s\\])_+(?![\p{L}\p{N}])/gu, "")
      )
    })
    .join("")

// ---------------------------------------------------------------------------------------------------------------------
// Inline text
// ---------------------------------------------------------------------------------------------------------------------

/** Blanks out code spans and HTML comments. A code span ends with its paragraph at the latest. */
const maskCodeAndComments = (text: string): string => {
  let masked = ""
  let at = 0
  const special = /\\[\s\S]|`+|<!--/g
  const lastComment = text.lastIndexOf("-->")
  for (let found = special.exec(text); found !== null; found = special.exec(text)) {
    const isComment = found[0] === "<!--"
    if (found[0].startsWith("\\") || (isComment && lastComment < found.index)) continue
    const end = isComment ? text.indexOf("-->", found.index) + 3 : endOfCode(text, found.index, found[0])
    if (end === undefined) continue
    masked += text.slice(at, found.index) + blank(text.slice(found.index, end))
    at = special.lastIndex = end
  }
  return masked + text.slice(at)
}

const endOfCode = (text: string, from: number, ticks: string): number | undefined => {
  const closing = /`+|\n[ \t]*(?=\n)/g
  closing.lastIndex = from + ticks.length
  for (let found = closing.exec(text); found !== null; found = closing.exec(text)) {
    if (found[0] === ticks) return closing.lastIndex
    if (found[0].startsWith("\n")) return undefined
  }
  return undefined
}

interface Found extends Omit<Link, "line"> {
  readonly offset: number
}

/** An open bracket that may turn out to be the start of a link. */
interface Opening {
  readonly offset: number
  readonly image: boolean
  /** How many links had been found before it: later ones are inside its text. */
  readonly before: number
}

const scanLinks = (text: string, labels: ReadonlySet<string>): ReadonlyArray<Found> => {
  const links: Array<Found> = []
  let openings: Array<Opening> = []
  /** Links do not nest: brackets opened before a link can no longer become one. An image may hold links. */
  let spent = 0
  const special = /\\[\s\S]|!?\[|\]|\n[ \t]*(?=\n)|<[a-zA-Z/](?:[^<>\n]|\n(?![ \t]*\n))*>|https?:\/\/[^\s<]{1,2000}/g

  for (let found = special.exec(text); found !== null; found = special.exec(text)) {
    const [token] = found
    const offset = found.index
    if (token.startsWith("\n")) {
      openings = []
      spent = 0
    } else if (token.endsWith("[")) {
      openings.push({ offset, image: token.startsWith("!"), before: links.length })
    } else if (token.startsWith("<")) {
      if (/^<[a-zA-Z][\w+.-]+:\S*>$/.test(token)) links.push({ target: token.slice(1, -1), offset, kind: "page" })
    } else if (token.startsWith("http")) {
      const target = trimBareUrl(token)
      special.lastIndex = offset + target.length
      if (!/[\w/]/.test(text[offset - 1] ?? "")) links.push({ target: decodeEntities(target), offset, kind: "page" })
    } else if (token === "]") {
      const opening = openings.pop()
      const isSpent = openings.length < spent
      spent = Math.min(spent, openings.length)
      if (opening === undefined || (isSpent && !opening.image)) continue
      const label = text.slice(opening.offset + (opening.image ? 2 : 1), offset)
      const end = closeLink(text, { opening, label, end: offset + 1, labels, links })
      if (end === undefined) continue
      special.lastIndex = end
      if (!opening.image) spent = openings.length
    }
  }
  return links
}

/** Examines what follows a closing bracket. If it makes a link, records the link and returns where it ends. */
const closeLink = (
  text: string,
  found: {
    readonly opening: Opening
    readonly label: string
    readonly end: number
    readonly labels: ReadonlySet<string>
    readonly links: Array<Found>
  }
): number | undefined => {
  const { opening, label, end, labels, links } = found
  const kind = opening.image ? "asset" : "page"
  // What looked like a bare URL is only the text of this link.
  const forgetBareUrls = () => {
    const inside = links.splice(opening.before)
    links.push(...inside.filter((link) => link.kind === "asset"))
  }
  const destination = text[end] === "(" ? readDestination(text, end + 1) : undefined
  if (destination !== undefined) {
    forgetBareUrls()
    const target = unescape(destination.target)
    links.push({ target, offset: destination.offset, kind, problem: target === "" ? "no target" : undefined })
    return destination.end
  }
  const reference = /\[((?:[^\][\\]|\\.)*)\]/y
  reference.lastIndex = end
  const match = reference.exec(text)
  if (label.length > longestLabel) return undefined
  const name = match === null || match[1]!.trim() === "" ? label : match[1]!
  if (labels.has(normalizeLabel(name))) {
    forgetBareUrls()
    return match === null ? end : reference.lastIndex
  }
  // `[text][label]` without a definition is a mistake; `[text]` and `list[i][j]` are only text.
  const isText =
    match === null || match[1]!.trim() === "" || label === "" || /[\w)\]]/.test(text[opening.offset - 1] ?? "")
  if (isText || name.startsWith("^")) return undefined
  links.push({ target: `[${name}]`, offset: opening.offset, kind, problem: "the reference is not defined" })
  return reference.lastIndex
}

/** No link is longer than this. A bound keeps a page full of half-written links from taking quadratic time. */
const longestLink = 4096
const longestLabel = 999

/** Reads `target "title")`, from after the opening parenthesis to after the closing one. */
const readDestination = (
  page: string,
  from: number
): { readonly target: string; readonly offset: number; readonly end: number } | undefined => {
  const text = page.slice(from, from + longestLink)
  const offset = skipSpace(text, 0)
  let at = offset
  let target: string
  if (text[at] === "<") {
    const angled = /<((?:[^<>\n\\]|\\.)*)>/y
    angled.lastIndex = at
    const match = angled.exec(text)
    if (match === null) return undefined
    target = match[1]!
    at = angled.lastIndex
  } else {
    at = endOfBareDestination(text, at)
    target = text.slice(offset, at)
  }
  const title = /\s+(?:"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'|\((?:[^()\\]|\\[\s\S])*\))/y
  title.lastIndex = at
  if (title.test(text)) at = title.lastIndex
  at = skipSpace(text, at)
  return text[at] === ")" ? { target, offset: from + offset, end: from + at + 1 } : undefined
}

/** A destination without angle brackets may hold parentheses, as long as they are balanced and nest 32 deep at most. */
const endOfBareDestination = (text: string, from: number): number => {
  let depth = 0
  let at = from
  for (; at < text.length && depth <= 32 && !/\s/.test(text[at]!); at++) {
    if (text[at] === "\\") at++
    else if (text[at] === "(") depth++
    else if (text[at] === ")" && depth-- === 0) break
  }
  return at
}

const skipSpace = (text: string, from: number): number => {
  const space = /[ \t]*\n?[ \t]*/y
  space.lastIndex = from
  space.test(text)
  return space.lastIndex
}

/** A bare URL ends before the punctuation of its sentence, and before a parenthesis that was opened outside of it. */
const trimBareUrl = (url: string): string => {
  let end = url.search(/[\]|]/) < 0 ? url.length : url.search(/[\]|]/)
  while (end > 0) {
    const last = url[end - 1]!
    const head = url.slice(0, end)
    if (/[?!.,:;*_~'"]/.test(last)) end--
    else if (last === ")" && head.split(")").length > head.split("(").length) end--
    else break
  }
  return url.slice(0, end)
}

const unescape = (target: string): string => decodeEntities(target.replace(/\\([!-/:-@[-`{-~])/g, "$1"))

const normalizeLabel = (label: string): string => label.trim().replace(/\s+/g, " ").toLowerCase()
