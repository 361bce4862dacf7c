// Who has a lease is in memory. When its node dies, the next instance gives the lease to somebody else, too.
import { ClusterHome, Delivery, DurableState } from "@troupe/cluster"
import * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { Actor } from "@troupe/core"
import { Effect, Layer, Ref, Schema } from "effect"
import { type Bug, expected } from "./bug.ts"

class Lease extends Actor.Keyed<Lease>()("bugs/Lease", {
  key: Schema.String,
  methods: {
    acquire: Delivery.durable(Actor.method({ args: [Schema.String], success: Schema.Boolean })),
    release: Delivery.durable(Actor.method({ args: [Schema.String] }))
  }
}) {}

class Worker extends Actor.Keyed<Worker>()("bugs/LeaseWorker", {
  key: Schema.String,
  methods: { print: Delivery.durable(Actor.method()) }
}) {}

type Update = (change: (holder: string) => string) => Effect.Effect<string>

const inMemory = Effect.map(
  Ref.make(""),
  (ref): Update =>
    (change) =>
      Ref.updateAndGet(ref, change)
)

const stored = Effect.map(
  DurableState.make(Schema.String, { initial: "" }),
  (state): Update =>
    (change) =>
      Effect.orDie(state.updateAndGet(change))
)

const program = (durable: boolean) =>
  Effect.gen(function* () {
    const printing = new Set<string>()
    let most = 0
    const LeaseLive = Lease.toLayer(
      Effect.fnUntraced(function* () {
        const update = durable ? yield* stored : yield* inMemory
        return Lease.of({
          acquire: (who) =>
            Effect.map(
              update((holder) => (holder === "" ? who : holder)),
              (holder) => holder === who
            ),
          release: (who) => Effect.asVoid(update((holder) => (holder === who ? "" : holder)))
        })
      }, Effect.orDie)
    )
    const WorkerLive = Worker.toLayer(
      Effect.fnUntraced(function* (who) {
        const lease = yield* Lease.get("printer")
        return Worker.of({
          print: Effect.fnUntraced(function* () {
            while (!(yield* lease.acquire(who))) yield* Effect.sleep("500 millis")
            most = Math.max(most, printing.add(who).size)
            // Longer than a failover: what is shorter is over before the next instance of the lease begins.
            yield* Effect.sleep("3 seconds")
            printing.delete(who)
            yield* lease.release(who)
          }, Effect.orDie)
        })
      }, Effect.orDie)
    )
    const cluster = yield* SimulatedCluster.make({
      actors: ClusterHome.layer(Worker, WorkerLive).pipe(
        Layer.provideMerge(ClusterHome.layer(Lease, LeaseLive)),
        Layer.provide(DurableState.layer)
      ),
      client: ClusterHome.client(Worker),
      faults: { kills: 1 }
    })
    const print = (who: string) => Effect.flatMap(Worker.get(who), (worker) => worker.print())
    yield* cluster.run(Effect.orDie(Effect.forEach(["ada", "bob"], print, { concurrency: "unbounded" })))
    yield* cluster.settled()
    expected("workers that print at a time", most, 1)
  })

export const forgottenLease: Bug = {
  name: "a lease in memory",
  broken: program(false),
  fixed: program(true),
  within: 400
}
