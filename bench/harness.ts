/**
 * How a row is measured: every contender is opened and warmed up, then all take turns, round by round, so that a noisy
 * moment of the machine hits all of them. A figure is the median of its rounds, and every answer is verified.
 */
import { Effect, Exit, Scope } from "effect"
import type {
  Contender,
  Counter,
  EffectCounter,
  PlainCounter,
  PromiseCounter,
  Settings
} from "./contenders/contender.ts"

export interface Options {
  readonly rounds: number
  readonly quick: boolean
  readonly contenders: ReadonlyArray<Contender>
  /** The clock, in milliseconds: that of the wall, or the CPU time of this process. */
  readonly now: () => number
  /** Says what is being measured, for people who wait. */
  readonly progress: (what: string) => void
}

/** Makes `n` calls of `increment(1)` and gives the sum of their answers. */
export interface Workload {
  readonly promise: (counter: PromiseCounter, n: number) => Promise<number>
  readonly effect: (counter: EffectCounter, n: number) => Effect.Effect<number, unknown>
  readonly plain: (counter: PlainCounter, n: number) => number
}

export interface Timed {
  readonly median: number
  readonly least: number
  readonly most: number
}

/** By contender name, in microseconds per call. */
export type Timings = ReadonlyMap<string, Timed>

export interface Plan extends Pace {
  readonly settings: () => Settings
  readonly workload: Workload
}

export interface Pace {
  /** Calls come in multiples of this. */
  readonly batch: number
  /** One batch a round, and nothing before it: for work that hardly uses the processor. */
  readonly sleeps?: boolean
}

/** Long enough that timer grain, and one garbage collection more or less, do not matter. */
const ROUND_MS = 80
/** Of CPU time, collecting garbage and compiling count as well: in a quarter of this, half of the code is not compiled yet. */
const LEAD_IN_MS = 4 * ROUND_MS

/** One line of a table: a way to do the work of a row, opened once and run again and again. */
export interface Lane {
  /** The contender's name, and after a comma what is special, if there is more than one line of it. */
  readonly name: string
  readonly note?: string | undefined
  readonly open: () => Promise<OpenLane>
}

export interface OpenLane {
  /** Makes that many calls, and throws if an answer is wrong. */
  readonly run: (calls: number) => Promise<void>
  readonly close: () => Promise<void>
}

/** The lanes of the contenders that were asked for. */
export const chosen = (lanes: ReadonlyArray<Lane>, { contenders }: Options): ReadonlyArray<Lane> =>
  lanes.filter(({ name }) => contenders.some((contender) => contender.name === name.split(",")[0]))

/** A lane that speaks promises. `run` gives the sum of its answers. */
export const promiseLane = <A>(
  name: string,
  make: () => A,
  run: (made: A, calls: number) => Promise<number>,
  { counters = 1, note, stop }: LaneOptions & { readonly stop?: (made: A) => unknown } = {}
): Lane => ({
  name,
  note,
  open: async () => {
    const made = make()
    const check = checker(name, counters)
    return {
      run: async (calls) => check(await run(made, calls), calls),
      close: async () => {
        await stop?.(made)
      }
    }
  }
})

/** A lane that speaks Effect, for as long as a scope. `run` gives the sum of its answers. */
export const effectLane = <A>(
  name: string,
  make: Effect.Effect<A, unknown, Scope.Scope>,
  run: (made: A, calls: number) => Effect.Effect<number, unknown>,
  { counters = 1, note }: LaneOptions = {}
): Lane => ({
  name,
  note,
  open: async () => {
    const scope = Scope.makeUnsafe()
    const made = await Effect.runPromise(Scope.provide(make, scope))
    const check = checker(name, counters)
    return {
      run: async (calls) => check(await Effect.runPromise(run(made, calls)), calls),
      close: () => Effect.runPromise(Scope.close(scope, Exit.void))
    }
  }
})

interface LaneOptions {
  /** How many counters share the calls, each as many as the others. */
  readonly counters?: number
  readonly note?: string | undefined
}

/** Checks the sums of one round after the other. */
const checker = (name: string, counters: number) => {
  let count = 0
  return (sum: number, calls: number): void => {
    const each = calls / counters
    verify(name, sum / counters, count, each)
    count += each
  }
}

export const measure = (plan: Plan, options: Options): Promise<Timings> =>
  measureLanes(
    options.contenders.map((contender) => laneOf(contender, plan)),
    plan,
    options
  )

export const laneOf = (contender: Contender, plan: Plan): Lane => ({
  name: contender.name,
  open: async () => {
    const scope = Scope.makeUnsafe()
    const counter = await Effect.runPromise(Scope.provide(contender.open(plan.settings()), scope))
    const check = checker(contender.name, 1)
    return {
      run: async (calls) => check(await perform(plan.workload, counter, calls), calls),
      close: () => Effect.runPromise(Scope.close(scope, Exit.void))
    }
  }
})

/** Microseconds per call of each lane, which take turns. */
export const measureLanes = async (lanes: ReadonlyArray<Lane>, pace: Pace, options: Options): Promise<Timings> => {
  const warm: Array<Warm> = []
  for (const lane of lanes) {
    options.progress(`${lane.name}: warming up`)
    warm.push(await warmUp(lane, pace, options))
  }
  for (let round = 0; round < options.rounds; round++) {
    options.progress(`round ${round + 1} of ${options.rounds}`)
    for (const { calls, time, samples } of warm) {
      collectGarbage()
      if (!pace.sleeps) await leadIn(time, roundUp(calls / 10, pace.batch))
      samples.push((await time(calls)) / calls)
    }
  }
  for (const each of warm) await each.close()
  return summaries(new Map(warm.map(({ name, samples }) => [name, samples])))
}

const roundUp = (calls: number, batch: number): number => batch * Math.ceil(calls / batch)

interface Warm {
  readonly name: string
  readonly calls: number
  /** Makes that many calls and gives the microseconds they took. */
  readonly time: (calls: number) => Promise<number>
  readonly samples: Array<number>
  readonly close: () => Promise<void>
}

const warmUp = async (lane: Lane, { batch, sleeps }: Pace, options: Options): Promise<Warm> => {
  const { close, run } = await lane.open()
  const time = async (calls: number): Promise<number> => {
    const start = options.now()
    await run(calls)
    return (options.now() - start) * 1000
  }
  if (sleeps) await time(Math.ceil(batch / 10))
  const calls = sleeps ? batch : await calibrate(time, batch, options.quick)
  return { name: lane.name, calls, time, samples: [], close }
}

/**
 * Runs larger and larger rounds until one is long enough, and then until the code is compiled; gives the calls of a round.
 * Counted before that, the calls of a round took a quarter of the time that it is to have, and a single collection in it
 * made a call look twice or four times as slow.
 */
const calibrate = async (time: Warm["time"], batch: number, quick: boolean): Promise<number> => {
  const aim = (quick ? ROUND_MS / 5 : ROUND_MS) * 1000
  let calls = batch
  let elapsed = await time(calls)
  while (elapsed < aim / 2) {
    calls = batch * Math.ceil((calls / batch) * Math.min(8, Math.max(2, aim / elapsed)))
    elapsed = await time(calls)
  }
  await leadIn(time, calls)
  elapsed = await time(calls)
  return batch * Math.max(1, Math.round((calls / batch) * (aim / elapsed)))
}

/**
 * A full collection makes the engine forget compiled code for shapes of which it finds no live object. A program at work
 * does not meet that every few moments, so the time until the code is compiled again is left out. By the clock of the
 * rounds: where other work has the processor, hardly anything is compiled in that time of the wall.
 */
const leadIn = async (run: Warm["time"], calls: number): Promise<void> => {
  let spent = 0
  do spent += await run(calls)
  while (spent < LEAD_IN_MS * 1000)
}

export const perform = async (workload: Workload, counter: Counter, calls: number): Promise<number> => {
  switch (counter.dialect) {
    case "promise":
      return workload.promise(counter, calls)
    case "effect":
      return Effect.runPromise(workload.effect(counter, calls))
    case "plain":
      return workload.plain(counter, calls)
  }
}

/** Each call adds one and answers the new count, so `calls` answers are `count + 1, ..., count + calls`, in any order. */
export const verify = (name: string, sum: number, count: number, calls: number): void => {
  const expected = calls * count + (calls * (calls + 1)) / 2
  if (sum !== expected) throw new Error(`${name} gave wrong answers: their sum is ${sum}, expected ${expected}`)
}

export const summary = (samples: ReadonlyArray<number>): Timed => {
  const sorted = [...samples].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { median, least: sorted[0]!, most: sorted.at(-1)! }
}

export const summaries = (samples: ReadonlyMap<string, ReadonlyArray<number>>): Timings =>
  new Map([...samples].map(([name, each]) => [name, summary(each)]))

/** The CPU time of all threads of this process: for a machine that is busy with other work. */
export const cpuNow = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Only when started with `--expose-gc`. */
export const collectGarbage = (): void => {
  globalThis.gc?.()
}
