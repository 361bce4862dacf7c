import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { run } from "./run.ts"

describe("worker threads", () => {
  it("finds files with the same contents, on threads", async () => {
    const folder = mkdtempSync(join(tmpdir(), "troupe-duplicates-"))
    try {
      for (const [name, text] of Object.entries({ a: "same", b: "same", c: "other", empty: "", d: "same" })) {
        writeFileSync(join(folder, `${name}.txt`), text)
      }
      const { code, stderr, stdout } = await run("main.ts", ["duplicates", ".", "--threads", "2"], { cwd: folder })
      assert.deepStrictEqual(stdout.replace(/\d+\.\d s/, "N s").split("\n"), [
        "3 times 0.0 kB",
        "  a.txt",
        "  b.txt",
        "  d.txt",
        "4 files (0.0 kB) in ., N s on 2 threads: 1 group of equal files, 0.0 kB too many.",
        ""
      ])
      assert.strictEqual(stderr, "")
      assert.strictEqual(code, 0)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it("formats in a synchronous callback with a tool that is asynchronous", async () => {
    const { code, stderr, stdout } = await run("sync-formatter.ts")
    assert.include(stdout, "const sum = (a: number, b: number) => a + b\nconsole.log(sum(1, 2))\n")
    assert.include(stdout, "const = 1\n```\n(left as it is: not TypeScript)")
    assert.strictEqual(stderr, "")
    assert.strictEqual(code, 0)
  })
})
