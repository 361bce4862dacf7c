/**
 * Calls that wait on one actor at limit 1: the first is held at a gate, the others queue behind it; then the gate opens
 * and all drain. Says what a waiting call costs in heap, and whether a longer line makes each call slower.
 */
import { Effect, Exit, Scope } from "effect"
import { inTurns, type Probe, startChild } from "../child.ts"
import { type Contender, type Counter, settings } from "../contenders/contender.ts"
import { collectGarbage, type Options, summaries, type Timings, verify } from "../harness.ts"
import { aheadOf, type Report, show, type Table } from "../report.ts"
import { semaphoreTable } from "./semaphore.ts"

const LINE = 100_000
const LONG_LINE = 1_000_000
/** Where each call costs more the longer the line is, 100,000 would take minutes. */
const SHORT_LINE: Readonly<Record<string, number>> = { "by hand": 2_500, entity: 2_500 }

const WARM_UPS = 3
/** Calls before each line that are not timed; see `leadIn` in the harness. */
const LEAD_IN = 20_000

interface Question {
  readonly measure: "time" | "bytes"
  readonly calls: number
}

export const waiting = async (options: Options): Promise<Report> => {
  const children = options.contenders.map(({ name }) => startChild<Question, number>("waiting", name))
  const troupe = children.filter(({ name }) => name === "troupe")
  for (const { name, ask } of children) {
    options.progress(`${name}: warming up`)
    for (let i = 0; i < WARM_UPS; i++) await ask({ measure: "time", calls: lineOf(name) / 5 })
  }
  const once = { ...options, rounds: 1 }
  const bytes = await inTurns(children, (name) => bytesOf(lineOf(name)), "heap", once)
  const longBytes = await inTurns(troupe, () => bytesOf(LONG_LINE), "heap", once)
  const time = await inTurns(children, (name) => timeOf(lineOf(name)), "lines", options)
  const longTime = await inTurns(troupe, () => timeOf(LONG_LINE), "long lines", options)
  for (const child of children) child.stop()

  const figures = [time, bytes, longTime, longBytes].map(summaries)
  const [times, , longTimes, longHeap] = figures as [Timings, Timings, Timings, Timings]
  const growth = longTimes.get("troupe") && longTimes.get("troupe")!.median / times.get("troupe")!.median
  return {
    tables: [waitingTable(options.contenders, figures), await semaphoreTable(options)],
    targets: [
      { what: "waiting: time per call, a million over 100,000", figure: growth, limit: 1.5, rule: "at most" },
      { what: "waiting: bytes per call", figure: longHeap.get("troupe")?.median, limit: 220, rule: "at most" },
      ...aheadOf("waiting", times, ["nact", "p-queue", "entity"])
    ]
  }
}

const lineOf = (name: string): number => SHORT_LINE[name] ?? LINE

const bytesOf = (calls: number): Question => ({ measure: "bytes", calls })

const timeOf = (calls: number): Question => ({ measure: "time", calls })

const waitingTable = (contenders: ReadonlyArray<Contender>, figures: ReadonlyArray<Timings>): Table => ({
  title: "waiting: calls that wait on one actor at limit 1, then drain",
  columns: ["contender", "100,000: us/call", "bytes/call", "1,000,000: us/call", "bytes/call"],
  lines: contenders.map(({ name, notes }) => ({
    name,
    cells: figures.map((figure) => figure.get(name)?.median),
    note: name in SHORT_LINE ? `a line of ${show(SHORT_LINE[name])}: longer ones take minutes` : notes?.waiting
  }))
})

/** In a child process. */
export const probe: Probe<Question, number> = async (contender, { measure, calls }) => {
  if (measure === "bytes") return (await line(contender, calls, heapUsed)) / calls
  collectGarbage()
  await line(contender, Math.min(calls / 2, LEAD_IN), noReading)
  const start = performance.now()
  await line(contender, calls, noReading)
  return ((performance.now() - start) * 1000) / calls
}

const noReading = () => 0

const heapUsed = (): number => {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

/** Fills and drains one line of `n` calls; gives by how much `reading` grew while it was filled. */
const line = async (contender: Contender, n: number, reading: () => number): Promise<number> => {
  const scope = Scope.makeUnsafe()
  const setup = settings("gate", 1)
  const counter = await Effect.runPromise(Scope.provide(contender.open(setup), scope))
  // Made first, so that it does not count as heap of the calls.
  const pending = new Array(n)
  const before = reading()
  const collect = await submit(counter, pending)
  const growth = reading() - before
  setup.gate.open()
  verify(contender.name, await collect(), 0, n)
  await Effect.runPromise(Scope.close(scope, Exit.void))
  return growth
}

/** Submits a call for each place in `pending`; gives the way to wait for all and add up their answers. */
const submit = async (counter: Counter, pending: Array<any>): Promise<() => Promise<number>> => {
  const n = pending.length
  switch (counter.dialect) {
    case "plain":
      throw new Error("a call on the caller's stack cannot wait")
    case "promise":
      for (let i = 0; i < n; i++) pending[i] = counter.call(1)
      return async () => {
        let sum = 0
        for (let i = 0; i < n; i++) sum += await pending[i]
        return sum
      }
    case "effect": {
      const submitAll = Effect.gen(function* () {
        for (let i = 0; i < n; i++) pending[i] = yield* counter.remote(1)
      })
      const collect = Effect.gen(function* () {
        let sum = 0
        for (let i = 0; i < n; i++) sum += yield* pending[i] as Effect.Effect<number, unknown>
        return sum
      })
      await Effect.runPromise(submitAll)
      return () => Effect.runPromise(collect)
    }
  }
}
