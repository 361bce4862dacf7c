/**
 * Text for terminals: colors, and cutting to a width.
 */

/** Ways to emphasize. Without colors, each returns its argument. */
export interface Style {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
  readonly yellow: (text: string) => string
}

export const styleOf = (colors: boolean): Style => {
  const paint = (code: number) => (text: string) => (colors && text !== "" ? `\x1b[${code}m${text}\x1b[0m` : text)
  return { bold: paint(1), dim: paint(2), red: paint(31), green: paint(32), yellow: paint(33) }
}

// East Asian characters and emoji take two columns, and combining marks take none.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u
const MARK = /[\p{M}\u200c\u200d]/u
const PLAIN = /^[\x20-\x7e]*$/

const columns = (character: string): number => (MARK.test(character) ? 0 : WIDE.test(character) ? 2 : 1)

/** How many columns of a terminal a text takes. */
export const widthOf = (text: string): number =>
  PLAIN.test(text) ? text.length : [...text].reduce((sum, character) => sum + columns(character), 0)

/** The number that people tell instances and calls by. */
const NUMBER = / #\d+$/

/** Cuts a text to `width` columns, which `…` shows. A number at its end stays, if there is room for it and some more. */
export const cut = (text: string, width: number): string => {
  if (widthOf(text) <= width) return text
  const at = NUMBER.exec(text)?.index
  const room = width - (text.length - (at ?? text.length))
  return at === undefined || room < 4 ? cutEnd(text, width) : `${cutEnd(text.slice(0, at), room)}${text.slice(at)}`
}

/**
 * Cuts the name of an instance: first what is in front of the last slash of its actor, then the middle of what remains.
 * Keys often begin alike and differ at their ends.
 */
export const cutName = (text: string, width: number): string => {
  if (widthOf(text) <= width) return text
  const slash = text.slice(0, (/[("]/.exec(text) ?? NUMBER.exec(text))?.index).lastIndexOf("/")
  const bare = slash < 0 ? text : `…${text.slice(slash + 1)}`
  if (widthOf(bare) <= width) return bare
  const at = NUMBER.exec(bare)?.index ?? bare.length
  const [name, number] = [bare.slice(0, at), bare.slice(at)]
  const room = width - number.length
  if (room < 8) return cut(text, width)
  const characters = [...name]
  const end = fitting(characters.toReversed(), Math.floor((room - 1) / 2))
    .reverse()
    .join("")
  const begin = fitting(characters, room - 1 - widthOf(end)).join("")
  return `${begin}…${end}${number}`
}

/** As many of the characters as fit. */
const fitting = (characters: ReadonlyArray<string>, width: number): Array<string> => {
  let left = width
  const fits = characters.findIndex((character) => {
    left -= columns(character)
    return left < 0
  })
  return characters.slice(0, fits < 0 ? undefined : fits)
}

const cutEnd = (text: string, width: number): string => {
  if (width <= 0) return ""
  let left = width - 1
  const fits = [...text].findIndex((character) => {
    left -= columns(character)
    return left < 0
  })
  return `${[...text].slice(0, fits).join("")}…`
}

export const pad = (text: string, width: number, side: "left" | "right"): string => {
  const space = " ".repeat(Math.max(0, width - widthOf(text)))
  return side === "left" ? text + space : space + text
}
