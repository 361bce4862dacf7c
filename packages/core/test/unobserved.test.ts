import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, beforeAll, describe, it } from "@effect/vitest"

interface Line {
  readonly name: string
  /** How many refs were registered to be watched for collection. */
  readonly registered: number
  readonly reports: ReadonlyArray<{ readonly level: string; readonly message: string; readonly cause: string }>
}

const script = fileURLToPath(new URL("fixtures/unobserved.ts", import.meta.url))

describe("3.6", () => {
  const lines = new Map<string, Line>()

  /** The process ran all cases: garbage collection can be forced only with a flag, which a test run does not have. */
  beforeAll(async () => {
    const flags = ["--expose-gc", "--conditions=@troupe/source", "--no-warnings"]
    const { stderr, stdout } = await promisify(execFile)(process.execPath, [...flags, script], { timeout: 30_000 })
    assert.strictEqual(stderr, "")
    for (const text of stdout.trim().split("\n")) {
      const line: Line = JSON.parse(text)
      lines.set(line.name, line)
    }
  }, 40_000)

  const line = (name: string): Line => lines.get(name) ?? assert.fail(`the fixture has no case "${name}"`)

  const reported: ReadonlyArray<[name: string, call: RegExp, cause: RegExp]> = [
    ["dropped", /test\/Flaky\.fail\b/, /nobody looked/],
    ["dropped defect", /test\/Flaky\.die\b/, /nobody saw it die/],
    ["dropped task", /test\/task\b/, /of a task/],
    ["dropped by a killed actor", /test\/Flaky\.failAfter\b/, /it was killed/],
    ["dropped, an error that cannot be printed", /test\/Flaky\.failWith\b/, /unreadable/],
    ["dropped, only printed", /test\/Flaky\.fail\b/, /printed/],
    ["dropped, failed because an argument did", /test\/Flaky\.echo\b/, /of the argument/],
    ["dropped by plain code", /test\/Flaky\.fail\b/, /of plain code/]
  ]
  for (const [name, call, cause] of reported) {
    it(`3.6 a ref is reported once, at Warning level, with actor, method and cause: ${name}`, () => {
      const { reports } = line(name)
      assert.strictEqual(reports.length, 1, JSON.stringify(reports))
      assert.strictEqual(reports[0]!.level, "Warn")
      assert.match(reports[0]!.message, call)
      assert.match(reports[0]!.cause, cause)
    })
  }

  const quiet = [
    "held",
    "awaited",
    "awaited after it failed",
    "yielded",
    "yielded after it failed",
    "polled",
    "exit looked at",
    "got",
    "settled after another had decided for all",
    "passed on and looked at",
    "cancelled while it ran",
    "cancelled before it started",
    "asked",
    "asked by a fiber that was interrupted",
    "succeeded"
  ]
  for (const name of quiet) {
    it(`3.6 a ref is not reported: ${name}`, () => {
      assert.deepStrictEqual(line(name).reports, [])
    })
  }

  it("3.6 of the failures of one method in a minute there is one line, which counts the others", () => {
    const { reports } = line("dropped by the thousand")
    // What is collected after the first line has another one, a minute later.
    assert.isAtMost(reports.length, 2, JSON.stringify(reports))
    const others = reports.map(({ message }) =>
      Number(/The same goes for (\d+) more calls of this method/.exec(message)?.[1] ?? 0)
    )
    assert.isAbove(others[0]!, 0)
    // The engine may hold the last one a little longer, on its stack.
    assert.include([999, 1000], reports.length + others.reduce((sum, n) => sum + n))
  })

  it("3.6 every case is looked at here", () => {
    assert.sameMembers([...lines.keys()], [...reported.map(([name]) => name), ...quiet, "dropped by the thousand"])
  })

  it("3.6 success costs nothing: it registers nothing", () => {
    assert.strictEqual(line("succeeded").registered, 0)
    assert.isAbove(line("dropped").registered, 0, "the count counts")
  })

  it("3.6 a failure that somebody waits for registers nothing", () => {
    for (const name of ["awaited", "yielded", "exit looked at", "got", "asked"]) {
      assert.strictEqual(line(name).registered, 0, name)
    }
  })
})
