/** A hundred actors with a hundred calls in flight each, submitted in turns: actor after actor, call after call. */
import { Effect } from "effect"
import {
  type Contender,
  type Counter,
  type EffectCounter,
  type PromiseCounter,
  settings
} from "../contenders/contender.ts"
import { effectLane, type Lane, measureLanes, type Options } from "../harness.ts"
import { aheadOf, laneTable, type Report, slowerThan } from "../report.ts"

const ACTORS = 100
const CALLS = 100

const open = (contender: Contender) =>
  Effect.forEach(Array.from({ length: ACTORS }), () => contender.open(settings("count", 1000)))

/** All calls are submitted, then all answers are awaited; and again, until `n` are done. */
const asPromises = async (counters: ReadonlyArray<Counter>, n: number): Promise<number> => {
  let sum = 0
  for (let done = 0; done < n; done += ACTORS * CALLS) {
    const promises: Array<number | Promise<number>> = []
    for (let i = 0; i < CALLS; i++)
      for (const { call } of counters as ReadonlyArray<PromiseCounter>) promises.push(call(1))
    for (const promise of promises) sum += await promise
  }
  return sum
}

const asEffects = Effect.fnUntraced(function* (counters: ReadonlyArray<EffectCounter>, n: number) {
  let sum = 0
  for (let done = 0; done < n; done += ACTORS * CALLS) {
    const refs: Array<Effect.Effect<number, unknown>> = []
    for (let i = 0; i < CALLS; i++) for (const { remote } of counters) refs.push(yield* remote(1))
    for (const ref of refs) sum += yield* ref
  }
  return sum
})

const laneOf = (contender: Contender): Lane =>
  effectLane(
    contender.name,
    open(contender),
    (counters, n) =>
      counters[0]!.dialect === "effect"
        ? asEffects(counters as ReadonlyArray<EffectCounter>, n)
        : Effect.promise(() => asPromises(counters, n)),
    { counters: ACTORS, note: contender.notes?.remote }
  )

/** A hundred clusters in one process would be another row. */
const able = ({ name }: Contender): boolean => name !== "entity"

export const crowd = async (options: Options): Promise<Report> => {
  const lanes = options.contenders.filter(able).map(laneOf)
  const timings = await measureLanes(lanes, { batch: ACTORS * CALLS }, options)
  return {
    tables: [laneTable("crowd: 100 actors with 100 calls in flight each", timings, lanes)],
    targets: [slowerThan("crowd", timings, "raw", 2.5), ...aheadOf("crowd", timings, ["nact", "p-queue"])]
  }
}
