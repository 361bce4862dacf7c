/**
 * The texts that storage files things under: keys, and ids.
 *
 * No two keys have the same text, though `7` and `"7"` look the same to people, and each text is one that every database
 * keeps as it is. Nearly all strings are filed as they are. What else there is has a mark: `~7` is a number, and `~"7"` a
 * string that could be taken for something else.
 */

export type Key = string | number

const MARK = "~"
const QUOTED = `${MARK}"`

/** Postgres has no NUL in texts, and half a surrogate pair becomes another character on its way to any database. */
const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes("\0")

/** A text that can be stored, from any string. No two strings have the same. */
export const escape = (text: string): string => (isStorable(text) && !text.startsWith(QUOTED) ? text : quote(text))

/** The string that was escaped. */
export const unescape = (text: string): string => (text.startsWith(QUOTED) ? JSON.parse(text.slice(1)) : text)

/** JSON escapes what cannot be stored. */
const quote = (text: string): string => MARK + JSON.stringify(text)

/** What a key is filed under. */
export const textOf = (key: Key): string => {
  if (typeof key === "number") return `${MARK}${key}`
  const unmarked = key.startsWith(MARK) ? key.slice(MARK.length) : key
  return readsAsNumber(unmarked) ? quote(key) : escape(key)
}

/**
 * What a key was filed under before numbers were told apart from strings: for numbers, and strings that read as one.
 * Nothing is filed under such a text any more, so what is found there belongs to the first of its keys that looks.
 */
export const formerTextOf = (key: Key): string | undefined => {
  const former = String(key)
  return readsAsNumber(former) ? former : undefined
}

const readsAsNumber = (text: string): boolean => String(Number(text)) === text
