// Workers on two nodes look for a job that nobody has, and then take it. Both may find the same.
import { ClusterHome } from "@troupe/cluster"
import * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { Actor } from "@troupe/core"
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { type Bug, expected } from "./bug.ts"

class Worker extends Actor.Keyed<Worker>()("bugs/Worker", {
  key: Schema.String,
  methods: { claim: Actor.method({ success: Schema.UndefinedOr(Schema.Int) }) }
}) {}

const program = (atomic: boolean) =>
  Effect.gen(function* () {
    const WorkerLive = Effect.map(SqlClient, (sql) => {
      type Job = { readonly id: number }
      const atOnce = sql<Job>`
        UPDATE jobs SET taken = 1 WHERE id = (SELECT id FROM jobs WHERE taken = 0 LIMIT 1) RETURNING id`
      const inTwo = Effect.tap(sql<Job>`SELECT id FROM jobs WHERE taken = 0 LIMIT 1`, ([job]) =>
        job === undefined ? Effect.void : Effect.asVoid(sql`UPDATE jobs SET taken = 1 WHERE id = ${job.id}`)
      )
      const claim = Effect.map(Effect.orDie(atomic ? atOnce : inTwo), ([job]) => job?.id)
      return Worker.toLayer(() => Effect.succeed(Worker.of({ claim: () => claim })))
    }).pipe(Layer.unwrap)
    const cluster = yield* SimulatedCluster.make({
      actors: ClusterHome.layer(Worker, WorkerLive),
      client: ClusterHome.client(Worker)
    })
    yield* cluster.run(
      Effect.gen(function* () {
        const sql = yield* SqlClient
        yield* sql`CREATE TABLE jobs (id INTEGER PRIMARY KEY, taken INTEGER DEFAULT 0)`
        yield* sql`INSERT INTO jobs (id) VALUES (1), (2)`
      })
    )
    // By then each node has some of the keys.
    yield* Effect.sleep("5 seconds")
    const claim = (key: string) => Effect.flatMap(Worker.get(key), (worker) => worker.claim())
    const [one, two] = yield* cluster.run(
      Effect.all([claim("x"), Effect.delay(claim("y"), "2 millis")], { concurrency: "unbounded" })
    )
    expected("two workers have the same job", one === two, false)
  })

export const doubleClaim: Bug = {
  name: "a job that two nodes claim",
  broken: program(false),
  fixed: program(true),
  within: 400
}
