/**
 * Text for terminals: colors, numbers and durations in few characters, and cutting to a width.
 */

/** How to emphasize. Without colors each of them gives back what it gets. */
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

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g

/** Names, keys and errors are made by programs: none of them may move the cursor. */
export const oneLine = (text: string): string => text.replaceAll(CONTROL, " ")

/** The same, but line breaks may stay. */
export const safe = (text: string): string => text.split("\n").map(oneLine).join("\n")

/** Cuts text to `width` characters, and shows that it did. */
export const cut = (text: string, width: number): string => {
  const characters = [...text]
  if (characters.length <= width) return text
  return width <= 0 ? "" : `${characters.slice(0, width - 1).join("")}…`
}

export const pad = (text: string, width: number, side: "left" | "right"): string => {
  const space = " ".repeat(Math.max(0, width - [...text].length))
  return side === "left" ? text + space : space + text
}

/** `12ms`, `4.2s`, `3m05s`, `2h10m`, `5d03h`. */
export const duration = (millis: number): string => {
  if (!(millis > 0)) return "0ms"
  if (millis < 999.5) return `${Math.round(millis)}ms`
  // Rounded first: 9.96 s would be 10.0s otherwise, and 59.9 s 60s.
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

/** Per second: small rates have a decimal. */
export const rate = (n: number): string => (n > 0 && n < 9.95 ? n.toFixed(1) : count(n))

export const plural = (n: number, what: string): string => `${count(n)} ${what}${n === 1 ? "" : "s"}`
