/** Ten thousand calls that sleep 100 ms at limit 1000: ten waves, so one second at best. */
import { SLEEP_MS, settings } from "../contenders/contender.ts"
import { measure, type Options, type Timings } from "../harness.ts"
import { type Report, type Target, timeRatio } from "../report.ts"
import { inFlight } from "./workloads.ts"

const CALLS = 10_000
const LIMIT = 1000
const IDEAL_SECONDS = ((CALLS / LIMIT) * SLEEP_MS) / 1000

export const sleep = async (options: Options): Promise<Report> => {
  const plan = {
    settings: () => settings("sleep", LIMIT),
    workload: inFlight(CALLS),
    batch: CALLS,
    sleeps: true
  }
  const timings = await measure(plan, { ...options, now: () => performance.now() })
  const seconds = (perCall: number) => (perCall * CALLS) / 1e6
  return {
    tables: [
      {
        title: "sleep: 10,000 calls at limit 1000, each sleeps 100 ms",
        columns: ["contender", "seconds", "fastest", "slowest", "x ideal"],
        lines: options.contenders.map(({ name, notes }) => {
          const { median, least, most } = timings.get(name)!
          const cells = [median, least, most].map(seconds)
          return { name, cells: [...cells, cells[0]! / IDEAL_SECONDS], note: notes?.sleep }
        })
      }
    ],
    targets: [
      { what: "sleep: times the ideal second", figure: ofIdeal(timings), limit: 1.15, rule: "at most" },
      ...["nact", "p-queue", "entity"].map((rival) => asFastAs(timings, rival))
    ]
  }
}

const ofIdeal = (timings: Timings): number | undefined => {
  const troupe = timings.get("troupe")
  return troupe && (troupe.median * CALLS) / 1e6 / IDEAL_SECONDS
}

/** All wait for the same timers, so being ahead is a matter of a percent or two; being behind by more would count. */
const asFastAs = (timings: Timings, rival: string): Target => ({
  what: `sleep: times faster than ${rival}`,
  figure: timeRatio(timings, rival, "troupe"),
  limit: 0.98,
  rule: "at least"
})
