/** Actors that come, do nothing and go: the heap of an idle one, and how many can be started and stopped in a second. */
import { Effect, Exit, Scope } from "effect"
import { inTurns, type Probe, startChild } from "../child.ts"
import type { Contender, Counter } from "../contenders/contender.ts"
import { collectGarbage, type Options, summaries, type Timings, verify } from "../harness.ts"
import type { Report, Table, Target } from "../report.ts"

const IDLE = 10_000
const BATCH = 1000
const ROUND_MS = 100

type Question = "bytes" | "perSecond"

export const actors = async (options: Options): Promise<Report> => {
  const children = options.contenders.map(({ name }) => startChild<Question, number>("actors", name))
  const stoppable = children.filter((_, i) => options.contenders[i]!.lifecycle.cycle !== undefined)
  const bytes = summaries(await inTurns(children, (): Question => "bytes", "heap", { ...options, rounds: 1 }))
  for (const { ask } of stoppable) await ask("perSecond")
  const perSecond = summaries(await inTurns(stoppable, (): Question => "perSecond", "start and stop", options))
  for (const child of children) child.stop()

  const troupe = perSecond.get("troupe")?.median
  return {
    tables: [actorsTable(options.contenders, bytes, perSecond)],
    targets: [
      { what: "actors: bytes of an idle one", figure: bytes.get("troupe")?.median, limit: 2048, rule: "at most" },
      { what: "actors: started and stopped per second", figure: troupe, limit: 200_000, rule: "at least" },
      ...["nact", "xstate", "p-queue"].map((rival) => outnumbers(troupe, perSecond, rival))
    ]
  }
}

const outnumbers = (troupe: number | undefined, perSecond: Timings, rival: string): Target => {
  const theirs = perSecond.get(rival)?.median
  return {
    what: `actors: times as many per second as ${rival}`,
    figure: troupe && theirs && troupe / theirs,
    limit: 1,
    rule: "above"
  }
}

const actorsTable = (contenders: ReadonlyArray<Contender>, bytes: Timings, perSecond: Timings): Table => ({
  title: "actors: 10,000 idle ones, and starting and stopping one after the other",
  columns: ["contender", "bytes/idle actor", "started and stopped/s", "lowest", "highest"],
  lines: contenders.map(({ name, notes }) => {
    const rate = perSecond.get(name)
    return {
      name,
      cells: [bytes.get(name)?.median, rate?.median, rate?.least, rate?.most],
      note: notes?.actors
    }
  })
})

/** In a child process. */
export const probe: Probe<Question, number> = (contender, question) =>
  question === "bytes" ? idleBytes(contender) : cyclesPerSecond(contender.lifecycle.cycle!)

const idleBytes = async ({ name, lifecycle }: Contender): Promise<number> => {
  const scope = Scope.makeUnsafe()
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  const actors = await Effect.runPromise(Scope.provide(lifecycle.spawn(IDLE), scope))
  collectGarbage()
  const bytes = (process.memoryUsage().heapUsed - before) / IDLE
  for (const actor of [actors[0], actors.at(-1)]) verify(name, await answer(lifecycle.counter(actor)), 0, 1)
  await Effect.runPromise(Scope.close(scope, Exit.void))
  return bytes
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
