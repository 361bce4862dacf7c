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

interface Plan {
  readonly settings: () => Settings
  readonly workload: Workload
  /** Calls come in multiples of this. */
  readonly batch: number
  /** One batch a round, and nothing before it: for work that hardly uses the processor. */
  readonly sleeps?: boolean
}

/** Long enough that timer grain, and one garbage collection more or less, do not matter. */
const ROUND_MS = 80

export const measure = async (plan: Plan, options: Options): Promise<Timings> => {
  const opened: Array<Open> = []
  for (const contender of options.contenders) {
    options.progress(`${contender.name}: warming up`)
    opened.push(await open(contender, plan, options))
  }
  for (let round = 0; round < options.rounds; round++) {
    options.progress(`round ${round + 1} of ${options.rounds}`)
    for (const { calls, run, samples } of opened) {
      collectGarbage()
      if (!plan.sleeps) await leadIn(run, Math.ceil(calls / 10))
      samples.push((await run(calls)) / calls)
    }
  }
  for (const each of opened) await each.close()
  return summaries(new Map(opened.map(({ name, samples }) => [name, samples])))
}

interface Open {
  readonly name: string
  readonly calls: number
  /** Makes that many calls and gives the microseconds they took. */
  readonly run: (calls: number) => Promise<number>
  readonly samples: Array<number>
  readonly close: () => Promise<void>
}

const open = async (contender: Contender, plan: Plan, options: Options): Promise<Open> => {
  const scope = Scope.makeUnsafe()
  const counter = await Effect.runPromise(Scope.provide(contender.open(plan.settings()), scope))
  let count = 0

  const run = async (calls: number): Promise<number> => {
    const start = options.now()
    const sum = await perform(plan.workload, counter, calls)
    const elapsed = options.now() - start
    verify(contender.name, sum, count, calls)
    count += calls
    return elapsed * 1000
  }

  if (plan.sleeps) await run(Math.ceil(plan.batch / 10))
  const calls = plan.sleeps ? plan.batch : await calibrate(run, plan.batch, options.quick)
  const close = () => Effect.runPromise(Scope.close(scope, Exit.void))
  return { name: contender.name, calls, run, samples: [], close }
}

/** Runs larger and larger rounds until one is long enough, which warms up as well; gives its number of calls. */
const calibrate = async (run: Open["run"], batch: number, quick: boolean): Promise<number> => {
  const aim = (quick ? ROUND_MS / 5 : ROUND_MS) * 1000
  let calls = batch
  let elapsed = await run(calls)
  while (elapsed < aim / 2) {
    calls = batch * Math.ceil((calls / batch) * Math.min(8, Math.max(2, aim / elapsed)))
    elapsed = await run(calls)
  }
  return batch * Math.max(1, Math.round((calls / batch) * (aim / elapsed)))
}

/**
 * A full collection makes the engine forget compiled code for shapes of which it finds no live object. A program at work
 * does not meet that every few moments, so the time until the code is compiled again is left out.
 */
const leadIn = async (run: Open["run"], calls: number): Promise<void> => {
  const start = performance.now()
  do await run(calls)
  while (performance.now() - start < ROUND_MS)
}

const perform = async (workload: Workload, counter: Counter, calls: number): Promise<number> => {
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
