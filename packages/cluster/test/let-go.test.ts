import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"

const script = fileURLToPath(new URL("fixtures/letGo.ts", import.meta.url))

describe("durable calls that are over", () => {
  /** In a process of its own: garbage collection can be forced only with a flag, which a test run does not have. */
  it("leave nothing of their arguments, of their results and of the contexts of their callers", async () => {
    const flags = ["--expose-gc", "--conditions=@troupe/source", "--no-warnings"]
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, script], { timeout: 50_000 })
    const { dropped, inFlight } = JSON.parse(stdout)
    assert.deepStrictEqual(dropped, { sent: 0, received: 0, results: 0, requests: 0 })
    assert.strictEqual(inFlight.received, 20)
  }, 60_000)
})
