/**
 * The faults that the promises of the cluster are tried under, and for how many schedules.
 */
import type * as SimulatedCluster from "@troupe/cluster/SimulatedCluster"

export const faults: ReadonlyArray<SimulatedCluster.Faults> = [
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

export const options = (schedules: number) => ({ schedules, maxSteps: 1_000_000, timeout: "3 minutes" }) as const
