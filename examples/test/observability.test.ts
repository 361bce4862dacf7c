import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { run } from "./run.ts"

/** No two runs take equally long, and short waits come and go. */
const withoutTimes = (text: string) => text.replaceAll(/, (waited )?[\d.]+ ms( each)?/g, "")

const traces = `Traces:
  POST /orders book
    shop/Checkout.order
      shop/Stock.reserve
      shop/Bank.charge, ran 2 times
  POST /orders lamp
    shop/Checkout.order
      shop/Stock.reserve
      shop/Bank.charge
  POST /orders ring, failed: the card stolen was refused
    shop/Checkout.order, failed: the card stolen was refused
      shop/Stock.reserve
      shop/Bank.charge, failed: the card stolen was refused
  shop/Mailer.send, submitted by shop/Checkout.order
  shop/Mailer.send, submitted by shop/Checkout.order
`

describe("the observability example", () => {
  it("says so when there is no collector at the address that it is given", async () => {
    const address = "http://127.0.0.1:1"
    const ended = await run("observability/main.ts", [address])
    assert.deepStrictEqual(ended, { code: 1, stdout: "", stderr: `Nobody answers at ${address}.\n` })
  })

  it("prints the spans and metrics that a collector gets", async () => {
    const { code, stderr, stdout } = await run("observability/main.ts")
    assert.strictEqual(stderr, "")
    assert.isTrue(withoutTimes(stdout).startsWith(traces), stdout)
    for (const metric of [
      "troupe_calls_total shop/Bank charge failed: 1",
      "troupe_calls_total shop/Bank charge succeeded: 2",
      "troupe_calls_total shop/Stock reserve succeeded: 3",
      "troupe_call_waiting_seconds shop/Stock reserve: 3 calls",
      "troupe_call_running_seconds shop/Checkout order: 3 calls"
    ]) {
      assert.include(stdout, metric)
    }
    assert.strictEqual(code, 0)
  }, 60_000)

  it("writes a timeline", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "troupe-timeline-"))
    try {
      const file = path.join(folder, "shop.json")
      const { code, stdout } = await run("observability/timeline.ts", [file])
      assert.include(stdout, "Timeline: 11 calls of 4 instances")
      assert.strictEqual(code, 0)
      const { traceEvents } = JSON.parse(readFileSync(file, "utf8"))
      const drawn = traceEvents.filter(({ cat, ph }: any) => ph === "X" && cat === "running")
      // Eleven calls, one of which ran twice.
      assert.lengthOf(drawn, 12)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }, 60_000)
})
