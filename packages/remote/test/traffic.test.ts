/**
 * Metrics are of the process: they are counted in a file of their own.
 */
import { Effect, Metric } from "effect"
import { assert, it } from "vitest"
import { call, connect, eventually, post, upgrade, visited } from "./hostileSupport.ts"

/** The metrics of connections, by their names and attributes. */
const metrics = () => {
  const found: Record<string, number> = {}
  for (const { attributes, id, state } of Effect.runSync(Metric.snapshot) as ReadonlyArray<any>) {
    if (!id.startsWith("troupe_remote_connections")) continue
    const value = state.count ?? state.value
    if (value > 0) found[`${id.slice("troupe_remote_".length)} ${Object.values(attributes ?? {})}`] = Number(value)
  }
  return found
}

it("connections are counted while they are open, and those that are refused or cut off by the reason", () =>
  visited(
    async (site) => {
      const one = await connect(site)
      const two = await connect(site)
      assert.deepStrictEqual(metrics(), { "connections websocket": 2 })
      assert.strictEqual(await upgrade(site, []), 429)
      assert.strictEqual(await upgrade(site, ["origin: http://evil.example"]), 403)
      assert.deepStrictEqual(metrics(), {
        "connections websocket": 2,
        "connections_refused_total connectionsPerPeer": 1,
        "connections_refused_total origin": 1
      })
      one.send("no JSON")
      await one.closed
      two.send("x".repeat(2000))
      await two.closed
      await eventually(() => metrics()["connections websocket"] === undefined)
      const deep = await connect(site)
      deep.send({ _tag: "Ping", x: [[[[[[1]]]]]] })
      await deep.closed
      const silent = await connect(site)
      assert.strictEqual((await silent.closed).code, 1001)
      const never = post(site, JSON.stringify(call(1, "never"))).then((answer) => answer.text())
      await eventually(() => metrics()["connections http"] === 1)
      const long = await post(site, "x".repeat(2000))
      assert.strictEqual(long.status, 413)
      assert.deepStrictEqual(metrics(), {
        "connections http": 1,
        "connections_refused_total connectionsPerPeer": 1,
        "connections_refused_total origin": 1,
        "connections_cut_total unreadable": 1,
        "connections_cut_total messageBytes": 2,
        "connections_cut_total depth": 1,
        "connections_cut_total idleAfter": 1
      })
      never.catch(() => {})
    },
    { limits: { connectionsPerPeer: 2, messageBytes: 1000, depth: 6, idleAfter: 600 } }
  ))
