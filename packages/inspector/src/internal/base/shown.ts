/**
 * Text that programs made, as people are shown it.
 *
 * Names, keys and errors may hold anything: what moves the cursor of a terminal, breaks a line, or turns the direction of
 * what stands after it. Each place that prints such text, to a terminal, onto the page or into a trace, has it from here.
 */

/**
 * Control characters, ends of lines, and what has no shape of its own, such as marks of direction. The joiners stay:
 * languages and pictures are written with them.
 */
const UNSEEN = /(?:(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}])+/gu

/** Most text is like this, and there is much of it. */
const PLAIN = /^[\x20-\x7e]*$/

/** No name is longer than this where people read it. */
export const MOST_OF_A_NAME = 200
/** Errors say more than names. */
export const MOST_OF_AN_ERROR = 2000

/** In one line, of at most so many characters. Nothing is looked for in what is not shown: a key may be a book. */
export const shown = (text: string, most = MOST_OF_A_NAME): string =>
  text.length <= most ? oneLine(text) : `${oneLine(text.slice(0, most - 1))}…`

/** The same without a bound. */
export const oneLine = (text: string): string => (PLAIN.test(text) ? text : text.replaceAll(UNSEEN, " "))

/** The same, but line breaks may stay. */
export const safe = (text: string): string => text.split("\n").map(oneLine).join("\n")

/** JSON that means the same, and moves no cursor: all that could stands in strings, which can say it otherwise. */
export const safeJson = (json: string): string =>
  json.replaceAll(UNSEEN, (found) => [...found.matchAll(/[\s\S]/g)].map(([unit]) => escaped(unit)).join(""))

/** Space between the parts of JSON is no part of a string. */
const escaped = (unit: string): string =>
  unit === "\n" || unit === "\r" || unit === "\t" ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`
