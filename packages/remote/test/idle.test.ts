/**
 * The benchmark of idle connections, with few of them: `packages/remote/bench/idle.ts` has ten thousand.
 */
import { assert, it } from "vitest"
import { measure } from "../bench/idle.ts"

const CONNECTIONS = 200
/** What a collection leaves uncertain, over so few. */
const MOST = 40_000

it("idle connections with a subscription each take little, and hear what is published", {
  timeout: 120_000
}, async () => {
  const { heap, publish } = await measure("troupe", CONNECTIONS)
  assert.isBelow(heap, MOST)
  assert.lengthOf(publish, 3)
})
