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

const place = Symbol.for("troupe/copies")

/** By version. */
const all: Map<string, Copies> = (globalThis as any)[place] ?? new Map()
// Where the global object is frozen each copy is alone, as it would be without this.
Reflect.defineProperty(globalThis, place, { value: all, configurable: true })

const listed = (): string => [...all].map(([version, { at }]) => `${version} from ${at}`).join(", ")

/** The stack says it in every kind of module and of bundle. */
const here = (): string => /[^\s(]+(?=:\d+:\d+)/.exec(`${new Error().stack}`)?.[0] ?? "a place unknown"

const join = (): Copies => {
  const copies: Copies = { at: here(), parts: {} }
  all.set(version, copies)
  if (all.size > 1)
    Effect.runFork(
      Effect.logWarning(
        `@troupe/core is loaded in ${all.size} versions, which do not work together: ${listed()}. Install one (npm ls @troupe/core)`
      )
    )
  return copies
}

const { parts } = all.get(version) ?? join()

/**
 * What the first copy of this version has under this name: this copy's own, if it is the first. A class `OwnCall` is this
 * copy's, and `Call` the one that all use; it is exported for the compiler, which has to name it in declarations.
 */
export const shared = <A>(name: string, own: A): A => {
  parts[name] ??= own
  return parts[name] as A
}

/** A key that means something to this version alone. */
export const versioned = <Key extends string>(key: Key): Key => `${key}@${version}` as Key

/** On what must not cross from one version to another: its version. */
export const VersionKey: unique symbol = Symbol.for("troupe/version") as any

/** What is to be said of a value that is of another version of this package, if it is. */
export const stranger = (value: unknown): string | undefined => {
  if (all.size < 2) return undefined
  const its: string | undefined = attempt(() => (value as any)[VersionKey])
  if (its === undefined || its === version) return undefined
  return `It is of @troupe/core ${its}, which does not work together with ${version}: there are ${listed()}`
}
