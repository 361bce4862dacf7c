/**
 * What travels with a call besides its arguments, where the call leaves the process or the thread (semantics 13.1 to
 * 13.3): the references that its caller has set, the caller's log annotations, and how much time is left. It is data that
 * JSON has.
 */
import * as Context from "effect/Context"
import * as References from "effect/References"
import { type Traveller, travellers, Unknown } from "../base/references.ts"
import { errorText, show } from "../base/show.ts"
import { Call } from "./call.ts"
import { timeLeft } from "./timeLeft.ts"

export interface Baggage {
  /** What was set, as it is written. */
  readonly references?: Readonly<Record<string, unknown>>
  readonly annotations?: Readonly<Record<string, unknown>>
  /** In milliseconds. */
  readonly left?: number
}

/** A reference that cannot be written, or not be read. */
export class BaggageError extends TypeError {}

/** A call, or a reader. */
type Source = Pick<Call, "context" | "line"> & { readonly passage?: Call["passage"] }

/** What travels with a call or a reader, if anything does. Only a call is timed. Throws a `BaggageError`. */
export const pack = (from: Source, timed: boolean): Baggage | undefined => {
  const references = packReferences(from)
  const annotations = packAnnotations(from)
  const left = timed && from instanceof Call ? timeLeft(from) : undefined
  if (references === undefined && annotations === undefined && left === undefined) return undefined
  return {
    ...(references && { references }),
    ...(annotations && { annotations }),
    ...(left !== undefined && { left })
  }
}

const ABSENT = Symbol()

/** The caller's value, or what the instance was made with that carries the call. */
const find = ({ context, line: { cell }, passage }: Source, key: Context.Key<any, unknown>): unknown => {
  const set = Context.getOrElse(passage?.context ?? context, key, () => ABSENT)
  return set === ABSENT ? Context.getOrElse(cell.context, key, () => ABSENT) : set
}

const packReferences = (call: Source): Record<string, unknown> | undefined => {
  const unknown = find(call, AnyUnknown)
  if (travellers.size === 0 && unknown === ABSENT) return undefined
  // A key may be any text, `__proto__`, too.
  const all = new Map<string, unknown>(unknown === ABSENT ? [] : Object.entries(unknown as object))
  for (const [key, traveller] of travellers) {
    const value = find(call, traveller.probe)
    if (value !== ABSENT)
      all.set(
        key,
        guarded(key, traveller, "written with its schema", () => traveller.write(value))
      )
  }
  return all.size === 0 ? undefined : Object.fromEntries(all)
}

/** Finds what is there, where the reference would find its default. */
const AnyUnknown = /* @__PURE__ */ Context.Service<any, unknown>(Unknown.key)
const AnyAnnotations = /* @__PURE__ */ Context.Service<any, unknown>(References.CurrentLogAnnotations.key)

const guarded = <A>(key: string, { made }: Traveller, what: string, use: () => A): A => {
  try {
    return use()
  } catch (error) {
    // The schema may be that of another reference.
    const others =
      made === 1 ? "" : `. ${made} references of this key were made, and the schema of the last one applies: make one`
    throw new BaggageError(`the carried reference ${key} cannot be ${what}: ${errorText(error)}${others}`)
  }
}

/** What most callers have packed last is what they have set for the whole request. */
const known = new WeakMap<object, Record<string, unknown> | undefined>()

const packAnnotations = (call: Source): Record<string, unknown> | undefined => {
  const annotations = find(call, AnyAnnotations)
  if (annotations === ABSENT) return undefined
  if (known.has(annotations as object)) return known.get(annotations as object)
  const entries = Object.entries(annotations as object).map(([key, value]) => [
    key,
    isPlain(value) ? value : show(value)
  ])
  const packed = entries.length === 0 ? undefined : Object.fromEntries(entries)
  known.set(annotations as object, packed)
  return packed
}

const isPlain = (value: unknown): boolean =>
  value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value)

/** A context in which what has come with a call is set. Throws a `BaggageError`. */
export const unpack = (
  context: Context.Context<never>,
  { annotations, references }: Baggage
): Context.Context<never> => {
  let all = context
  if (annotations !== undefined) all = Context.addUnsafe(all, AnyAnnotations.key, annotations)
  const unknown: Array<[string, unknown]> = []
  for (const [key, value] of Object.entries(references ?? {})) {
    const traveller = travellers.get(key)
    if (traveller === undefined) unknown.push([key, value])
    else {
      const read = guarded(key, traveller, "read with its schema here", () => traveller.read(value))
      all = Context.addUnsafe(all, key, read)
    }
  }
  return unknown.length === 0 ? all : Context.addUnsafe(all, Unknown.key, Object.fromEntries(unknown))
}
