/**
 * The asks of the `ask` row in a process that does nothing else, and in one that has first used everything: several
 * counters with several limits and, of Troupe, keyed actors, refs, `AsyncHandle` and tasks. What an engine has compiled
 * for one shape is slower when it has seen many.
 */
import { Actor, ActorPool, AsyncHandle, ObjectRef, Task } from "@troupe/core"
import { Effect, Layer, Scope } from "effect"
import { inTurns, type Probe, startChild } from "../child.ts"
import { type Contender, type Counter, settings } from "../contenders/contender.ts"
import { cpuNow, type Options, perform, summaries, verify } from "../harness.ts"
import { laneTable, type Report, timeRatio } from "../report.ts"
import { Counter as KeyedCounter } from "./keyed.ts"
import { inFlight, oneByOne } from "./workloads.ts"

const CALLS = 20_000

interface Question {
  readonly program: "alone" | "mixed"
  readonly cpu: boolean
}

export const mixed = async (options: Options): Promise<Report> => {
  const programs = ["alone", "mixed"] as const
  const children = options.contenders.flatMap(({ name }) =>
    programs.map((program) => {
      const { ask, stop } = startChild<Question, number>("mixed", name)
      return { name: program === "alone" ? name : `${name}, mixed`, ask: (cpu: boolean) => ask({ program, cpu }), stop }
    })
  )
  const cpu = options.now === cpuNow
  for (const { ask } of children) await ask(cpu)
  const timings = summaries(await inTurns(children, () => cpu, "asks", options))
  for (const { stop } of children) stop()
  return {
    tables: [laneTable("mixed: asks alone, and in a program that does many things", timings, children)],
    targets: [
      {
        what: "mixed: times the same ask alone",
        figure: timeRatio(timings, "troupe, mixed", "troupe"),
        limit: 1.5,
        rule: "at most"
      }
    ]
  }
}

/** In a child process, which keeps its counters from question to question. */
export const probe: Probe<Question, number> = async (contender, { cpu, program }) => {
  opened ??= await open(contender)
  if (program === "mixed") await mix(contender, opened)
  const now = cpu ? cpuNow : () => performance.now()
  await ask(contender, opened.single, CALLS / 4)
  const start = now()
  await ask(contender, opened.single, CALLS)
  return ((now() - start) * 1000) / CALLS
}

interface Opened {
  readonly single: { readonly counter: Counter; count: number }
  readonly others: ReadonlyArray<{ readonly counter: Counter; count: number }>
}

let opened: Opened | undefined

const open = async (contender: Contender): Promise<Opened> => {
  const scope = Scope.makeUnsafe()
  const one = async (limit: number) => {
    const counter = await Effect.runPromise(Scope.provide(contender.open(settings("count", limit)), scope))
    return { counter, count: 0 }
  }
  // A cluster per counter would weigh on everything.
  const others = contender.name === "entity" ? [] : await Promise.all([1, 2, 10, 100].map(one))
  return { single: await one(1000), others }
}

const ask = async (contender: Contender, one: Opened["single"], calls: number) => {
  verify(contender.name, await perform(oneByOne, one.counter, calls), one.count, calls)
  one.count += calls
}

const MIXING = 2000

/** The counter that is measured is asked only: of some contenders, asks and calls in flight have counts of their own. */
const mix = async (contender: Contender, { others, single }: Opened) => {
  for (const one of others) {
    verify(contender.name, await perform(inFlight(100), one.counter, MIXING), one.count, MIXING)
    one.count += MIXING
  }
  await ask(contender, single, MIXING)
  if (contender.name === "troupe") await Effect.runPromise(Effect.scoped(everything))
}

// --- all that Troupe has ---------------------------------------------------------------------------------------------

class Asker extends Actor.Service<Asker>()("bench/Asker", {
  make: (counter: { readonly increment: (by: number) => Effect.Effect<number, unknown> }) =>
    Effect.sync(() => ({
      ask: (by: number) => counter.increment(by),
      twice: (a: number, b: number) => Effect.succeed(a + b),
      fail: (error: string) => Effect.fail(error)
    })),
  maxConcurrency: 1
}) {}

const everything = Effect.gen(function* () {
  const actors = Effect.flatMap(Layer.build(KeyedCounter.layer), (context) =>
    Effect.provideContext(KeyedCounter, context)
  )
  const keyed = yield* actors
  const one = keyed.get("one")
  const asker = yield* Asker.spawn(one)
  const handle = AsyncHandle.make(one)
  const task = Task.make("bench/task", (n: number) => Effect.succeed(n))
  const pool = yield* ActorPool.make({ spawn: Asker.spawn(one), size: 2 })
  for (let i = 0; i < MIXING; i++) {
    yield* keyed.get(`key-${i % 10}`).increment(1)
    const ref = yield* asker.ask.remote(1)
    const sum = yield* asker.twice.remote(ref, 1)
    yield* ObjectRef.all([ref, sum])
    yield* Effect.exit(asker.fail("no"))
    yield* task(i)
    yield* pool.run((member) => member.twice(i, 1))
    if (i % 10 === 0) yield* Effect.promise(() => handle.increment(1))
  }
})
