/**
 * What the cluster promises of keys and their reminders, under faults that the explorer places. See
 * `simulated-promises.test.ts`.
 */
import { describe } from "@effect/vitest"
import type * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"
import { it } from "@troupe/testing/vitest"
import { faults, options } from "./simulated/faults.ts"
import { moves } from "./simulated/moves.ts"
import { places } from "./simulated/places.ts"
import { reminders } from "./simulated/reminders.ts"

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

describe("whatever happens to nodes, each reminder fires", () => {
  it.explore.each([{}, ...faults])("%j", (faults) => reminders(faults), options(2))
})
