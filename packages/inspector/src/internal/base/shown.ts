/**
 * Text from programs, made safe to show to people.
 *
 * Names, keys and errors may hold anything: characters that move the cursor of a terminal, break a line, or reverse the
 * direction of the text after them. All such text goes through here before it reaches a terminal, the page or a trace.
 */

/**
 * Control characters, line ends, and characters without a shape, such as direction marks. The joiners stay: some
 * languages, and emoji, are written with them.
 */
const UNSEEN = /(?:(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}])+/gu

/** Most text is like this, so it is tested first. */
const PLAIN = /^[\x20-\x7e]*$/

/** Names are cut to this length. */
export const MOST_OF_A_NAME = 200
/** Errors are cut to this length: they say more than names. */
export const MOST_OF_AN_ERROR = 2000

/** In one line of at most `most` characters. It cuts first, then cleans: a key may be as long as a book. */
export const shown = (text: string, most = MOST_OF_A_NAME): string =>
  text.length <= most ? oneLine(text) : `${oneLine(text.slice(0, most - 1))}…`

/** The same without a bound. */
export const oneLine = (text: string): string => (PLAIN.test(text) ? text : text.replaceAll(UNSEEN, " "))

/** The same, but line breaks may stay. */
export const safe = (text: string): string => text.split("\n").map(oneLine).join("\n")

/** Equivalent JSON that moves no cursor. Unsafe characters occur in strings only, where they can be escaped. */
export const safeJson = (json: string): string =>
  json.replaceAll(UNSEEN, (found) => [...found.matchAll(/[\s\S]/g)].map(([unit]) => escaped(unit)).join(""))

/** Whitespace between the parts of JSON stays: raw, it cannot be inside a string. */
const escaped = (unit: string): string =>
  unit === "\n" || unit === "\r" || unit === "\t" ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`
