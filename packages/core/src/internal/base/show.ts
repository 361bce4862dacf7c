/**
 * Values of users, as people see them: in messages, labels, views and logs.
 *
 * A value may be anything: a Proxy that was revoked, an error whose message throws, a cycle, a gigabyte. Its text is
 * short all the same, and asking for it never throws. Text is for people: nothing may depend on what it says.
 */
import * as Cause from "effect/Cause"
import * as Hash from "effect/Hash"

/** The longest text of a value, and of a key, in characters. */
const MAX_LENGTH = 1000
const MAX_KEY = 200
/** The longest string inside a value. */
const MAX_STRING = 200
/** How many items or properties of one value are shown, how deep, and how many parts of it in all. */
const MAX_ITEMS = 10
const MAX_DEPTH = 4
const MAX_PARTS = 100

const UNREADABLE = "(unreadable)"

/** Looks at a value of a user, which may throw: then there is nothing to see. */
export const attempt = <A>(look: () => A): A | undefined => {
  try {
    return look()
  } catch {
    return undefined
  }
}

/** `instanceof`, which a Proxy may keep from being answered. */
export const isInstance = <A>(value: unknown, type: abstract new (...args: any) => A): value is A =>
  attempt(() => value instanceof type) === true

/** `1 call`, `2 calls`. */
export const plural = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`

/** A value in a message: strings in quotes, objects with what is in them. */
export const show = (value: unknown): string => tidy(new Sketch().part(value), MAX_LENGTH)

/** What an error says, in one text. An error may be any value. */
export const errorText = (error: unknown): string =>
  tidy(typeof error === "string" ? error : new Sketch().part(error), MAX_LENGTH)

/** What an error holds whose message is empty: its fields, if it has any but those of every error. */
export const fieldsText = (error: unknown): string | undefined =>
  attempt(() => {
    if (!(error instanceof Error) || error.message !== "") return undefined
    const text = new Sketch().fields(error, (key) => !common.has(key))
    return text === "{}" ? undefined : tidy(text, MAX_LENGTH)
  })

const common = new Set(["_tag", "name", "message", "stack"])

/**
 * A key in a label. Strings are shown as they are, so that `7` and `"7"` look the same. What is too long to be shown
 * is told apart by its hash. A key may be the choice of strangers: no label begins another line of a log, or turns one
 * around.
 */
export const keyText = (key: unknown): string => labelOf(key).replace(UNSHOWN, escape)

/** Controls, halves of characters, and what ends lines or changes the direction of text. */
const UNSHOWN = /[\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069]/gu

const labelOf = (key: unknown): string => {
  if (typeof key === "string" && key.length <= MAX_KEY) return key
  const sketch = new Sketch()
  const text = typeof key === "string" || typeof key === "bigint" ? `${key}` : sketch.part(key)
  if (!sketch.isCut && text.length <= MAX_KEY) return text
  return `${tidy(text, MAX_KEY)}#${attempt(() => (Hash.hash(key) >>> 0).toString(36)) ?? "?"}`
}

/** A cause that loggers can print: the same one, unless what it holds throws when it is looked at. */
export const printable = (cause: Cause.Cause<unknown>): Cause.Cause<unknown> =>
  attempt(() => Cause.pretty(cause)) === undefined ? Cause.die(new Error(errorText(Cause.squash(cause)))) : cause

/** Cuts a text, and writes out what is no character: in UTF-8 all lone surrogates would look the same. */
const tidy = (text: string, max: number): string => {
  const short = text.length > max ? `${text.slice(0, max).replace(/[\uD800-\uDBFF]$/, "")}…` : text
  return short.isWellFormed() ? short : short.replace(/\p{Surrogate}/gu, escape)
}

const escape = (sign: string): string => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`

/** The text of one value. */
class Sketch {
  /** Whether something was left out. */
  isCut = false
  private parts = 0
  private depth = 0

  part(value: unknown): string {
    switch (typeof value) {
      case "string":
        return JSON.stringify(this.cut(value))
      case "bigint":
        return `${value}n`
      case "function":
        return attempt(() => (value.name === "" ? "a function" : `function ${value.name}`)) ?? "a function"
      case "object":
        return value === null ? "null" : this.inside(value)
      default:
        return String(value)
    }
  }

  private cut(text: string): string {
    if (text.length <= MAX_STRING) return text
    this.isCut = true
    return `${text.slice(0, MAX_STRING).replace(/[\uD800-\uDBFF]$/, "")}…`
  }

  private inside(value: object): string {
    if (this.depth >= MAX_DEPTH || ++this.parts > MAX_PARTS) {
      this.isCut = true
      return "…"
    }
    this.depth++
    try {
      for (const way of ways) {
        const text = attempt(() => way(value, this))
        if (text !== undefined) return text
      }
      return UNREADABLE
    } finally {
      this.depth--
    }
  }

  /** Some of the items, and a sign that there are more. */
  list<A>(items: Iterable<A>, text: (item: A) => string): string {
    const texts: Array<string> = []
    for (const item of items) {
      if (texts.length === MAX_ITEMS) {
        this.isCut = true
        texts.push("…")
        break
      }
      texts.push(attempt(() => text(item)) ?? UNREADABLE)
    }
    return texts.join(",")
  }

  fields(value: any, isShown: (key: string) => boolean): string {
    const property = (key: string) =>
      `${JSON.stringify(key.slice(0, MAX_STRING))}:${attempt(() => this.part(value[key])) ?? UNREADABLE}`
    return `{${this.list(Object.keys(value).filter(isShown), property)}}`
  }

  /** A text that a value has of its own. */
  word(value: unknown): string {
    return typeof value === "string" ? value.slice(0, MAX_LENGTH) : this.part(value)
  }
}

type Way = (value: any, sketch: Sketch) => string | undefined

const inherited = new Set<unknown>([Object.prototype.toString, Array.prototype.toString, undefined])

/** How to come by the text of an object. The first that gives one, without throwing, is it. */
const ways: ReadonlyArray<Way> = [
  (value, sketch) => {
    if (!(value instanceof Error)) return undefined
    const name = attempt(() => sketch.word(value.name)) ?? UNREADABLE
    const message = attempt(() => sketch.word(value.message)) ?? UNREADABLE
    if (message !== "") return `${name}: ${message}`
    const fields = sketch.fields(value, (key) => !common.has(key))
    return fields === "{}" ? name : `${name} ${fields}`
  },
  (value, sketch) => {
    const part = (item: unknown) => sketch.part(item)
    if (Array.isArray(value)) return `[${sketch.list(value, part)}]`
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString()
    if (value instanceof Map) return `Map([${sketch.list(value, part)}])`
    if (value instanceof Set) return `Set([${sketch.list(value, part)}])`
    if (value instanceof DataView || !ArrayBuffer.isView(value)) return undefined
    return `${value.constructor.name}([${sketch.list(value as Uint8Array, part)}])`
  },
  (value) => (inherited.has(value.toString) ? undefined : ownText(value.toString())),
  (value, sketch) => (typeof value.toJSON === "function" ? sketch.part(value.toJSON()) : undefined),
  (value, sketch) => sketch.fields(value, () => true)
]

/** In one line, and not what another realm's `Object.prototype.toString` says. */
const ownText = (text: unknown): string | undefined =>
  typeof text === "string" && !text.startsWith("[object ")
    ? text.slice(0, MAX_LENGTH + 1).replace(/\s*\n\s*/g, " ")
    : undefined
