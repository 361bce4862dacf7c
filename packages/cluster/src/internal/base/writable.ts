/**
 * Whether values can be written: as JSON, which is what storage holds.
 *
 * The engine writes without checking. A value that does not fit its schema, that JSON cannot hold or that throws when it
 * is read looks to it like a storage that does not answer: it tries again, and the call never settles. What JSON drops,
 * like `NaN` or a function, would reach the method as `null`, or not at all. So values are checked here before they are
 * stored.
 */
import { attempt } from "@troupe/core/Home"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { contained } from "./contained.ts"

/** Deeper values overflow the stack of the process that writes or reads them. */
const MAX_DEPTH = 1000
/** How many steps of the path to a field are shown. */
const MAX_PATH = 8
/** Longer texts are cut: they do not help the reader. */
const MAX_TEXT = 500

export type Codec = Schema.Codec<unknown, unknown>

/** How a schema writes JSON. */
export const codecOf = (schema: Schema.Top): Codec => Schema.toCodecJson(contained(schema)) as unknown as Codec

/** What keeps the value of this name from being written, or `undefined` if it can be. */
export const issueOf = (name: string, codec: Codec, value: unknown): Effect.Effect<string | undefined> =>
  Effect.suspend(() => Schema.encodeEffect(codec)(value)).pipe(
    Effect.map((encoded) => issueOfJson(name, encoded)),
    Effect.catchCause((cause) =>
      Cause.hasInterrupts(cause) ? Effect.interrupt : Effect.succeed(`${name}: ${wordsOf(Cause.squash(cause))}`)
    )
  )

/** The same for a value that is to be JSON as it is. */
export const issueOfJson = (name: string, value: unknown): string | undefined => {
  try {
    // A value has at least two brackets for each level of its depth.
    const length = JSON.stringify(value, keepsAll)?.length ?? 0
    if (length <= 2 * MAX_DEPTH || !isTooDeep(value)) return undefined
    return `${name} is nested more than ${MAX_DEPTH} levels deep`
  } catch (error) {
    return `${name}${pathIn(value)} cannot be written as JSON: ${wordsOf(error)}`
  }
}

/** Throws for what JSON has nothing for: it would write `null` in its place, or leave it out, and say nothing. */
const keepsAll = (_key: string, value: unknown): unknown => {
  switch (typeof value) {
    case "number":
      if (Number.isFinite(value)) return value
      throw new TypeError(`JSON has no ${value}`)
    case "function":
    case "symbol":
      throw new TypeError(`JSON has no ${typeof value}s`)
    default:
      return value
  }
}

/** Level by level: recursion would overflow the very stack. */
const isTooDeep = (value: unknown): boolean => {
  let level: ReadonlyArray<unknown> = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return true
    level = level.filter(isObject).flatMap((each) => Object.values(each))
  }
  return false
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

/** The path to the innermost field that cannot be written. */
const pathIn = (value: unknown, above: ReadonlyArray<unknown> = []): string => {
  if (!isObject(value) || above.length === MAX_PATH || above.includes(value)) return ""
  // What stands in its place is nowhere to be seen.
  if (attempt(() => typeof (value as any).toJSON) === "function") return ""
  for (const key of attempt(() => Object.keys(value)) ?? []) {
    if (isWritable(() => (value as any)[key])) continue
    const step = Array.isArray(value) ? `[${key}]` : `[${JSON.stringify(key)}]`
    const field = attempt(() => (value as any)[key])
    return `${step}${pathIn(field, [...above, value])}`
  }
  return ""
}

const isWritable = (look: () => unknown): boolean => attempt(() => [JSON.stringify(look(), keepsAll)]) !== undefined

/** What an error says, in one line. It may throw when it is asked. */
export const wordsOf = (error: unknown): string => {
  const said = attempt(() => String((error as any)?.message ?? error)) ?? "it throws when it is looked at"
  const words = said.replaceAll(/\s+/g, " ")
  if (words === "Maximum call stack size exceeded") return "it is nested too deeply"
  return words.length > MAX_TEXT ? `${words.slice(0, MAX_TEXT)}...` : words
}
