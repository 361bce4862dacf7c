/**
 * What a process finds in the global scope while it has its turn: the clock, the timers and the random numbers of JavaScript
 * are its own then, so that nothing it does depends on the world outside.
 */

/** What a process has in place of the global functions. */
interface Own {
  readonly date: () => number
  readonly random: () => number
  readonly microtask: (task: () => void) => void
  readonly after: (millis: number, task: () => void) => () => void
  readonly world: { readonly now: number; readonly exploration: { readonly traced: boolean } }
}

const originals = {
  now: Date.now,
  performanceNow: performance.now,
  random: Math.random,
  randomUUID: crypto.randomUUID,
  queueMicrotask: globalThis.queueMicrotask,
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout
}

let current: Own | undefined

const timeout = (task: (...args: ReadonlyArray<unknown>) => void, millis = 0, ...args: ReadonlyArray<unknown>) => {
  const cancel = current!.after(millis, () => task(...args))
  return { cancel, unref: () => {}, ref: () => {} }
}

const hex = (digits: number): string =>
  Array.from({ length: digits }, () => Math.floor(current!.random() * 16).toString(16)).join("")

const uuid = () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}` as const

const install = (): void => {
  Date.now = () => current!.date()
  performance.now = () => current!.world.now
  Math.random = () => current!.random()
  crypto.randomUUID = uuid
  globalThis.queueMicrotask = (task) => current!.microtask(task)
  globalThis.setTimeout = timeout as any
  globalThis.clearTimeout = ((timer: any) => timer?.cancel?.()) as any
}

const restore = (): void => {
  Date.now = originals.now
  performance.now = originals.performanceNow
  Math.random = originals.random
  crypto.randomUUID = originals.randomUUID
  globalThis.queueMicrotask = originals.queueMicrotask
  globalThis.setTimeout = originals.setTimeout
  globalThis.clearTimeout = originals.clearTimeout
}

/** Runs a turn of a process, with its own functions in place of the global ones. */
export const within = (own: Own, turn: () => void): void => {
  const { stackTraceLimit } = Error
  current = own
  install()
  // Nobody reads them: a schedule that fails is run again, and traced.
  if (!own.world.exploration.traced) Error.stackTraceLimit = 0
  try {
    turn()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
    restore()
    current = undefined
  }
}
