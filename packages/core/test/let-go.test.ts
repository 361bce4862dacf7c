import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, beforeAll, describe, it } from "@effect/vitest"

const script = fileURLToPath(new URL("fixtures/letGo.ts", import.meta.url))

const instances = [
  "stop",
  "kill",
  "exit",
  "defect",
  "a failed constructor",
  "options({...})",
  "others beside it",
  "a name",
  "a restart",
  "a watcher",
  "a pool"
]
const tasks = ["a task", "a task that waits"]

describe("what is over is kept by nothing", () => {
  let lines: ReadonlyArray<Record<string, unknown>> = []

  /** In a process of its own: garbage collection can be forced only with a flag, which a test run does not have. */
  beforeAll(async () => {
    const flags = ["--expose-gc", "--conditions=@troupe/source", "--no-warnings"]
    const { stderr, stdout } = await promisify(execFile)(process.execPath, [...flags, script], { timeout: 30_000 })
    assert.strictEqual(stderr, "")
    lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
  }, 40_000)

  const isLetGo = (name: string) => {
    const line = lines.find((line) => line.name === name)
    assert.deepStrictEqual(line, { name, kept: 0, shown: 0, finalizers: 0 })
  }

  for (const name of instances) {
    it(`6.1 an instance that is gone leaves nothing in the Scope that it was started in: ${name}`, () => isLetGo(name))
  }
  it("1.10 an idle instance keeps nothing of the context of its last caller", () => {
    const line = lines.find(({ name }) => name === "a request")
    assert.deepStrictEqual(line, { name: "a request", kept: 0, shown: 1, finalizers: 1 })
  })
  for (const name of tasks)
    it(`7.3 a task that the program has let go of is kept by nothing: ${name}`, () => isLetGo(name))
  it("7.3 a tool is told that a task is gone when the program has let go of it", () => {
    assert.deepStrictEqual(
      lines.find(({ name }) => name === "told of"),
      { name: "told of", tasks: 200 }
    )
  })
  it("an idle program has one ask, a sample: the engine keeps what it compiled for shapes of which an object is alive", () => {
    assert.deepStrictEqual(lines.at(-1), { name: "asks", kept: 1 })
  })
})
