/**
 * References that travel with calls (semantics 13.1). There are none until a program makes one, and what looks after them
 * looks here first.
 */
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"
import type { Reference } from "../../Carried.ts"
import { shared } from "./copies.ts"
import { checkId } from "./ids.ts"
import { onlyKnown } from "./options.ts"
import { show } from "./show.ts"

export interface Traveller {
  /** Finds the value that was set in a context, and no default. */
  readonly probe: Context.Key<any, unknown>
  /** How many references of this key were made. Copies and reloads make them anew, with the same schema. */
  readonly made: number
  /** Both throw what the schema has to say. */
  readonly write: (value: unknown) => unknown
  readonly read: (written: unknown) => unknown
}

/** By key. */
export const travellers: Map<string, Traveller> = /* @__PURE__ */ shared("travellers", new Map())

/** What has come with a call and has no reference here, as it was written: it goes on to where there is one. */
export const Unknown = /* @__PURE__ */ Context.Reference<Readonly<Record<string, unknown>>>("troupe/Unknown", {
  defaultValue: () => ({})
})

/** Whether the value under a key is the caller's to set. */
export const travels = (key: string): boolean => travellers.has(key) || key === "troupe/Unknown"

interface Options<A> {
  readonly schema: Schema.Codec<A, any>
  readonly defaultValue: () => A
}

export const make = <A>(key: string, options: Options<A>): Reference<A> => {
  checkId("Carried.Reference", key)
  onlyKnown<Options<A>>(key, options, { schema: true, defaultValue: true })
  const { defaultValue, schema } = options
  if (!Schema.isSchema(schema))
    throw new TypeError(`${key}: a carried reference needs "schema", a Schema of its values, but got ${show(schema)}`)
  if (typeof defaultValue !== "function")
    throw new TypeError(`${key}: a carried reference needs "defaultValue", a function, but got ${show(defaultValue)}`)
  const codec = Schema.toCodecJson(schema) as unknown as Schema.Codec<unknown>
  const encode = Schema.encodeUnknownSync(codec)
  // Schemas like `Schema.Any` give what they are given, and JSON would drop some of it without a word.
  const checked = Schema.decodeUnknownSync(Schema.Json)
  travellers.set(key, {
    made: (travellers.get(key)?.made ?? 0) + 1,
    probe: Context.Service<unknown>(key),
    write: (value) => checked(encode(value)),
    read: Schema.decodeUnknownSync(codec)
  })
  return Object.assign(Context.Reference<A>(key, { defaultValue }), { schema })
}
