import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, it } from "@effect/vitest"

const script = fileURLToPath(new URL("fixtures/kept.ts", import.meta.url))

/** Garbage collection can be forced only with a flag, which a test run does not have. */
const flags = ["--expose-gc", "--conditions=@troupe/source", "--no-warnings"]

it("1.10 what submits its successor keeps nothing of what has settled", { timeout: 60_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, script], { timeout: 50_000 })
  const chains: ReadonlyArray<{ readonly name: string; readonly bytes: number }> = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
  assert.lengthOf(chains, 9)
  // One call that is kept takes 400 bytes and more.
  for (const { bytes, name } of chains) assert.isBelow(bytes, 100, name)
})
