// A counter keeps itself in a table of its own, without a fence. It is frozen between reading and writing, another node
// takes over and counts on, and when the first one wakes up it writes what it had read.
import { ClusterHome, Delivery, DurableState } from "@troupe/cluster"
import * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { Actor } from "@troupe/core"
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { type Bug, expected } from "./bug.ts"

class Counter extends Actor.Keyed<Counter>()("bugs/Counter", {
  key: Schema.String,
  methods: {
    add: Delivery.durable(Actor.method({ args: [Schema.String], success: Schema.Int })),
    list: Delivery.atLeastOnce(Actor.method({ success: Schema.Array(Schema.String) }))
  }
}) {}

/** The members of a list, in one row. */
const ofTable = Effect.gen(function* () {
  const sql = yield* SqlClient
  yield* Effect.orDie(sql`CREATE TABLE IF NOT EXISTS lists (id TEXT PRIMARY KEY, members TEXT)`)
  return Counter.toLayer(
    () => {
      const read = Effect.map(sql<{ members: string }>`SELECT members FROM lists WHERE id = 'a'`, ([row]) =>
        row === undefined ? [] : (JSON.parse(row.members) as ReadonlyArray<string>)
      )
      return Effect.succeed(
        Counter.of({
          add: (member) =>
            Effect.gen(function* () {
              const members = yield* read
              if (members.includes(member)) return members.length
              yield* Effect.sleep("200 millis")
              const next = JSON.stringify([...members, member])
              yield* sql`INSERT OR REPLACE INTO lists (id, members) VALUES ('a', ${next})`
              return members.length + 1
            }).pipe(Effect.orDie),
          list: () => Effect.orDie(read)
        })
      )
    },
    { maxConcurrency: 1 }
  )
}).pipe(Layer.unwrap)

const ofState = Counter.toLayer(
  Effect.fnUntraced(function* () {
    const state = yield* DurableState.make(Schema.Array(Schema.String), { initial: [] })
    return Counter.of({
      add: (member) =>
        Effect.map(
          Effect.orDie(state.updateAndGet((members) => (members.includes(member) ? members : [...members, member]))),
          (members) => members.length
        ),
      list: () => Effect.orDie(state.refresh)
    })
  }, Effect.orDie),
  { maxConcurrency: 1 }
).pipe(Layer.provide(DurableState.layer))

const program = (live: typeof ofTable | typeof ofState) =>
  Effect.gen(function* () {
    const cluster = yield* SimulatedCluster.make({
      actors: ClusterHome.layer(Counter, live as typeof ofTable),
      client: ClusterHome.client(Counter),
      faults: { freezes: 1 }
    })
    const names = ["Ada", "Bob", "Cleo", "Dan"]
    const add = (name: string) => Effect.exit(Effect.flatMap(Counter.get("a"), (counter) => counter.add(name)))
    const exits = yield* cluster.run(Effect.forEach(names, add, { concurrency: "unbounded" }))
    yield* cluster.settled()
    const list = yield* cluster.run(Effect.flatMap(Counter.get("a"), (counter) => counter.list()))
    for (const [index, name] of names.entries()) {
      if (exits[index]!._tag === "Success") expected(`${name} is on the list`, list.includes(name), true)
    }
  })

export const lostFence: Bug = {
  name: "a write without a fence",
  broken: program(ofTable),
  fixed: program(ofState),
  within: 400
}
