import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { nothingYet, progressLines } from "../duplicates/report.ts"
import { run } from "./run.ts"

describe("worker threads", () => {
  it("finds files with the same contents, on threads, and takes no link to a file for another file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "troupe-duplicates-"))
    try {
      for (const [name, text] of Object.entries({ a: "same", b: "same", c: "other", empty: "", d: "same" })) {
        writeFileSync(join(folder, `${name}.txt`), text)
      }
      mkdirSync(join(folder, "below"))
      writeFileSync(join(folder, "below/e.txt"), "same")
      symlinkSync(join(folder, "a.txt"), join(folder, "symbolic.txt"))
      symlinkSync(folder, join(folder, "below/circle"))
      symlinkSync("/nowhere", join(folder, "dangling"))
      linkSync(join(folder, "a.txt"), join(folder, "hard.txt"))
      linkSync(join(folder, "c.txt"), join(folder, "below/hard.txt"))
      const { code, stderr, stdout } = await run("main.ts", ["duplicates", ".", "--threads", "2"], { cwd: folder })
      assert.deepStrictEqual(stdout.replace(/\d+\.\d s/, "N s").split("\n"), [
        "4 times 0.0 kB",
        "  a.txt",
        "  b.txt",
        "  below/e.txt",
        "  and 1 more",
        "5 files (0.0 kB) in ., N s on 2 threads: 1 group of equal files, 0.0 kB too many.",
        ""
      ])
      assert.strictEqual(stderr, "")
      assert.strictEqual(code, 0)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it.each([
    ["that is not there", "/nonexist", "/nonexist: no such file or folder\n"],
    ["that is a file", import.meta.filename, `${import.meta.filename}: not a folder\n`]
  ])("refuses a folder %s in a sentence", async (_, folder, stderr) => {
    assert.deepStrictEqual(await run("main.ts", ["duplicates", folder]), { code: 1, stdout: "", stderr })
  })

  it("shows how much is done, and how fast", () => {
    const style = { bold: String, dim: String, red: String, green: String, cyan: String }
    const found = nothingYet()
    const frame = (now: number) => progressLines(found, now, { columns: 32, rows: 24 }, style)
    assert.deepStrictEqual(frame(1000), ["  listing files"])
    Object.assign(found, { files: 4, bytes: 8e6, hashingSince: 1000, done: 1, doneBytes: 6e6 })
    assert.deepStrictEqual(frame(1500), [
      `  ${"━".repeat(15)}${"·".repeat(5)} 75 %`,
      "  1 of 4 files   6.0 MB of 8.0 MB   12 MB/s"
    ])
  })

  it("formats in a synchronous callback with a tool that is asynchronous", async () => {
    const { code, stderr, stdout } = await run("sync-formatter.ts")
    assert.include(stdout, "const sum = (a: number, b: number) => a + b\nconsole.log(sum(1, 2))\n")
    assert.include(stdout, "const = 1\n```\n(left as it is: not TypeScript)")
    assert.strictEqual(stderr, "")
    assert.strictEqual(code, 0)
  })
})
