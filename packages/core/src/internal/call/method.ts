/**
 * What the runtime knows about a method: its name, and the options that apply to its calls.
 */
import type * as Duration from "effect/Duration"
import type * as Schema from "effect/Schema"
import type { AbortSignalLike } from "../../Actor.ts"
import type { Hearer } from "../../Home.ts"

/** What a constructor makes: an object of methods. */
export type Implementation = { readonly [method: string]: (...args: ReadonlyArray<any>) => unknown }

/** The names of the methods of an implementation: its own functions, and those of its class if it has one. */
export const methodNames = (implementation: Implementation): Array<string> => {
  const names = new Set<string>()
  const methods: any = implementation
  for (let object = methods; object !== null && object !== Object.prototype; object = Object.getPrototypeOf(object)) {
    for (const name of Object.getOwnPropertyNames(object)) {
      if (typeof methods[name] === "function" && !isOfClass(object, name)) names.add(name)
    }
  }
  return [...names]
}

/** The class itself, which every prototype of one has, is no method. */
const isOfClass = (prototype: any, name: string): boolean =>
  name === "constructor" && prototype.constructor.prototype === prototype

export const checkNames = (actor: string, names: ReadonlyArray<string>): void => {
  const name = names.find((name) => RESERVED.has(name))
  if (name !== undefined) throw reserved(actor, name)
}

/** `await` would take a handle with a `then` for a promise, and every object has a constructor. */
const RESERVED = new Set(["then", "constructor"])

export const reserved = (actor: string, name: string | symbol): TypeError => {
  const shown = typeof name === "symbol" ? String(name) : `"${name}"`
  return new TypeError(
    `${actor}: no method may be called ${shown}: "then", "constructor" and symbols are taken. Choose another name`
  )
}

export interface MethodSpec {
  /** The id of the actor. */
  readonly actor: string
  /** Its class, if it has one. */
  readonly key?: object
  /** The property under which the method is found. */
  readonly name: string
  /** How errors, spans and people call it: `actor.name` unless told otherwise. */
  readonly label: string
  /** The concurrency group it runs in, if not the actor's own. */
  readonly group: string | undefined
  readonly maxTaskRetries: number
  /** Which typed failures to retry. */
  readonly retry: boolean | ((error: any) => boolean)
  /** How long a call may take from submission to settling. */
  readonly timeout: Duration.Duration | undefined
  /** Whether it has come from a caller elsewhere, where middleware of callers runs. */
  readonly served?: boolean
  /** Who hears of the call, in the home that has brought it. */
  readonly hearer?: Hearer
  /** Whether its reader takes what is published as publications, which it shares with others. */
  readonly shares?: boolean
  /** When the time is over of a caller in another thread, as `elapsedIn` counts: it ends the call by itself. */
  readonly until?: number
  /** By how many milliseconds the timeout is longer than the time of a caller elsewhere, who ends the call otherwise. */
  readonly grace?: number
  /** An option that a caller has given and that a reader would not have: any but its signal. */
  readonly stray?: string | undefined
  /** What ends its calls when it fires. */
  readonly signal: AbortSignalLike | undefined
  /** The contract, where there is one and calls are to be held to it. */
  readonly contract:
    | { readonly args: ReadonlyArray<Schema.Top>; readonly success: Schema.Top; readonly stream: boolean }
    | undefined
  /** Whether a contract says that it is read, and not called. Without one, its implementation tells. */
  readonly isSubscription: boolean
}

/** On a member of an implementation that is read rather than called: what `Broadcast.make` gives. */
const READABLE = "~troupe/readable"

export const isReadable = (member: any): boolean => member?.[READABLE] === true

/**
 * Marks a function that gives what the present life of an instance publishes, after a notice, if one is given: a reader
 * gets it once it has joined.
 */
export const readable = <F extends (options: any, notice: any, reader: any) => unknown>(read: F): F =>
  Object.assign(read, { [READABLE]: true })
