/**
 * How many schedules of a simulated cluster run in a second, of a program with three nodes, ten calls and one fault:
 *
 *     npx node --conditions=@troupe/source packages/cluster/bench/simulated.ts [schedules]
 */
import { ClusterHome, Delivery } from "@troupe/cluster"
import * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { Actor } from "@troupe/core"
import { Explore } from "@troupe/testing"
import { Effect, Schema } from "effect"

class Account extends Actor.Keyed<Account>()("bench/Account", {
  key: Schema.String,
  methods: {
    deposit: Delivery.durable(Actor.method({ args: [Schema.Int] })),
    balance: Actor.method({ success: Schema.Int })
  }
}) {}

const CALLS = 10
const DURABLE = 5

const program = (faults: SimulatedCluster.Faults) =>
  Effect.gen(function* () {
    const booked: Array<string> = []
    const AccountLive = Account.toLayer((owner) =>
      Effect.succeed(
        Account.of({
          deposit: (amount) => Effect.sync(() => void booked.push(`${owner} ${amount}`)),
          balance: () => Effect.sync(() => booked.length)
        })
      )
    )
    const cluster = yield* SimulatedCluster.make({
      actors: ClusterHome.layer(Account, AccountLive),
      client: ClusterHome.client(Account),
      faults
    })
    yield* cluster.run(
      Effect.gen(function* () {
        for (let i = 0; i < CALLS; i++) {
          const account = yield* Account.get(`owner ${i % 3}`)
          yield* Effect.exit(i % (CALLS / DURABLE) === 0 ? account.deposit(i) : account.balance())
        }
      })
    )
    yield* cluster.settled()
    if (new Set(booked).size !== DURABLE) yield* Effect.die(new Error("a deposit was lost"))
  })

const schedules = Number(process.argv[2] ?? 100)
const kinds: ReadonlyArray<SimulatedCluster.Faults> = [
  {},
  { kills: 1 },
  { freezes: 1 },
  { partitions: 1 },
  { errors: 1 }
]
for (const faults of kinds) {
  const before = process.cpuUsage()
  const report = await Effect.runPromise(Explore.check(program(faults), { schedules, maxSteps: 1_000_000 }))
  const { system, user } = process.cpuUsage(before)
  const cpu = (user + system) / 1000 / report.schedules
  console.log(`${JSON.stringify(faults).padEnd(18)} ${report.perSecond} schedules/s, ${cpu.toFixed(1)} ms of CPU each`)
}
