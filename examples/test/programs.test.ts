import { assert, describe, expect, it } from "@effect/vitest"
import { run, withoutDurations } from "./run.ts"

describe("npm start", () => {
  it("runs the five programs of the tour, with all checks passed", async () => {
    const { code, stdout, stderr } = await run("main.ts")
    await expect(withoutDurations(stdout)).toMatchFileSnapshot("expected/tour.txt")
    assert.strictEqual(stderr, "")
    assert.strictEqual(code, 0)
  })

  it("runs one program of the tour", async () => {
    const { code, stdout } = await run("main.ts", ["tour", "3"])
    assert.include(stdout, "── 3 of 5 ── Fifty calls at once ──")
    assert.include(stdout, "✓ check: 50 of 50 calls started before the first one ended\n")
    assert.include(stdout, "1 program, 2 checks, all passed.\n")
    assert.strictEqual(code, 0)
  })

  it("explains itself", async () => {
    const { code, stdout } = await run("main.ts", ["--help"])
    await expect(stdout).toMatchFileSnapshot("expected/help.txt")
    assert.strictEqual(code, 0)
  })

  it.each([
    ["an unknown command", ["sing"], 'Unknown subcommand "sing"'],
    ["an unknown flag", ["links", "--nope"], "Unrecognized flag: --nope"],
    ["a program that does not exist", ["tour", "6"], "a number from 1 to 5"],
    ["no permits at all", ["links", "--concurrency", "0"], "Expected a whole number from 1 to 1000"]
  ])("refuses %s with a reason, the help and exit code 2", async (_, args, reason) => {
    const { code, stdout, stderr } = await run("main.ts", args)
    assert.include(stderr, reason)
    assert.include(stdout, "USAGE\n  npm start -- ")
    assert.strictEqual(code, 2)
  })
})

describe("plain async code", () => {
  it("uses an actor in a script", async () => {
    assert.deepStrictEqual(await run("plain-script.ts"), {
      code: 0,
      stdout: `one: 3
all: [ 3, 9, 4 ]
chained: 18
race: too slow / later: 4
settled: 3
settled: no gold here
after the end: ActorDied
`,
      stderr: ""
    })
  })

  it("uses an actor in a node:http server", async () => {
    assert.deepStrictEqual(await run("http-server.ts", ["--once"]), {
      code: 0,
      stdout: `20 POSTs at once, 20 different answers
GET / -> 200 {"count":20}
POST /?by=22 -> 200 {"count":42}
POST /?by=x -> 400 {"error":"by must be an integer"}
PUT / -> 405 {"error":"GET reads, POST increments."}
GET /x -> 404 {"error":"There is only /."}
closed
`,
      stderr: ""
    })
  })

  it.each(["abc", "70000"])("says in a line that PORT=%s is no port", async (port) => {
    const { code, stderr } = await run("http-server.ts", [], { env: { PORT: port } })
    assert.match(stderr, new RegExp(`^PORT=${port}: .*\\n$`))
    assert.strictEqual(code, 1)
  })
})
