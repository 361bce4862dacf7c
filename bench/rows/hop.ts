/** Ten thousand calls at limit 10, each giving way once: `Effect.yieldNow`, in promises `setImmediate`. */
import { settings } from "../contenders/contender.ts"
import { measure, type Options } from "../harness.ts"
import { aheadOf, fasterThan, type Report, slowerThan, timingTable } from "../report.ts"
import { inFlight } from "./workloads.ts"

const CALLS = 10_000

export const hop = async (options: Options): Promise<Report> => {
  const plan = { settings: () => settings("hop", 10), workload: inFlight(CALLS), batch: CALLS }
  const timings = await measure(plan, options)
  return {
    tables: [timingTable("hop", "hop: 10,000 calls at limit 10, each yields once", timings, options.contenders)],
    targets: [
      fasterThan("hop", timings, "by hand", 4),
      slowerThan("hop", timings, "raw", 1.4),
      ...aheadOf("hop", timings, ["nact", "xstate", "p-queue", "entity"])
    ]
  }
}
