import { assert, describe, it } from "@effect/vitest"
import { ClusterView } from "@troupe/core"
import { Effect, Fiber, Latch, Tracer } from "effect"
import { Moves } from "../src/internal/server/moves.ts"
import { ask } from "./http.ts"
import { inspect, ownSystem, promise, Single } from "./inspectorSupport.ts"

const get = (port: number, path: string) =>
  Effect.map(
    promise(() => ask(port, path)),
    ({ body }) => body
  )

/** A cluster of which each process is one node, and which holds some work. */
const makeCluster = () => {
  const inspectors = new Map<string, string | undefined>()
  const failed = new Map<string, ClusterView.FailedWork>()
  const change = (id: string) => Effect.sync(() => failed.delete(id))
  const node = (name: string | undefined): ClusterView.Cluster => ({
    node: name,
    shards: () => (name === undefined ? [] : [`default:${name}`]),
    nodes: Effect.sync(() => [...inspectors].map(([node, inspector]) => ({ node, inspector }))),
    tell: (inspector) =>
      Effect.sync(() => {
        inspectors.set(name!, inspector)
      }),
    stored: Effect.succeed({
      calls: [{ actor: "app/Desk", calls: 3, waiting: 1, oldest: 1000 }],
      reminders: { set: 4, due: 3, failing: 2, abandoned: 1 }
    }),
    failed: () => Effect.sync(() => [...failed.values()]),
    retry: change,
    drop: change
  })
  return { inspectors, failed, node }
}

const within = (cluster: ClusterView.Cluster, options: Parameters<typeof inspect>[0] = {}) =>
  Effect.provideService(inspect(options), ClusterView.CurrentCluster, cluster)

const work: ClusterView.FailedWork = {
  id: "app%2FDesk/a/b",
  kind: "reminder",
  actor: "app/Desk",
  key: "a",
  method: "wake",
  attempts: 2,
  cause: "Error: no coffee",
  at: 0,
  isDead: true
}

describe("the inspectors of a cluster", () => {
  it.live("find each other, and say why a node cannot be asked", () =>
    Effect.gen(function* () {
      const { inspectors, node } = makeCluster()
      const token = "the-same-for-all"
      yield* ownSystem(within(node("127.0.0.1:1"), { token, title: "one" }))
      yield* ownSystem(within(node("127.0.0.1:2"), { token: "one-of-its-own", title: "two" }))
      inspectors.set("127.0.0.1:3", undefined)
      inspectors.set("10.0.0.4:1", "http://127.0.0.1:4680/")
      inspectors.set("127.0.0.1:5", inspectors.get("127.0.0.1:1"))
      const { port } = yield* within(node("127.0.0.1:6"), { token })
      const reply = yield* promise(() => ask(port, "/api/nodes", { headers: { authorization: `Bearer ${token}` } }))
      const [mine, one, two, three, four, five] = reply.body
      assert.strictEqual(mine.summary.node, "127.0.0.1:6")
      assert.deepInclude(one.summary, { title: "one", node: "127.0.0.1:1", shards: 1 })
      assert.match(two.why, /401.*not the token/)
      assert.match(three.why, /no inspector: provide Inspector.layer/)
      assert.match(four.why, /only its own machine can reach it/)
      assert.deepInclude(five, { node: "127.0.0.1:5" })
      assert.match(five.why, /another program answers/)
    }).pipe(ownSystem)
  )

  it.live("tell what the storage holds", () =>
    Effect.gen(function* () {
      const { node } = makeCluster()
      const { port } = yield* within(node(undefined))
      assert.isTrue((yield* get(port, "/api/info")).cluster)
      const { nodes, stored } = yield* get(port, "/api/cluster")
      assert.lengthOf(nodes, 1)
      assert.deepInclude(stored, {
        calls: [{ actor: "app/Desk", calls: 3, waiting: 1, oldest: 1000 }],
        reminders: { set: 4, due: 3, failing: 2, abandoned: 1 }
      })
    }).pipe(ownSystem)
  )

  it.live("say so if the storage does not answer, and show the rest", () =>
    Effect.gen(function* () {
      const away = Effect.fail(new Error("the database is away"))
      const { port } = yield* within({ ...makeCluster().node("127.0.0.1:1"), stored: away, failed: () => away })
      const { nodes, stored } = yield* get(port, "/api/cluster")
      assert.lengthOf(nodes, 1)
      assert.include(stored.why, "the database is away")
      assert.include((yield* get(port, "/api/failed")).why, "the database is away")
    }).pipe(ownSystem)
  )

  it.live("are in none where there is none", () =>
    Effect.gen(function* () {
      const { port } = yield* inspect()
      assert.isFalse((yield* get(port, "/api/info")).cluster)
      assert.notProperty(yield* get(port, "/api/cluster"), "stored")
      assert.deepStrictEqual((yield* get(port, "/api/failed")).failed, [])
    }).pipe(ownSystem)
  )
})

describe("what failed", () => {
  const post = (port: number, path: string) =>
    promise(() => ask(port, path, { method: "POST", headers: { authorization: "Bearer a-long-secret" } }))
  const at = (action: string, id: string) => `/api/failed/${action}?id=${encodeURIComponent(id)}`

  it.live("is listed, and run again or dropped with control", () =>
    Effect.gen(function* () {
      const { failed, node } = makeCluster()
      failed.set(work.id, work).set("7", { ...work, id: "7", kind: "call" })
      const { port } = yield* within(node("127.0.0.1:1"), { control: true, token: "a-long-secret" })
      const headers = { authorization: "Bearer a-long-secret" }
      const { body } = yield* promise(() => ask(port, "/api/failed", { headers }))
      assert.deepStrictEqual(body.failed, [...failed.values()])
      assert.deepStrictEqual((yield* post(port, at("retry", work.id))).body, { result: "it runs again" })
      assert.deepStrictEqual((yield* post(port, at("drop", "7"))).body, { result: "it is gone" })
      assert.strictEqual(failed.size, 0)
      assert.strictEqual((yield* post(port, at("retry", work.id))).status, 404)
      assert.strictEqual((yield* post(port, "/api/failed/drop")).status, 400)
      assert.strictEqual((yield* post(port, at("drop", "7".repeat(8000)))).status, 400)
    }).pipe(ownSystem)
  )

  it.live("stays as it is without control", () =>
    Effect.gen(function* () {
      const { failed, node } = makeCluster()
      failed.set(work.id, work)
      const { port } = yield* within(node("127.0.0.1:1"), { token: "a-long-secret" })
      assert.strictEqual((yield* post(port, at("drop", work.id))).status, 403)
      assert.strictEqual(failed.size, 1)
    }).pipe(ownSystem)
  )
})

describe("a trace", () => {
  it.live("is followed to the unsettled calls of all nodes", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      const there = yield* Effect.gen(function* () {
        const single = yield* Single.spawn()
        return { single, inspector: yield* inspect({ title: "other" }) }
      }).pipe(ownSystem)
      const { port } = yield* inspect({ peers: [there.inspector.url], title: "mine" })
      const here = yield* Single.spawn()
      const call = here.run(there.single.run(gate.await) as Effect.Effect<unknown>).pipe(Effect.withSpan("request"))
      const ends = yield* Effect.forkChild(call, { startImmediately: true })
      const { body } = yield* promise(() => ask(port, "/api/snapshot"))
      const trace = body.calls[0].trace
      const { nodes } = yield* get(port, `/api/trace/${trace}`)
      assert.deepStrictEqual(
        nodes.map(({ calls, node }: any) => [node, calls.map(({ method }: any) => method)]),
        [
          ["mine", ["test/Single.run"]],
          ["other", ["test/Single.run"]]
        ]
      )
      assert.strictEqual((yield* promise(() => ask(port, "/api/trace/no.trace"))).status, 400)
      yield* gate.open
      yield* Fiber.join(ends)
    }).pipe(ownSystem, Effect.withTracer(Tracer.make({ span: (options) => new Tracer.NativeSpan(options) })))
  )
})

describe("moves", () => {
  const view = (node: string, held: Record<string, ReadonlyArray<string>>): any => ({
    address: node,
    summary: {
      node,
      held: Object.entries(held).map(([shard, all]) => ({ shard, residents: all.length, some: all.slice(0, 3) }))
    }
  })
  const texts = (moves: ReadonlyArray<{ readonly text: string }>) => moves.map(({ text }) => text)

  it("are shards that have another node than before, with their residents, and nodes that come and go", () => {
    const moves = new Moves()
    assert.deepStrictEqual(moves.take([view("a", { s1: ["Desk(1)"], s2: [] })], 1000), [])
    const both = [view("a", { s2: [] }), view("b", { s1: ["Desk(1)"] })]
    const told = moves.take(both, 2000)
    assert.deepStrictEqual(texts(told), ["shard s1 moved from a to b, with Desk(1)", "b joined"])
    assert.deepStrictEqual(texts(moves.take(both, 3000)), texts(told))
    // On its way a shard is nobody's.
    moves.take([view("a", {})], 4000)
    const last = moves.take([view("a", { s1: ["Desk(1)"], s2: [] })], 5000)
    assert.deepStrictEqual(texts(last).slice(0, 2), ["shard s1 moved from b to a, with Desk(1)", "b left"])
  })

  it("between the same nodes are told together", () => {
    const moves = new Moves()
    moves.take([view("a", { s1: ["D(1)", "D(2)"], s2: ["D(3)", "D(4)"] }), view("b", {})], 1000)
    const told = moves.take([view("a", {}), view("b", { s1: [], s2: [] })], 2000)
    assert.deepStrictEqual(texts(told), ["2 shards moved from a to b, with D(1), D(2), D(3) and 1 more"])
  })

  it("from while no page looked are not told, since it is not known when they were", () => {
    const moves = new Moves()
    moves.take([view("a", { s1: [] }), view("b", {})], 1000)
    assert.deepStrictEqual(moves.take([view("a", {}), view("b", { s1: [] })], 60_000), [])
  })
})
