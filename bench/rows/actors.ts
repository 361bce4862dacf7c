/**
 * Actors that come, do nothing and go: the heap of an idle one, and how many can be started and stopped in a second, one
 * after the other. Then ten thousand that are held: each is started, answers one call, and is stopped with the others.
 */
import { Effect, Exit, Scope } from "effect"
import { inTurns, type Probe, startChild } from "../child.ts"
import type { Contender, Counter, Lifecycle } from "../contenders/contender.ts"
import { collectGarbage, cpuNow, type Options, summaries, type Timings, verify } from "../harness.ts"
import type { Report, Table, Target } from "../report.ts"

const HELD = 10_000
const BATCH = 1000
const ROUND_MS = 100

type Measure = "bytes" | "perSecond" | "held" | "heldCpu"

interface Question {
  readonly measure: Measure
  /** Which variant of the contender; its usual way without one. */
  readonly variant?: string | undefined
}

/** A contender, or a variant of one, in a process of its own. */
const linesOf = (contenders: ReadonlyArray<Contender>) =>
  contenders.flatMap((contender) =>
    [undefined, ...Object.keys(contender.variants ?? {})].map((variant) => ({
      name: variant === undefined ? contender.name : `${contender.name}, ${variant}`,
      contender,
      variant,
      child: startChild<Question, number>("actors", contender.name)
    }))
  )

export const actors = async (options: Options): Promise<Report> => {
  const lines = linesOf(options.contenders)
  const ask = (measure: Measure, rounds: number, some = lines) => {
    const children = some.map(({ child, name, variant }) => ({
      ...child,
      name,
      ask: (question: Measure) => child.ask({ measure: question, variant })
    }))
    return inTurns(children, () => measure, measure, { ...options, rounds }).then(summaries)
  }
  const stoppable = lines.filter(
    ({ contender, variant }) => lifecycleOf(contender, variant).cycle !== undefined && variant !== "12 methods"
  )
  const bytes = await ask("bytes", 1)
  await ask("perSecond", 1, stoppable)
  const perSecond = await ask("perSecond", options.rounds, stoppable)
  // Until the code is compiled: the first ten thousand take twice as long as the others.
  await ask("held", 4)
  const held = await ask("held", Math.min(options.rounds, 3))
  const cpu = await ask("heldCpu", Math.min(options.rounds, 3))
  for (const { child } of lines) child.stop()

  return {
    tables: [actorsTable(lines, { bytes, perSecond, held, cpu })],
    targets: [
      { what: "actors: bytes of an idle one", figure: bytes.get("troupe")?.median, limit: 1200, rule: "at most" },
      {
        what: "actors: bytes of an idle one of 12 methods",
        figure: bytes.get("troupe, 12 methods")?.median,
        limit: 1200,
        rule: "at most"
      },
      {
        what: "actors: started and stopped per second",
        figure: perSecond.get("troupe")?.median,
        limit: 200_000,
        rule: "at least"
      },
      ...["nact", "xstate", "p-queue"].map((rival) => outnumbers(perSecond, rival)),
      ...["nact", "p-queue"].map((rival) => quicker(held, rival)),
      {
        what: "actors: with options, times the time without",
        figure: quotient(held, "troupe, options", "troupe"),
        limit: 1.2,
        rule: "at most"
      }
    ]
  }
}

const quotient = (timings: Timings, a: string, b: string): number | undefined => {
  const [x, y] = [timings.get(a)?.median, timings.get(b)?.median]
  return x && y && x / y
}

const outnumbers = (perSecond: Timings, rival: string): Target => ({
  what: `actors: times as many per second as ${rival}`,
  figure: quotient(perSecond, "troupe", rival),
  limit: 1,
  rule: "above"
})

const quicker = (held: Timings, rival: string): Target => ({
  what: `actors: 10,000 held, times faster than ${rival}`,
  figure: quotient(held, rival, "troupe"),
  limit: 1,
  rule: "above"
})

interface Figures {
  readonly bytes: Timings
  readonly perSecond: Timings
  readonly held: Timings
  readonly cpu: Timings
}

const actorsTable = (lines: ReturnType<typeof linesOf>, { bytes, cpu, held, perSecond }: Figures): Table => ({
  title: "actors: 10,000 idle ones; started and stopped one after the other; 10,000 held, with one call each",
  columns: ["contender", "bytes/idle actor", "started and stopped/s", "lowest", "highest", "held: us each", "us CPU"],
  lines: lines.map(({ contender, name }) => {
    const rate = perSecond.get(name)
    const cells = [rate?.median, rate?.least, rate?.most, held.get(name)?.median, cpu.get(name)?.median]
    return { name, cells: [bytes.get(name)?.median, ...cells], note: contender.notes?.actors }
  })
})

const lifecycleOf = (contender: Contender, variant: string | undefined): Lifecycle =>
  variant === undefined ? contender.lifecycle : contender.variants![variant]!

/** Lives on, as something does in a program at work: else each collection would drop all compiled code. */
const living: Array<unknown> = []

/** In a child process. */
export const probe: Probe<Question, number> = async (contender, { measure, variant }) => {
  const lifecycle = lifecycleOf(contender, variant)
  if (living.length === 0) living.push(await Effect.runPromise(Scope.provide(lifecycle.spawn(1), Scope.makeUnsafe())))
  switch (measure) {
    case "bytes":
      return idleBytes(contender.name, lifecycle)
    case "perSecond":
      return cyclesPerSecond(lifecycle.cycle!)
    case "held":
      return holding(contender.name, lifecycle, () => performance.now())
    case "heldCpu":
      return holding(contender.name, lifecycle, cpuNow)
  }
}

const idleBytes = async (name: string, lifecycle: Lifecycle): Promise<number> => {
  const scope = Scope.makeUnsafe()
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  const actors = await Effect.runPromise(Scope.provide(lifecycle.spawn(HELD), scope))
  collectGarbage()
  const bytes = (process.memoryUsage().heapUsed - before) / HELD
  for (const actor of [actors[0], actors.at(-1)]) verify(name, await answer(lifecycle.counter(actor)), 0, 1)
  await Effect.runPromise(Scope.close(scope, Exit.void))
  return bytes
}

/** Microseconds for each of ten thousand actors, to start it, to have one answer of it, and to stop it. */
const holding = async (name: string, lifecycle: Lifecycle, now: () => number): Promise<number> => {
  collectGarbage()
  const scope = Scope.makeUnsafe()
  const start = now()
  const actors = await Effect.runPromise(Scope.provide(lifecycle.spawn(HELD), scope))
  const sum = await answers(actors.map(lifecycle.counter))
  await Effect.runPromise(Scope.close(scope, Exit.void))
  const spent = now() - start
  if (sum !== HELD) throw new Error(`${name} gave wrong answers: their sum is ${sum}, expected ${HELD}`)
  return (spent * 1000) / HELD
}

/** One call of each, one after the other. */
const answers = async (counters: ReadonlyArray<Counter>): Promise<number> => {
  if (counters[0]!.dialect !== "effect") {
    let sum = 0
    for (const counter of counters) sum += await answer(counter)
    return sum
  }
  return Effect.runPromise(
    Effect.gen(function* () {
      let sum = 0
      for (const counter of counters) if (counter.dialect === "effect") sum += yield* counter.ask(1)
      return sum
    })
  )
}

const answer = async (counter: Counter): Promise<number> =>
  counter.dialect === "effect" ? Effect.runPromise(counter.ask(1)) : counter.call(1)

const cyclesPerSecond = async (cycle: (n: number) => Effect.Effect<void>): Promise<number> => {
  collectGarbage()
  await cycleFor(ROUND_MS / 2, cycle)
  return cycleFor(ROUND_MS, cycle)
}

/** Starts and stops actors for about that long; gives how many per second. */
const cycleFor = async (milliseconds: number, cycle: (n: number) => Effect.Effect<void>): Promise<number> => {
  const start = performance.now()
  let done = 0
  let elapsed = 0
  while (elapsed < milliseconds) {
    await Effect.runPromise(cycle(BATCH))
    done += BATCH
    elapsed = performance.now() - start
  }
  return (done * 1000) / elapsed
}
