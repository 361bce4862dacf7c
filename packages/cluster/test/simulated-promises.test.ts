/**
 * What the cluster promises, under faults that the explorer places: the rules of the chaos runs, which try what only real
 * processes and Postgres do.
 *
 * For a long run with other schedules, set TROUPE_EXPLORE_SCHEDULES and TROUPE_SEED.
 */
import { describe } from "@effect/vitest"
import type * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { it } from "@troupe/testing/vitest"
import { ledger } from "./simulated/ledger.ts"
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

describe("whatever happens to nodes, each call settles, no durable call is lost or runs twice, and one writes at a time", () => {
  it.explore.each(faults)("%j", (faults) => ledger(faults), {
    schedules: 10,
    maxSteps: 1_000_000,
    timeout: "3 minutes"
  })
})

describe("whatever happens to nodes, each reminder fires", () => {
  it.explore.each(faults)("%j", (faults) => reminders(faults), {
    schedules: 3,
    maxSteps: 1_000_000,
    timeout: "3 minutes"
  })
})
