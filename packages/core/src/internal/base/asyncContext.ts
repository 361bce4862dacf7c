/**
 * The async context of the platform: what `AsyncLocalStorage` reads, and with it loggers, ORMs and tracing SDKs.
 *
 * A call runs in the async context in which it was submitted (semantics 1.9). One that starts on its submitter's stack
 * does so by itself. One that has waited is started by what freed its permit, which works for another request as a rule.
 * So what waits takes a snapshot along, if there is anything in it.
 *
 * Core imports nothing from Node: without `process.getBuiltinModule` there are no async contexts to keep.
 */
import { shared } from "./copies.ts"

/** A snapshot of an async context that has something in it. */
export interface AsyncContext {
  runInAsyncScope<A>(run: () => A): A
}

interface Hooks {
  readonly AsyncResource: new (type: string, trigger: number | object) => AsyncContext
  readonly AsyncLocalStorage: new () => { run<A>(store: unknown, work: () => A): A; disable(): void }
}

const hooks: Hooks | undefined = (globalThis as any).process?.getBuiltinModule?.("node:async_hooks")
const Resource = hooks?.AsyncResource

/** A number keeps Node from looking for a trigger, which takes twice the time. On workerd only an object will do. */
const trigger = ((): number | object => {
  try {
    if (Resource !== undefined) new Resource("Troupe", 0)
    return 0
  } catch {
    return {}
  }
})()

interface Stores {
  /** Whether one has ever been seen. Before that, nothing needs to be restored anywhere. */
  seen: boolean
  /** A context with none in it: where what was submitted without a store runs, once there are stores. */
  empty: AsyncContext | undefined
}

export const stores: Stores = /* @__PURE__ */ shared("stores", { seen: false, empty: undefined })

/** The present async context, if there is anything in it. 20 ns, and no memory, where there is not. */
export const capture = (): AsyncContext | undefined => {
  if (Resource === undefined) return undefined
  const context = new Resource("Troupe", trigger)
  if (isEmpty(context)) {
    stores.empty ??= context
    return undefined
  }
  stores.seen = true
  return context
}

/** Runs `work` in a context that was captured. */
export const run = <A>(context: AsyncContext | undefined, work: () => A): A => {
  if (!stores.seen) return work()
  const there = context ?? withoutStore()
  return there === undefined ? work() : there.runInAsyncScope(work)
}

/** Where each store is a field of the resource, `enterWith` changes the resource: such a one is used once. */
const withoutStore = (): AsyncContext | undefined =>
  frameKey === undefined ? stores.empty?.runInAsyncScope(() => new Resource!("Troupe", trigger)) : stores.empty

/** The same function, which runs in the present async context whenever it is called. */
export const bind = <Args extends ReadonlyArray<any>, A>(work: (...args: Args) => A): ((...args: Args) => A) => {
  const context = capture()
  return (...args) => run(context, () => work(...args))
}

/** A callback that resumes a fiber, which goes on in the present async context. */
export const bindResume = <Exit>(resume: (exit: Exit) => void): ((exit: Exit) => void) => {
  const context = capture()
  return stores.seen ? (exit) => run(context, () => resume(exit)) : resume
}

// --- whether a context is empty --------------------------------------------------------------------------------------

/** What every resource has. Older versions of Node keep each store beside these, newer ones keep all in the frame. */
const FRAME = "context_frame"
const PLAIN = new Set(["async_id_symbol", "trigger_async_id_symbol", "destroyed", FRAME])

const symbolsOf = (context: object): ReadonlyArray<symbol> => Object.getOwnPropertySymbols(context)
const storesOf = (context: object): ReadonlyArray<symbol> =>
  symbolsOf(context).filter(({ description }) => !PLAIN.has(description ?? ""))

/** Tries where this platform keeps stores. */
const trial = ((): AsyncContext | undefined => {
  if (hooks === undefined) return undefined
  const storage = new hooks.AsyncLocalStorage()
  const context = storage.run(true, () => new hooks.AsyncResource("Troupe", trigger))
  try {
    storage.disable()
  } catch {
    // workerd has it by name only. It saves Node from carrying a storage along that nothing reads any more.
  }
  return context
})()

const frameKey = trial && symbolsOf(trial).find((key) => key.description === FRAME && (trial as any)[key] !== undefined)
const isReadable = frameKey !== undefined || (trial !== undefined && storesOf(trial).length > 0)

/** A frame that was found to be empty. Frames do not change, and most contexts without a store share one. */
let emptyFrame: object | undefined

/** Where we cannot tell, no context is empty: that is right, and a little slower. */
const isEmpty = (context: AsyncContext): boolean => {
  if (!isReadable) return false
  if (frameKey === undefined) return storesOf(context).every((key) => isNothing((context as any)[key]))
  const frame = (context as any)[frameKey]
  if (frame === undefined || frame === emptyFrame) return true
  for (const store of frame.values()) if (store !== undefined) return false
  emptyFrame = frame
  return true
}

/** One store, or an object that has them. */
const isNothing = (value: unknown): boolean =>
  value === undefined ||
  (typeof value === "object" &&
    value !== null &&
    symbolsOf(value).length > 0 &&
    symbolsOf(value).every((key) => (value as any)[key] === undefined))
