import { assert, describe, it } from "@effect/vitest"
import { run } from "./run.ts"

describe("the bank", () => {
  it("makes and loses no money while its nodes are killed", async () => {
    const { code, stdout, stderr } = await run("bank/main.ts", ["--seconds", "4", "--kill-every", "2"])
    assert.match(stdout, /12000 of 12000 are in the bank\. None was made, none was lost\./, stderr)
    assert.match(stdout, /node \d was killed/)
    assert.match(stdout, /[1-9]\d* transfers were made/)
    assert.strictEqual(code, 0)
  }, 180_000)
})
