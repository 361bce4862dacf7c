/** Asks of a synchronous method, one after the other: what a call costs when nothing waits. */
import { settings } from "../contenders/contender.ts"
import { measure, type Options } from "../harness.ts"
import { aheadOf, fasterThan, type Report, slowerThan, timingTable } from "../report.ts"
import { oneByOne } from "./workloads.ts"

export const ask = async (options: Options): Promise<Report> => {
  const plan = { settings: () => settings("count", 1000), workload: oneByOne, batch: 1000 }
  const timings = await measure(plan, options)
  return {
    tables: [timingTable("ask", "ask: a synchronous method, one call after the other", timings, options.contenders)],
    targets: [
      fasterThan("ask", timings, "by hand", 12),
      slowerThan("ask", timings, "raw", 3.5),
      ...aheadOf("ask", timings, ["nact", "p-queue", "entity"])
    ]
  }
}
