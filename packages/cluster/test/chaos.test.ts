import { assert, describe, it } from "@effect/vitest"
import { run } from "./chaos/run.ts"

// `npm run chaos` does the same for longer, with more faults in a random order.
describe("a cluster of processes", () => {
  it("keeps its promises while nodes die, leave, freeze and lose their connections, and the database goes away", async () => {
    const seed = Number(process.env.TROUPE_SEED ?? Math.floor(Math.random() * 2 ** 31))
    const { operations, violations } = await run({
      seed,
      plan: ["killAll", "cut", "restart", "freeze", "database"],
      failover: 2000,
      url: process.env.DATABASE_URL,
      log: (line) => console.log(line)
    })
    assert.deepStrictEqual(violations, [], `Repeat this with TROUPE_SEED=${seed}`)
    // The rules hold for a cluster that does nothing, too.
    for (const kind of ["durable", "atMostOnce"]) {
      const done = operations.filter((operation) => operation.kind === kind && operation.outcome?._tag === "Done")
      assert.isAbove(done.length, 5, `successful calls that are ${kind}`)
    }
  }, 180_000)
})
