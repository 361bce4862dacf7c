// Runs a cluster of processes under faults for as long as you like: `npm run chaos -- --kills 30 --seed 7`.
// Storage is Postgres when DATABASE_URL is set, else a shared SQLite file.
import { parseArgs } from "node:util"
import * as faults from "../packages/cluster/test/chaos/faults.ts"
import { random } from "../packages/cluster/test/chaos/random.ts"
import { run } from "../packages/cluster/test/chaos/run.ts"

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    /** How many nodes are killed at random times. */
    kills: { type: "string", default: "30" },
    /** How many other faults come in between. */
    faults: { type: "string", default: "15" },
    /** Only this fault. */
    only: { type: "string" },
    failover: { type: "string", default: "3000" }
  }
})

const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
const dice = random(seed)

const plan = (): Array<faults.Name> => {
  const others = faults.names.filter((name) => name !== "kill")
  const all: Array<faults.Name> = [
    ...Array.from({ length: Number(values.kills) }, () => "kill" as const),
    ...Array.from({ length: Number(values.faults) }, () => dice.pick(others))
  ]
  for (let i = all.length - 1; i > 0; i--) {
    const j = dice.below(i + 1)
    ;[all[i], all[j]] = [all[j]!, all[i]!]
  }
  return values.only === undefined ? all : all.map(() => values.only as faults.Name)
}

const report = await run({
  seed,
  plan: plan(),
  failover: Number(values.failover),
  url: process.env.DATABASE_URL,
  log: (line) => console.log(line)
})

const done = report.operations.filter(({ outcome }) => outcome?._tag === "Done").length
const failures = report.operations.flatMap(({ kind, outcome, phase }) =>
  outcome?._tag === "Failed"
    ? [`${kind} during ${phase}: ${outcome.error.replace(/op\d+|\d{4}-\S+Z|key \d+|epoch \d+|\d+ms/g, "…")}`]
    : []
)
console.log(`${report.operations.length} calls: ${done} succeeded`)
for (const [failure, all] of Map.groupBy(failures, (failure) => failure))
  console.log(`  ${all.length} failed, ${failure}`)
for (const [phase, millis] of report.slowest) console.log(`  slowest call during ${phase}: ${Math.round(millis)} ms`)
for (const { rule, what } of report.violations) console.log(`VIOLATION ${rule}: ${what}`)
console.log(
  report.violations.length === 0
    ? "No promise was broken."
    : `${report.violations.length} violations. Repeat this with --seed ${seed}`
)
process.exit(report.violations.length === 0 ? 0 : 1)
