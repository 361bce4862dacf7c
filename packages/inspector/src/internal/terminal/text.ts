/**
 * Text for terminals: colors, numbers and durations in few characters, and cutting to a width.
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

/** `12ms`, `4.2s`, `3m05s`, `2h10m`, `5d03h`. */
export const duration = (millis: number): string => {
  if (!(millis > 0)) return "0ms"
  if (millis < 999.5) return `${Math.round(millis)}ms`
  // Round first: otherwise 9.96 s would be 10.0s, and 59.9 s 60s.
  const seconds = Math.round(millis / 100) / 10
  if (seconds < 10) return `${seconds.toFixed(1)}s`
  const whole = Math.round(millis / 1000)
  if (whole < 60) return `${whole}s`
  const two = (n: number) => String(n).padStart(2, "0")
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`
  return `${Math.floor(whole / 86_400)}d${two(Math.floor((whole % 86_400) / 3600))}h`
}

/** At most four digits: `9999`, `10.0k`, `123k`, `4.5M`. */
export const count = (n: number): string => {
  if (n < 10_000) return String(Math.round(n))
  const unit = n < 999_500 ? "k" : n < 999_500_000 ? "M" : "G"
  const scaled = n / { k: 1e3, M: 1e6, G: 1e9 }[unit]
  return `${scaled.toFixed(scaled < 99.95 ? 1 : 0)}${unit}`
}

/** A number per second: small ones have a decimal. */
export const rate = (n: number): string => (n > 0 && n < 9.95 ? n.toFixed(1) : count(n))

export const plural = (n: number, what: string): string => `${count(n)} ${what}${n === 1 ? "" : "s"}`
