/**
 * Threads that are lost in a process which nothing else keeps alive: no server, no timer, no top-level await.
 */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { bundle } from "./support.ts"

const program = fileURLToPath(await bundle("lost"))

/** Runs the program to its end, and gives the lines that it printed. */
const run = async (...args: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args], { timeout: 25_000 })
  return stdout.trimEnd().split("\n")
}

describe("a thread that is lost does not take the process with it", () => {
  for (const what of ["tasks", "actor", "pool"]) {
    for (const how of ["at once", "later", "by an error"]) {
      it(`${what}: ${how}`, async () => {
        assert.deepStrictEqual(await run(what, how), ["ActorUnavailable", "4"])
      }, 30_000)
    }
  }

  it("in the middle of a stream", async () => {
    assert.deepStrictEqual(await run("stream"), ["ActorUnavailable", "4"])
  }, 30_000)

  it("and keeps it no longer than a caller waits", async () => {
    assert.deepStrictEqual(await run("idle"), ["ActorUnavailable", "4"])
  }, 30_000)
})
