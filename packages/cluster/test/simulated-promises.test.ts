/**
 * What the cluster promises, under faults that the explorer places: the rules of the chaos runs, which try what only real
 * processes and Postgres do.
 *
 * For a long run with other schedules, set TROUPE_EXPLORE_SCHEDULES and TROUPE_SEED.
 */
import { describe } from "@effect/vitest"
import type * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { it } from "@troupe/testing/vitest"
import { answers } from "./simulated/answers.ts"
import { ledger } from "./simulated/ledger.ts"
import { moves } from "./simulated/moves.ts"
import { orders } from "./simulated/orders.ts"
import { places } from "./simulated/places.ts"
import { reminders } from "./simulated/reminders.ts"

const faults: ReadonlyArray<SimulatedCluster.Faults> = [
  { kills: 1 },
  { freezes: 1 },
  { partitions: 1 },
  { outages: 1 },
  { slowdowns: 1 },
  { leaves: 1 },
  { skews: 1 },
  { errors: 3 },
  { kills: 2, partitions: 1, leaves: 1, freezes: 1, errors: 3 }
]

const options = (schedules: number) => ({ schedules, maxSteps: 1_000_000, timeout: "3 minutes" }) as const

describe("whatever happens to nodes, each call settles, no durable call is lost or runs twice, and one writes at a time", () => {
  it.explore.each(faults)("%j", (faults) => ledger(faults), options(4))
})

describe("whatever happens to nodes, a durable call that is answered never runs again, and keeps its answer", () => {
  // Retention goes by the clocks of nodes.
  it.explore.each(faults.filter(({ skews }) => skews === undefined))("%j", (faults) => answers(faults), options(4))
})

describe("when it is over, each key has one instance", () => {
  it.explore.each(faults)("%j", (faults) => places(faults), options(2))
})

describe("when it is over and a node joins, a key moves there once its calls have ended", () => {
  it.explore.each<SimulatedCluster.Faults>([{ freezes: 1 }, { partitions: 1 }])(
    "%j",
    (faults) => moves(faults),
    options(2)
  )
})

describe("while a key stays on its node, durable calls of one caller run in the order in which they were made", () => {
  it.explore.each<SimulatedCluster.Faults>([{}, { slowdowns: 1 }])("%j", (faults) => orders(faults), options(2))
})

describe("whatever happens to nodes, each reminder fires", () => {
  it.explore.each([{}, ...faults])("%j", (faults) => reminders(faults), options(2))
})
