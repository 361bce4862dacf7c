/** The start-up of a keyed instance: each call is the first one of its key. */
import { Effect, Exit, Layer, Scope } from "effect"
import { dispatch, query, type Ref, spawn as spawnActor, start as startSystem, stop as stopSystem } from "nact"
import { byHand } from "../contenders/byHand.ts"
import { type EffectCounter, idle } from "../contenders/contender.ts"
import { cluster } from "../contenders/entity.ts"
import { RawCounter } from "../contenders/raw.ts"
import { chosen, type Lane, measureLanes, type Options } from "../harness.ts"
import { fasterThan, laneTable, type Report } from "../report.ts"
import { Counter } from "./keyed.ts"

/** So many keys are made, and then all are given up: what lives would weigh on later rounds. */
const KEYS = 1000

/** A lane that opens anew for every thousand keys. `first` makes the counter of a key, and calls it. */
const starting = <A>(
  name: string,
  open: Effect.Effect<A, unknown, Scope.Scope>,
  first: (made: A, key: string) => Effect.Effect<number, unknown>
): Lane => {
  const thousand = Effect.gen(function* () {
    const made = yield* open
    let sum = 0
    for (let i = 0; i < KEYS; i++) sum += yield* first(made, `key-${i}`)
    if (sum !== KEYS) throw new Error(`${name} gave wrong answers: their sum is ${sum}, expected ${KEYS}`)
  })
  // One lives on, as in a program at work: else each collection before a round would drop all compiled code.
  const living = Effect.flatMap(open, (made) => first(made, "living"))
  return {
    name,
    open: async () => {
      const scope = Scope.makeUnsafe()
      await Effect.runPromise(Scope.provide(living, scope))
      return {
        run: async (calls) => {
          for (let done = 0; done < calls; done += KEYS) await Effect.runPromise(Effect.scoped(thousand))
        },
        close: () => Effect.runPromise(Scope.close(scope, Exit.void))
      }
    }
  }
}

const lanes: ReadonlyArray<Lane> = [
  starting(
    "raw",
    Effect.sync(() => new Map<string, RawCounter>()),
    (found, key) =>
      Effect.promise(() => {
        const counter = new RawCounter(1000)
        found.set(key, counter)
        return counter.count(1)
      })
  ),
  starting(
    "by hand",
    Effect.map(Scope.Scope, (scope) => ({ scope, found: new Map<string, EffectCounter>() })),
    ({ found, scope }, key) =>
      Effect.gen(function* () {
        const counter = (yield* Scope.provide(byHand.open(idle), scope)) as EffectCounter
        found.set(key, counter)
        return yield* counter.ask(1)
      })
  ),
  starting(
    "nact",
    Effect.acquireRelease(Effect.sync(startSystem), (system) => Effect.sync(() => stopSystem(system))),
    (system, key) =>
      Effect.promise(() => {
        const actor = spawnActor(
          system,
          (count: number, { by, sender }: { readonly by: number; readonly sender: Ref<number> }) => {
            dispatch(sender, count + by)
            return count + by
          },
          key,
          { initialState: 0 }
        )
        return query(actor, (sender: Ref<number>) => ({ by: 1, sender }), 600_000)
      })
  ),
  starting("entity", cluster(idle), (counterFor, key) => counterFor(key).ask(1)),
  starting(
    "troupe",
    Effect.flatMap(Layer.build(Counter.layer), (context) => Effect.provideContext(Counter, context)),
    (actors, key) => actors.get(key).increment(1)
  )
]

export const starts = async (options: Options): Promise<Report> => {
  const mine = chosen(lanes, options)
  const timings = await measureLanes(mine, { batch: KEYS }, options)
  return {
    tables: [laneTable("starts: the first call of a key, and the end of its instance", timings, mine)],
    targets: [fasterThan("starts", timings, "by hand", 1), fasterThan("starts", timings, "nact", 1)]
  }
}
