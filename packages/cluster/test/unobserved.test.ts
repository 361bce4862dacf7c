import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, beforeAll, describe, it } from "@effect/vitest"

const script = fileURLToPath(new URL("fixtures/droppedCalls.ts", import.meta.url))

describe("3.6 when a process ends, of the refs that it dropped", () => {
  const lines = new Map<string, ReadonlyArray<string>>()

  /** In a process of its own: garbage collection can be forced only with a flag, which a test run does not have. */
  beforeAll(async () => {
    const flags = ["--expose-gc", "--conditions=@troupe/source", "--no-warnings"]
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, script], { timeout: 50_000 })
    for (const line of stdout.trim().split("\n")) {
      const { name, reports } = JSON.parse(line)
      lines.set(name, reports)
    }
  }, 60_000)

  it.each(["stored, and at work", "just made"])("a durable call that goes on is not reported: %s", (name) => {
    assert.deepStrictEqual(lines.get(name), [])
  })

  it.each([
    ["failed", /test\/Slow\(a\)\.fail has failed/],
    ["not durable", /test\/Slow\(a\)\.workOnce has failed/],
    ["waits for one that is stored", /test\/Slow\(a\)\.take has failed/]
  ])("any other call that failed is reported: %s", (name, report) => {
    const reports = lines.get(name) ?? []
    assert.lengthOf(reports, 1)
    assert.match(reports[0]!, report)
  })
})
