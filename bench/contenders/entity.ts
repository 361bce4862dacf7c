/** An `effect/cluster` Entity under `TestRunner`: the whole cluster in memory, messages through their schemas. */
import { Effect, Fiber, Layer, Schema } from "effect"
import { Entity, TestRunner } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { type Contender, type EffectCounter, effectMethod, idle, type Settings } from "./contender.ts"

const CounterEntity = Entity.make("Counter", [
  Rpc.make("Increment", { payload: { by: Schema.Int }, success: Schema.Int })
])

/** A cluster with the counter registered; gives the way to reach one by its id. */
export const cluster = Effect.fnUntraced(function* (settings: Settings) {
  const live = CounterEntity.toLayer(
    Effect.sync(() => {
      const increment = effectMethod(settings)
      return CounterEntity.of({ Increment: ({ payload }) => increment(payload.by) })
    }),
    { concurrency: settings.limit, mailboxCapacity: "unbounded" }
  )
  const services = yield* Layer.build(Layer.provideMerge(live, TestRunner.layer))
  const clientFor = yield* Effect.provideContext(CounterEntity.client, services)

  return (id: string): EffectCounter => {
    const client = clientFor(id)
    const ask = (by: number) => client.Increment({ by })
    return {
      dialect: "effect",
      ask,
      remote: (by) => Effect.map(Effect.forkDetach(ask(by)), Fiber.join)
    }
  }
})

export const entity: Contender = {
  name: "entity",
  open: (settings) => Effect.map(cluster(settings), (counterFor) => counterFor("one")),
  lifecycle: {
    spawn: Effect.fnUntraced(function* (n) {
      const counterFor = yield* cluster(idle)
      const counters = Array.from({ length: n }, (_, i) => counterFor(`idle-${i}`))
      // An entity starts with its first message.
      for (const counter of counters) yield* Effect.orDie(counter.ask(0))
      return counters
    }),
    counter: (counter) => counter
  },
  notes: {
    remote: "has no ref: a fiber per call stands in for it",
    actors: "starts with its first message; stops only when idle for long, or with the cluster"
  }
}
