/** `.remote`, then its ref, one call after the other: what a ref costs beside an ask. */
import { settings } from "../contenders/contender.ts"
import { troupe } from "../contenders/troupe.ts"
import { chosen, effectLane, laneOf, measureLanes, type Options } from "../harness.ts"
import { atMost, laneTable, type Report } from "../report.ts"
import { oneByOne, refByRef } from "./workloads.ts"

const BATCH = 1000

export const refs = async (options: Options): Promise<Report> => {
  const plan = { settings: () => settings("count", 1000), workload: refByRef, batch: BATCH }
  const ask = effectLane("troupe, ask", troupe.open(plan.settings()) as any, (counter: any, n) =>
    oneByOne.effect(counter, n)
  )
  const lanes = [...options.contenders.map((contender) => laneOf(contender, plan)), ...chosen([ask], options)]
  const timings = await measureLanes(lanes, plan, options)
  return {
    tables: [laneTable("refs: submit, then wait for the ref, one call after the other", timings, lanes)],
    targets: [atMost("refs: times an ask", timings, "troupe", "troupe, ask", 3)]
  }
}
