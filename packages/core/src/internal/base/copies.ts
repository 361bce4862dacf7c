/**
 * What the copies of this package in one process have in common. Next.js loads it three times, a monorepo with two
 * versions twice; and for a second copy the refs of the first would be plain objects.
 *
 * Of each version the copy that is loaded first keeps its classes and its state where the others find them, and those
 * work with them in place of their own. That is done once, when a module loads, so nothing is looked up later.
 *
 * Copies of different versions have nothing in common, since the inside of one is not that of the other. That is said when
 * the second version is loaded, and what one gets of the other is refused.
 */
import * as Effect from "effect/Effect"
import { attempt } from "./show.ts"
import { version } from "./version.ts"

/** What is known of the copies of one version. Any version may read it. */
interface Copies {
  /** Where the first one was loaded from. */
  readonly at: string
  /** What they share. Only the same version knows what that is. */
  readonly parts: Record<string, unknown>
}

/** By version. */
const all: Map<string, Copies> = ((globalThis as any)[Symbol.for("troupe/copies")] ??= new Map())

const origin = ([version, { at }]: readonly [string, Copies]): string => `${version} from ${at}`

/** The stack says it in every kind of module and of bundle. */
const here = (): string => /[^\s(]+(?=:\d+:\d+)/.exec(`${new Error().stack}`)?.[0] ?? "a place unknown"

const join = (): Copies => {
  const copies: Copies = { at: here(), parts: {} }
  all.set(version, copies)
  if (all.size > 1) Effect.runFork(Effect.logWarning(severalVersions()))
  return copies
}

const severalVersions = (): string =>
  `@troupe/core is loaded in ${all.size} versions: ${[...all].map(origin).join(", and ")}. They do not work together: each refuses the refs and handles of the other, sees only its own instances, and finds no deadlock that leads through both. See to it that one version is installed (npm ls @troupe/core)`

const { at, parts } = all.get(version) ?? join()

/** What the first copy of this version has under this name: this copy's own, if it is the first. */
export const shared = <A>(name: string, own: A): A => (parts[name] ??= own) as A

/** A key that means something to this version alone. */
export const versioned = <Key extends string>(key: Key): Key => `${key}@${version}` as Key

/** On what must not cross from one version to another: its version. */
export const VersionKey: unique symbol = Symbol.for("troupe/version") as any

/** What is to be said of a value that is of another version of this package, if it is. */
export const stranger = (value: unknown): string | undefined => {
  if (all.size < 2) return undefined
  const its: string | undefined = attempt(() => (value as any)[VersionKey])
  if (its === undefined || its === version) return undefined
  const theirs = all.get(its)
  return `It is of @troupe/core ${theirs ? origin([its, theirs]) : its}, and this is ${origin([version, { at, parts }])}: they do not work together`
}
