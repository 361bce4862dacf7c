/**
 * The answers of durable calls in a simulated cluster: once a caller has one, the call never runs again, and whoever makes
 * it again within the retention gets the same.
 */
import { ClusterHome, Delivery } from "@troupe/cluster"
import * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { Actor } from "@troupe/core"
import { Clock, Effect, Exit, Schema } from "effect"

class Desk extends Actor.Keyed<Desk>()("test/Desk", {
  key: Schema.String,
  methods: {
    serve: Delivery.durable(Actor.method({ args: [Schema.String], success: Schema.Int }), { id: (ticket) => ticket })
  }
}) {}

const TICKETS = 3
const ROUNDS = 3
/** In milliseconds. Nodes look a tenth of that apart what is older. */
const RETENTION = 30_000
const PAUSE = 2500
/** For how long it counts after an answer what becomes of the call. */
const LONG = RETENTION / 2

export const answers = (faults: SimulatedCluster.Faults) =>
  Effect.gen(function* () {
    let runs = 0
    const answered = new Map<string, { readonly answer: number; readonly at: number }>()
    const wrong: Array<string> = []
    const DeskLive = Desk.toLayer((desk) =>
      Effect.succeed(
        Desk.of({
          serve: Effect.fnUntraced(function* (ticket) {
            const { at } = answered.get(`${desk} ${ticket}`) ?? { at: Infinity }
            const now = yield* Clock.currentTimeMillis
            if (now >= at && now - at < LONG) wrong.push(`${desk} ${ticket} runs again, though it was answered`)
            yield* Effect.sleep("5 millis")
            return ++runs
          })
        })
      )
    )
    const cluster = yield* SimulatedCluster.make({
      actors: ClusterHome.layer(Desk, DeskLive),
      client: ClusterHome.client(Desk),
      options: { retention: RETENTION },
      faults
    })
    const serve = Effect.fnUntraced(function* (desk: string, ticket: string) {
      const handle = yield* Desk.get(desk)
      const exit = yield* Effect.exit(handle.serve(ticket))
      if (Exit.isFailure(exit)) return wrong.push(`${desk} ${ticket} failed: ${exit.cause}`)
      const at = yield* Clock.currentTimeMillis
      const before = answered.get(`${desk} ${ticket}`)
      if (before === undefined) answered.set(`${desk} ${ticket}`, { answer: exit.value, at })
      else if (before.answer !== exit.value && at - before.at < LONG) {
        wrong.push(`${desk} ${ticket} had the answer ${before.answer}, and then ${exit.value}`)
      }
    })
    for (let round = 0; round < ROUNDS; round++) {
      // New tickets, and all of the rounds before.
      const tickets = Array.from({ length: (round + 1) * TICKETS }, (_, index) => `${index + 1}`)
      const all = ["a", "b"].flatMap((desk) => tickets.map((ticket) => serve(desk, ticket)))
      yield* cluster.run(Effect.all(all, { concurrency: "unbounded", discard: true }))
      yield* Effect.sleep(PAUSE)
    }
    yield* cluster.settled()
    if (wrong.length > 0) yield* Effect.die(new Error(wrong.join("; ")))
  })
