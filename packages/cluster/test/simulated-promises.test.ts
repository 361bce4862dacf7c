/**
 * What the cluster promises of calls, under faults that the explorer places: the rules of the chaos runs, which try what
 * only real processes and Postgres do. What it promises of keys is in `simulated-keys.test.ts`, which another core runs.
 *
 * For a long run with other schedules, set TROUPE_EXPLORE_SCHEDULES and TROUPE_SEED.
 */
import { describe } from "@effect/vitest"
import type * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { it } from "@troupe/testing/vitest"
import { answers } from "./simulated/answers.ts"
import { faults, options } from "./simulated/faults.ts"
import { ledger } from "./simulated/ledger.ts"
import { orders } from "./simulated/orders.ts"

describe("whatever happens to nodes, each call settles, no durable call is lost or runs twice, and one writes at a time", () => {
  it.explore.each(faults)("%j", (faults) => ledger(faults), options(4))
})

describe("whatever happens to nodes, a durable call that is answered never runs again, and keeps its answer", () => {
  // Retention goes by the clocks of nodes.
  it.explore.each(faults.filter(({ skews }) => skews === undefined))("%j", (faults) => answers(faults), options(4))
})

describe("while a key stays on its node, durable calls of one caller run in the order in which they were made", () => {
  it.explore.each<SimulatedCluster.Faults>([{}, { slowdowns: 1 }])("%j", (faults) => orders(faults), options(2))
})
