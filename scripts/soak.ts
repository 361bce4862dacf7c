/**
 * A long run of the tests of the model: `npm run soak`, or `npm run soak -- 100000` for as many sequences.
 *
 * It prints its seed; repeat a run with TROUPE_SEED=... npm run soak.
 */
import { spawnSync } from "node:child_process"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"

const sequences = process.argv[2] ?? "20000"
if (!/^[1-9]\d*$/.test(sequences)) {
  console.error(`soak takes a number of sequences, but got "${sequences}"`)
  process.exit(2)
}
const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs")
const { status } = spawnSync(process.execPath, [vitest, "run", "--project", "core", "test/model.test"], {
  stdio: "inherit",
  env: { ...process.env, SOAK_SEQUENCES: sequences }
})
process.exit(status ?? 1)
