/** `keyed.get(key).method()` over a thousand keys, which is how keyed actors are called, beside kept handles. */
import { Actor } from "@troupe/core"
import { Effect, Layer, Scope } from "effect"
import { byHand } from "../contenders/byHand.ts"
import { type EffectCounter, idle } from "../contenders/contender.ts"
import { cluster } from "../contenders/entity.ts"
import { RawCounter } from "../contenders/raw.ts"
import { chosen, effectLane, type Lane, measureLanes, type Options, promiseLane } from "../harness.ts"
import { atMost, fasterThan, laneTable, type Report } from "../report.ts"

const KEYS = 1000
const keys = Array.from({ length: KEYS }, (_, i) => `key-${i}`)

export class Counter extends Actor.Keyed<Counter>()("bench/KeyedCounter", {
  make: (_: string) =>
    Effect.sync(() => {
      let count = 0
      return { increment: (by: number) => Effect.sync(() => (count += by)) }
    }),
  idleTimeToLive: Number.POSITIVE_INFINITY,
  maxInstances: Number.POSITIVE_INFINITY
}) {}

const built = Effect.flatMap(Layer.build(Counter.layer), (context) => Effect.provideContext(Counter, context))

/** Asks key after key; `ask` finds the counter of a key and asks it. */
const perKey = <A>(ask: (made: A, key: string) => Effect.Effect<number, unknown>) =>
  Effect.fnUntraced(function* (made: A, n: number) {
    let sum = 0
    for (let i = 0; i < n; i++) sum += yield* ask(made, keys[i % KEYS]!)
    return sum
  })

const kept = Effect.map(built, (actors) => new Map(keys.map((key) => [key, actors.get(key)])))

const counters = { counters: KEYS }

const lanes: ReadonlyArray<Lane> = [
  promiseLane(
    "raw",
    () => new Map<string, RawCounter>(),
    async (found, n) => {
      let sum = 0
      for (let i = 0; i < n; i++) {
        const key = keys[i % KEYS]!
        let counter = found.get(key)
        if (counter === undefined) {
          counter = new RawCounter(1000)
          found.set(key, counter)
        }
        sum += await counter.count(1)
      }
      return sum
    },
    counters
  ),
  effectLane(
    "by hand",
    Effect.map(Scope.Scope, (scope) => ({ scope, found: new Map<string, EffectCounter>() })),
    perKey(({ found, scope }, key) =>
      Effect.gen(function* () {
        let counter = found.get(key)
        if (counter === undefined) {
          counter = (yield* Scope.provide(byHand.open(idle), scope)) as EffectCounter
          found.set(key, counter)
        }
        return yield* counter.ask(1)
      })
    ),
    counters
  ),
  effectLane(
    "entity",
    cluster(idle),
    perKey((counterFor, key) => counterFor(key).ask(1)),
    counters
  ),
  effectLane(
    "troupe",
    built,
    perKey((actors, key) => actors.get(key).increment(1)),
    counters
  ),
  effectLane(
    "troupe, kept handles",
    kept,
    perKey((handles, key) => handles.get(key)!.increment(1)),
    counters
  )
]

export const keyed = async (options: Options): Promise<Report> => {
  const mine = chosen(lanes, options)
  const timings = await measureLanes(mine, { batch: KEYS }, options)
  return {
    tables: [laneTable("keyed: `keyed.get(key).method()` of 1,000 keys, one call after the other", timings, mine)],
    targets: [
      atMost("keyed: times a kept handle", timings, "troupe", "troupe, kept handles", 1.5),
      fasterThan("keyed", timings, "by hand", 1)
    ]
  }
}
