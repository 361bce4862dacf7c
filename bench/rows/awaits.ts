/**
 * `await` of calls, one after the other: an `AsyncHandle` beside the promise limiters. A second table says how long the
 * event loop was kept from turning meanwhile, since a call that never lets it turn would starve I/O.
 */
import { Actor, AsyncHandle } from "@troupe/core"
import { Effect, type Scope } from "effect"
import { byHand } from "../contenders/byHand.ts"
import { type EffectCounter, type PromiseCounter, settings } from "../contenders/contender.ts"
import { chosen, type Lane, laneOf, measureLanes, type Options } from "../harness.ts"
import { atMost, laneTable, type Report, type Table } from "../report.ts"
import { refByRef } from "./workloads.ts"

const BATCH = 1000

class Counter extends Actor.Service<Counter>()("bench/AwaitedCounter", {
  make: Effect.sync(() => {
    let count = 0
    return { increment: (by: number) => Effect.sync(() => (count += by)) }
  })
}) {}

/** A lane of awaited calls around what a scope holds. */
const awaited = (name: string, open: Effect.Effect<PromiseCounter, unknown, Scope.Scope>): Lane =>
  laneOf({ name, open: () => Effect.orDie(open), lifecycle: undefined as never }, plan)

const plan = { settings: () => settings("count", 1000), workload: refByRef, batch: BATCH }

const troupe = awaited(
  "troupe",
  Effect.map(Counter.spawn(), (handle) => {
    const counter = AsyncHandle.make(handle)
    return { dialect: "promise", call: (by) => counter.increment(by) }
  })
)

const effects = awaited(
  "by hand",
  Effect.map(byHand.open(plan.settings()), (counter) => {
    const { ask } = counter as EffectCounter
    return { dialect: "promise", call: (by) => Effect.runPromise(ask(by)) }
  })
)

const others = ["raw", "nact", "p-limit", "p-queue", "fastq"]

export const awaits = async (options: Options): Promise<Report> => {
  const peers = options.contenders
    .filter(({ name }) => others.includes(name))
    .map((contender) => laneOf(contender, plan))
  const lanes = [...peers, ...chosen([effects, troupe], options)]
  const timings = await measureLanes(lanes, plan, options)
  return {
    tables: [
      laneTable("awaits: `await handle.method()`, one call after the other", timings, lanes),
      await gapsTable(lanes, options)
    ],
    targets: [atMost("awaits: times the time of p-limit", timings, "troupe", "p-limit", 1)]
  }
}

// --- the event loop --------------------------------------------------------------------------------------------------

const WATCHED_MS = 300

const gapsTable = async (lanes: ReadonlyArray<Lane>, { quick }: Options): Promise<Table> => {
  const lines: Array<Table["lines"][number]> = []
  for (const lane of lanes) {
    const { longest, turns } = await watchTurns(lane, quick ? WATCHED_MS / 10 : WATCHED_MS)
    lines.push({ name: lane.name, cells: [longest, turns] })
  }
  return {
    title: `awaits: turns of the event loop while calls are awaited for ${WATCHED_MS} ms`,
    columns: ["contender", "longest without a turn, ms", "turns"],
    lines,
    notes: ["a call that is awaited on microtasks alone lets no turn happen until the loop of calls gives way itself"]
  }
}

/** Awaits calls until the time is over, and watches from timers how often the event loop turns. */
const watchTurns = async (lane: Lane, milliseconds: number) => {
  const { close, run } = await lane.open()
  const start = performance.now()
  const times = [start]
  let timer = setImmediate(function turn() {
    times.push(performance.now())
    timer = setImmediate(turn)
  })
  while (performance.now() - start < milliseconds) await run(BATCH)
  clearImmediate(timer)
  times.push(performance.now())
  await close()
  // The loop may turn for each call, and a call of `Math.max` takes fewer arguments than that.
  const longest = times.slice(1).reduce((longest, time, i) => Math.max(longest, time - times[i]!), 0)
  return { longest, turns: times.length - 2 }
}
