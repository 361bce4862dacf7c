/**
 * What every contender must offer: a counter with one method, `increment(by)`, which answers the new count, and which
 * runs for at most `limit` callers at a time.
 *
 * A contender speaks one of three dialects, and a row writes its workload once in each: promises, effects, and (xstate
 * alone) a plain function that answers on the caller's stack.
 */
import { setImmediate, setTimeout } from "node:timers/promises"
import { Effect, Latch, type Scope } from "effect"

/** What the method does before it counts: nothing, one turn of the scheduler, 100 ms of sleep, or wait at a gate. */
export type Work = "count" | "hop" | "sleep" | "gate"

export const SLEEP_MS = 100

/** Holds back the first call of the `"gate"` work until opened. Both dialects can wait at it. */
export class Gate {
  readonly latch = Latch.makeUnsafe()
  readonly opened: Promise<void>
  isOpen = false
  open!: () => void

  constructor() {
    this.opened = new Promise((resolve) => {
      this.open = () => {
        this.isOpen = true
        Latch.openUnsafe(this.latch)
        resolve()
      }
    })
  }
}

export interface Settings {
  readonly work: Work
  readonly limit: number
  readonly gate: Gate
}

export const settings = (work: Work, limit: number): Settings => ({ work, limit, gate: new Gate() })

/** What an idle actor is made with, the same for all: settings of its own would weigh on its heap. */
export const idle: Settings = settings("count", 1000)

export type Counter = PromiseCounter | EffectCounter | PlainCounter

export interface PromiseCounter {
  readonly dialect: "promise"
  readonly call: (by: number) => Promise<number>
  /** Where a single call in flight is made in another way. */
  readonly ask?: (by: number) => Promise<number>
}

export interface EffectCounter {
  readonly dialect: "effect"
  /** Submit one call and wait for its answer. */
  readonly ask: (by: number) => Effect.Effect<number, unknown>
  /** Submit one call; what it succeeds with waits for the answer. */
  readonly remote: (by: number) => Effect.Effect<Effect.Effect<number, unknown>, unknown>
}

export interface PlainCounter {
  readonly dialect: "plain"
  readonly call: (by: number) => number
}

export interface Contender {
  readonly name: string
  /** Open one counter, which lives as long as the scope. */
  readonly open: (settings: Settings) => Effect.Effect<Counter, never, Scope.Scope>
  /** How actors come and go. */
  readonly lifecycle: Lifecycle
  /** Other ways in which its actors come, by what is special about them. */
  readonly variants?: Readonly<Record<string, Lifecycle>>
  /** By row name: what a reader must know before comparing. */
  readonly notes?: Readonly<Record<string, string>>
}

/** `A` is whatever one holds of a running actor. */
export interface Lifecycle<A = any> {
  /** Start `n` idle actors, which live as long as the scope. */
  readonly spawn: (n: number) => Effect.Effect<ReadonlyArray<A>, never, Scope.Scope>
  /** Start and stop `n` actors, one after the other. Absent where actors cannot be stopped one by one. */
  readonly cycle?: (n: number) => Effect.Effect<void>
  /** How to call an actor, to verify that it lives. */
  readonly counter: (actor: A) => Counter
}

/** Actors that are started and stopped by plain functions. */
export const plainLifecycle = <A>(options: {
  readonly start: () => A
  readonly stop: (actor: A) => void
  readonly counter: (actor: A) => Counter
}): Lifecycle<A> => ({
  spawn: (n) =>
    Effect.acquireRelease(
      Effect.sync(() => Array.from({ length: n }, options.start)),
      (actors) => Effect.sync(() => actors.forEach(options.stop))
    ),
  cycle: (n) =>
    Effect.promise(async () => {
      for (let i = 0; i < n; i++) {
        options.stop(options.start())
        // Some stop in a later turn; let them, or the loop would only measure how a backlog grows.
        if (i % 100 === 99) await setImmediate()
      }
    }),
  counter: options.counter
})

/** Actors that live in a `Scope`. */
export const scopedLifecycle = <A>(options: {
  readonly spawn: Effect.Effect<A, never, Scope.Scope>
  readonly counter: (actor: A) => Counter
}): Lifecycle<A> => ({
  spawn: Effect.fnUntraced(function* (n) {
    const actors: Array<A> = []
    for (let i = 0; i < n; i++) actors.push(yield* options.spawn)
    return actors
  }),
  cycle: Effect.fnUntraced(function* (n) {
    for (let i = 0; i < n; i++) yield* Effect.scoped(options.spawn)
  }),
  counter: options.counter
})

/** The method's body in the promise dialect. */
export const promiseMethod = ({ work, gate }: Settings): ((by: number) => number | Promise<number>) => {
  let count = 0
  switch (work) {
    case "count":
      return (by) => {
        count += by
        return count
      }
    case "hop":
      return async (by) => {
        await setImmediate()
        count += by
        return count
      }
    case "sleep":
      return async (by) => {
        await setTimeout(SLEEP_MS)
        count += by
        return count
      }
    case "gate":
      return async (by) => {
        if (!gate.isOpen) await gate.opened
        count += by
        return count
      }
  }
}

/** The method's body in the effect dialect. */
export const effectMethod = ({ work, gate }: Settings): ((by: number) => Effect.Effect<number>) => {
  let count = 0
  const add = (by: number) =>
    Effect.sync(() => {
      count += by
      return count
    })
  switch (work) {
    case "count":
      return add
    case "hop":
      return (by) => Effect.andThen(Effect.yieldNow, add(by))
    case "sleep":
      return (by) => Effect.delay(add(by), SLEEP_MS)
    case "gate":
      return (by) => gate.latch.whenOpen(add(by))
  }
}
