/** A thousand calls of a synchronous method in flight: submit them all, wait for all answers, again and again. */
import { settings } from "../contenders/contender.ts"
import { measure, type Options } from "../harness.ts"
import { aheadOf, fasterThan, type Report, slowerThan, timingTable } from "../report.ts"
import { inFlight } from "./workloads.ts"

export const remote = async (options: Options): Promise<Report> => {
  const plan = { settings: () => settings("count", 1000), workload: inFlight(1000), batch: 1000 }
  const timings = await measure(plan, options)
  return {
    tables: [timingTable("remote", "remote: a synchronous method, 1000 calls in flight", timings, options.contenders)],
    targets: [
      fasterThan("remote", timings, "by hand", 6),
      slowerThan("remote", timings, "raw", 5),
      ...aheadOf("remote", timings, ["nact", "p-queue", "entity"])
    ]
  }
}
