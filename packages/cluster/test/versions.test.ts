/**
 * Nodes and clients with different versions of one contract: what both understand works, and anything else is refused before
 * it is sent.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ClusterHome, Delivery, DurableState } from "@troupe/cluster"
import { Actor, type ActorError } from "@troupe/core"
import { Effect, Exit, Layer, Schema, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { freePort } from "./fixtures/node-processes.ts"
import { errorOf, reasonOf } from "./homeSupport.ts"

const LONG = 60_000

class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { id: Schema.Int }) {}
class Closed extends Schema.TaggedError<Closed>()("Closed", {}) {}

/** What has run, on any node of this process. */
let ran: Array<string> = []
const run = <A>(what: string, value: A) =>
  Effect.sync(() => {
    ran.push(what)
    return value
  })

const one = (() => {
  class Shop extends Actor.Keyed<Shop>()("test/Shop", {
    key: Schema.String,
    methods: {
      order: Actor.method({ payload: { item: Schema.String }, success: Schema.Struct({ id: Schema.Int }) }),
      count: Actor.method({ args: [Schema.Int], success: Schema.Int }),
      total: Actor.method({ success: Schema.Int }),
      find: Actor.method({ args: [Schema.Int], success: Schema.String, error: NotFound }),
      pay: Delivery.durable(Actor.method({ payload: { sum: Schema.Int }, success: Schema.String })),
      items: Actor.method({ success: Schema.String, stream: true })
    }
  }) {}
  const live = Shop.toLayer(() =>
    Effect.succeed(
      Shop.of({
        order: ({ item }) => run(`order ${item}`, { id: 1 }),
        count: (n) => run("count", n),
        total: () => run("total", 1),
        find: (id) => (id === 1 ? run("find", "found") : Effect.fail(new NotFound({ id }))),
        pay: ({ sum }) => run(`pay ${sum}`, "one"),
        items: () => run("items", "x") as any
      })
    )
  )
  return { Shop, live }
})()

const two = (() => {
  class Shop extends Actor.Keyed<Shop>()("test/Shop", {
    key: Schema.String,
    methods: {
      order: Actor.method({
        payload: { item: Schema.String, gift: Schema.optionalKey(Schema.Boolean) },
        success: Schema.Struct({ id: Schema.Int, at: Schema.optionalKey(Schema.String) })
      }),
      count: Actor.method({ args: [Schema.String], success: Schema.Int }),
      total: Actor.method({ success: Schema.Struct({ sum: Schema.Int }) }),
      find: Actor.method({ args: [Schema.Int], success: Schema.String, error: Schema.Union([Closed, NotFound]) }),
      pay: Delivery.durable(
        Actor.method({ payload: { sum: Schema.Int, tip: Schema.optionalKey(Schema.Int) }, success: Schema.String })
      ),
      items: Actor.method({ success: Schema.Int, stream: true }),
      fresh: Actor.method({ success: Schema.Int, since: "2.0.0" }),
      freshly: Delivery.durable(Actor.method({ args: [Schema.Int], success: Schema.Int }))
    }
  }) {}
  const live = Shop.toLayer(() =>
    Effect.succeed(
      Shop.of({
        order: ({ gift, item }) => run(`order ${item} ${gift}`, { id: 2, at: "now" }),
        count: (n) => run("count", Number(n)),
        total: () => run("total", { sum: 1 }),
        find: (id) => Effect.fail(id === 0 ? new Closed() : new NotFound({ id })),
        pay: ({ sum, tip }) => run(`pay ${sum} ${tip}`, "two"),
        items: () => run("items", 1) as any,
        fresh: () => run("fresh", 1),
        freshly: (n) => run("freshly", n)
      })
    )
  )
  return { Shop, live }
})()

/** A version whose instances keep a state with these fields. */
const keeping = (fields: Schema.Struct.Fields): Version => {
  class Shop extends Actor.Keyed<Shop>()("test/Kept", {
    key: Schema.String,
    methods: {
      change: Delivery.atLeastOnce(Actor.method({ args: [Schema.Record(Schema.String, Schema.String)] })),
      read: Delivery.atLeastOnce(Actor.method({ success: Schema.Record(Schema.String, Schema.String) }))
    }
  }) {}
  const live = Shop.toLayer(
    Effect.fnUntraced(function* () {
      const state = yield* DurableState.make(Schema.Struct(fields) as any as Schema.Codec<any>, { initial: {} })
      return Shop.of({
        change: (fields) => Effect.orDie(state.update((now) => ({ ...now, ...fields }))),
        read: () => Effect.orDie(state.get)
      })
    })
  )
  return { Shop, live: Layer.provide(live, DurableState.layer) as any }
}

type Version = { readonly Shop: any; readonly live: Layer.Layer<any> }

/** Processes with these versions: each has a Scope of its own, so that it can end. */
const cluster = Effect.gen(function* () {
  ran = []
  const directory = mkdtempSync(join(tmpdir(), "troupe-versions-"))
  yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(directory, { recursive: true, force: true })))
  const shared = { storage: { file: join(directory, "cluster.db") }, failover: "1500 millis" } as const
  const inScope = (
    layer: Layer.Layer<any, any, any>
  ): Effect.Effect<{ readonly context: any; readonly end: Effect.Effect<void> }, any, Scope.Scope> =>
    Effect.gen(function* () {
      const scope = yield* Scope.fork(yield* Effect.scope)
      const context = yield* Layer.buildWithScope(layer as Layer.Layer<any, any>, scope)
      return { context, end: Scope.close(scope, Exit.void) }
    })
  return {
    node: ({ Shop, live }: Version, port?: number) =>
      Effect.gen(function* () {
        const options = { ...shared, port: port ?? (yield* freePort), drainTimeout: "1 second" } as const
        return yield* inScope(Layer.provideMerge(ClusterHome.layer(Shop, live), ClusterHome.layerNode(options)))
      }),
    client: ({ Shop }: Version) =>
      Effect.gen(function* () {
        const { context } = yield* inScope(
          Layer.provideMerge(
            ClusterHome.client(Shop),
            ClusterHome.layerClient({ ...shared, unavailableAfter: "10 seconds" })
          )
        )
        const service: any = yield* Effect.provide(Shop as Effect.Effect<any>, context as any) as Effect.Effect<any>
        return { context, shop: (key: string): any => service.get(key) }
      })
  }
})

/** A call that is refused: nothing has run, and the reason names what differs. */
const refused = (call: Effect.Effect<any, any>, expected: Partial<ActorError.ContractMismatch>) =>
  Effect.gen(function* () {
    const before = ran.length
    const reason = yield* reasonOf(call)
    assert.deepInclude(reason, { _tag: "ContractMismatch", actor: "test/Shop", mayHaveRun: false, ...expected })
    assert.match(reason.node, /^the node at 127\.0\.0\.1:\d+$/)
    assert.lengthOf(ran, before)
    return reason
  })

describe("10.11 a newer client of an older node", () => {
  it.live(
    "calls what both understand, and is refused anything else before it is sent",
    () =>
      Effect.gen(function* () {
        const { client, node } = yield* cluster
        yield* node(one)
        const { shop } = yield* client(two)
        const a = shop("a")
        assert.deepStrictEqual(yield* a.order({ item: "tea", gift: true }), { id: 1 })
        assert.strictEqual(yield* a.find(1), "found")
        assert.instanceOf(yield* errorOf(a.find(2)), NotFound)
        assert.strictEqual(yield* a.pay({ sum: 5, tip: 1 }), "one")
        const mismatch = yield* refused(a.count("1"), {
          method: "count",
          field: "args[0]",
          here: "string",
          there: "number & isInt",
          retrySafe: false
        })
        assert.match(
          mismatch.message,
          /^test\/Shop\.count: the call was not sent, since args\[0\] is string here, and number & isInt on the node at/
        )
        yield* refused(a.total(), { method: "total", field: "success", there: "number & isInt" })
        yield* refused(a.fresh(), {
          method: "fresh",
          field: "",
          here: "(): number & isInt (since 2.0.0)",
          there: undefined,
          retrySafe: true
        })
        // No node could run it, so it is not stored.
        yield* refused(a.freshly(1), { method: "freshly", field: "", there: undefined })
      }) as Effect.Effect<void, any, Scope.Scope>,
    LONG
  )
})

describe("10.11 an older client of a newer node", () => {
  it.live(
    "calls what both understand, and an error that it does not know fails its call alone",
    () =>
      Effect.gen(function* () {
        const { client, node } = yield* cluster
        yield* node(two)
        const { shop } = yield* client(one)
        const a = shop("a")
        assert.deepStrictEqual(yield* a.order({ item: "tea" }), { id: 2 })
        assert.instanceOf(yield* errorOf(a.find(2)), NotFound)
        const unknown = yield* reasonOf(a.find(0))
        assert.deepInclude(unknown, { _tag: "DecodeError", method: "find", mayHaveRun: true })
        assert.strictEqual(yield* a.pay({ sum: 5 }), "two")
        yield* refused(a.count(1), { method: "count", field: "args[0]", here: "number & isInt", there: "string" })
        yield* refused(a.total(), { method: "total", field: "success" })
      }) as Effect.Effect<void, any, Scope.Scope>,
    LONG
  )
})

describe("10.11 while a version rolls out", () => {
  it.live(
    "a node that comes back with another version is asked again",
    () =>
      Effect.gen(function* () {
        const { client, node } = yield* cluster
        const port = yield* freePort
        const first = yield* node(one, port)
        const { shop } = yield* client(two)
        yield* refused(shop("a").fresh(), { field: "" })
        yield* first.end
        yield* node(two, port)
        assert.strictEqual(yield* shop("a").fresh(), 1)
        assert.strictEqual(yield* shop("a").count("7"), 7)
      }) as Effect.Effect<void, any, Scope.Scope>,
    LONG
  )

  it.live.each([
    ["newer", one, two, ["pay 5 undefined"], "two"],
    ["older", two, one, ["pay 5"], "one"]
  ] as const)(
    "durable calls that one version has stored run on one that is %s, and their results are read by the first",
    ([, first, second, expected, result]) =>
      Effect.gen(function* () {
        const { client, node } = yield* cluster
        yield* (yield* node(first)).end
        const { shop } = yield* client(first)
        const call = ClusterHome.withId(shop("a").pay({ sum: 5 }), "once")
        // No node is there: the call is stored, and waits.
        const ref: Effect.Effect<string> = yield* ClusterHome.withId(
          shop("a").pay.remote({ sum: 5 }) as Effect.Effect<any>,
          "once"
        )
        const later = yield* node(second)
        assert.strictEqual(yield* ref, result)
        yield* later.end
        // Its result is stored by the other version, and is the result of its id for the first.
        yield* node(first)
        assert.strictEqual(yield* call, result)
        assert.deepStrictEqual(ran, [...expected])
      }) as Effect.Effect<void, any, Scope.Scope>,
    LONG
  )

  it.live(
    "a state that one version has saved is read by the other, and back, without the field that it does not know",
    () =>
      Effect.gen(function* () {
        const { client, node } = yield* cluster
        const older = keeping({ item: Schema.optionalKey(Schema.String) })
        const newer = keeping({ item: Schema.optionalKey(Schema.String), gift: Schema.optionalKey(Schema.String) })
        const { shop } = yield* client(older)
        const on = (version: Version, use: (kept: any) => Effect.Effect<unknown, any>) =>
          Effect.gen(function* () {
            const { end } = yield* node(version)
            yield* use(shop("a"))
            const read = yield* shop("a").read()
            yield* end
            return read
          })
        assert.deepStrictEqual(yield* on(older, (kept) => kept.change({ item: "tea" })), { item: "tea" })
        const both = { item: "tea", gift: "yes" }
        assert.deepStrictEqual(yield* on(newer, (kept) => kept.change({ gift: "yes" })), both)
        // Who only reads it leaves it as it is.
        assert.deepStrictEqual(yield* on(older, (kept) => kept.read()), { item: "tea" })
        assert.deepStrictEqual(yield* on(newer, (kept) => kept.read()), both)
        assert.deepStrictEqual(yield* on(older, (kept) => kept.change({ item: "milk" })), { item: "milk" })
        assert.deepStrictEqual(yield* on(newer, (kept) => kept.read()), { item: "milk" })
      }) as Effect.Effect<void, any, Scope.Scope>,
    LONG
  )

  it.live(
    "a durable call that its node lacks waits for a node that has it",
    () =>
      Effect.gen(function* () {
        const { client, node } = yield* cluster
        const old = yield* node(one)
        yield* node(two)
        const { shop } = yield* client(two)
        const keys = Array.from({ length: 12 }, (_, index) => `key-${index}`)
        const refs: ReadonlyArray<Effect.Effect<number>> = yield* Effect.forEach(
          keys,
          (key, index): Effect.Effect<any> => shop(key).freshly.remote(index)
        )
        yield* Effect.sleep("500 millis")
        assert.isBelow(ran.length, keys.length)
        yield* old.end
        assert.deepStrictEqual(
          yield* Effect.all(refs),
          keys.map((_, index) => index)
        )
      }) as Effect.Effect<void, any, Scope.Scope>,
    LONG
  )

  it.live(
    "a node answers a call that it lacks, should it come all the same, and goes on",
    () =>
      Effect.gen(function* () {
        const { client, node } = yield* cluster
        const { context } = yield* node(one)
        // As if the client had read it before the node told.
        const forget = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`DELETE FROM troupe_contracts`)
        yield* Effect.provide(forget, context as any) as Effect.Effect<any>
        const { shop } = yield* client(two)
        const reason = yield* reasonOf(shop("a").fresh())
        assert.deepInclude(reason, { _tag: "ContractMismatch", method: "fresh", mayHaveRun: false })
        const unread = yield* reasonOf(shop("a").count("x"))
        assert.deepInclude(unread, { _tag: "DecodeError", method: "count" })
        assert.deepStrictEqual(yield* shop("a").order({ item: "tea" }), { id: 1 })
      }) as Effect.Effect<void, any, Scope.Scope>,
    LONG
  )
})
