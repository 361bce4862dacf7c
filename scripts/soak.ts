/**
 * Long runs of what is random in the tests: the sequences of core's model, and the schedules of the explorer.
 *
 * `npm run soak` runs 20,000 sequences, and 2,000 schedules of each program that is explored; `npm run soak -- 100000`
 * five times as many of both. Programs with a simulated cluster take a hundred times as long, and have a tenth of the
 * schedules, for ten minutes at most. It prints its seed; repeat a run with TROUPE_SEED=... npm run soak.
 */
import { spawnSync } from "node:child_process"
import { randomInt } from "node:crypto"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"

const sequences = process.argv[2] ?? "20000"
if (!/^[1-9]\d*$/.test(sequences)) {
  console.error(`soak takes a number of sequences, but got "${sequences}"`)
  process.exit(2)
}
const schedules = Math.max(1, Math.round(Number(sequences) / 10))
const seed = process.env.TROUPE_SEED ?? String(randomInt(2 ** 31 - 1))
const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs")

const run = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>): boolean => {
  const { status } = spawnSync(process.execPath, [vitest, "run", ...args], {
    stdio: "inherit",
    env: { ...process.env, TROUPE_SEED: seed, ...env }
  })
  return status === 0
}

console.log(`TROUPE_SEED=${seed}: ${sequences} sequences of the model, ${schedules} schedules of each program`)
const model = run(["--project", "core", "test/model.test"], { SOAK_SEQUENCES: sequences })
const explored = run(["--project", "core", "--project", "examples", "test/explore"], {
  TROUPE_EXPLORE_SCHEDULES: String(schedules)
})
const simulated = run(["--project", "cluster", "test/simulated-"], {
  TROUPE_EXPLORE_SCHEDULES: String(Math.max(1, Math.round(schedules / 10)))
})
process.exit(model && explored && simulated ? 0 : 1)
