/**
 * `ActorSystem.snapshot({ limit: 100 })` among many instances, and for how long it keeps the event loop. Nothing else
 * that is measured here can be looked into, so there are no contenders.
 */
import { ActorSystem } from "@troupe/core"
import { Effect, Layer, Scope } from "effect"
import { inTurns, type Probe, startChild } from "../child.ts"
import { collectGarbage, type Options, summaries } from "../harness.ts"
import type { Report } from "../report.ts"
import { Counter } from "./keyed.ts"

const LIMIT = 100
const FEW = 20_000
const MANY = 1_000_000

export const snapshots = async (options: Options): Promise<Report> => {
  const sizes = options.quick ? [FEW, FEW * 5] : [FEW, MANY]
  const children = sizes.map((instances) => {
    const { ask, stop } = startChild<number, number>("snapshots", "troupe")
    return { name: instances.toLocaleString("en-US"), ask, stop, instances }
  })
  const instancesOf = (name: string) => children.find((child) => child.name === name)!.instances
  const rounds = { ...options, rounds: options.rounds + 1 }
  const samples = await inTurns(children, instancesOf, "snapshot", rounds)
  for (const { stop } of children) stop()
  // The first answer of each is that of code which nobody has compiled yet.
  const timings = summaries(new Map([...samples].map(([name, times]) => [name, times.slice(1)])))
  const [, last] = children
  return {
    tables: [
      {
        title: `snapshots: ActorSystem.snapshot({ limit: ${LIMIT} }), which holds the event loop`,
        columns: ["instances", "ms", "fastest", "slowest"],
        lines: children.map(({ name }) => {
          const { least, median, most } = timings.get(name)!
          return { name, cells: [median, least, most] }
        })
      }
    ],
    targets: [
      { what: `snapshots: ms among ${last!.name}`, figure: timings.get(last!.name)?.median, limit: 2, rule: "at most" }
    ]
  }
}

/** In a child process, which makes its instances for the first question and keeps them. */
export const probe: Probe<number, number> = async (_, instances) => {
  made ??= make(instances)
  await made
  collectGarbage()
  const start = performance.now()
  const { instances: shown, totals } = await Effect.runPromise(ActorSystem.snapshot({ limit: LIMIT }))
  const spent = performance.now() - start
  if (shown.length !== LIMIT || totals.instances !== instances) {
    throw new Error(`the snapshot shows ${shown.length} of ${totals.instances} instances, not ${LIMIT} of ${instances}`)
  }
  return spent
}

let made: Promise<void> | undefined

const make = async (instances: number): Promise<void> => {
  const scope = Scope.makeUnsafe()
  const actors = await Effect.runPromise(
    Scope.provide(
      Effect.flatMap(Layer.build(Counter.layer), (context) => Effect.provideContext(Counter, context)),
      scope
    )
  )
  await Effect.runPromise(
    Effect.gen(function* () {
      for (let i = 0; i < instances; i++) yield* actors.get(`key-${i}`).increment(1)
    })
  )
}
