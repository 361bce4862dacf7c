/**
 * What errors show that have come from another process.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import { ClusterHome, Delivery } from "@troupe/cluster"
import { Actor } from "@troupe/core"
import { Cause, Effect, Layer, Schema, Stream } from "effect"
import { freePort } from "./fixtures/node-processes.ts"

class NotFound extends Schema.TaggedError<NotFound>()("NotFound", {
  id: Schema.Int,
  cause: Schema.optionalKey(Schema.Defect())
}) {}

class Orders extends Actor.Service<Orders>()("test/Orders", {
  methods: {
    find: Actor.method({ args: [Schema.Int], error: NotFound }),
    stored: Delivery.durable(Actor.method({ args: [Schema.Int], error: NotFound })),
    die: Actor.method({}),
    dieStored: Delivery.durable(Actor.method({})),
    items: Actor.method({ success: Schema.Int, error: NotFound, stream: true }),
    dying: Actor.method({ success: Schema.Int, stream: true })
  }
}) {}

class Shop extends Actor.Service<Shop>()("test/Shop", {
  make: Effect.map(Orders, (orders) => ({
    find: () => orders.find(7),
    die: () => orders.die()
  }))
}) {}

function breakDown(): never {
  throw new RangeError("it broke", { cause: new Error("of old age") })
}

const notFound = (id: number) => new NotFound({ id, cause: new Error("no row") })

const OrdersLive = Orders.toLayer(
  Effect.succeed(
    Orders.of({
      find: (id) => Effect.fail(notFound(id)),
      stored: (id) => Effect.fail(notFound(id)),
      die: () => Effect.sync(() => breakDown()),
      dieStored: () => Effect.sync(() => breakDown()),
      items: () => Stream.fail(notFound(1)),
      dying: () => Stream.fromEffect(Effect.sync(breakDown))
    })
  )
)

const framesOf = (stack: string | undefined): ReadonlyArray<string> =>
  (stack ?? "").split("\n").filter((line) => /^\s+at /.test(line))

/** A node, and a client that is in the context. They speak over a socket. */
const Processes = Layer.unwrap(
  Effect.gen(function* () {
    const directory = mkdtempSync(join(tmpdir(), "troupe-failures-"))
    yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(directory, { recursive: true, force: true })))
    const shared = { storage: { file: join(directory, "cluster.db") } } as const
    const options = { ...shared, port: yield* freePort, drainTimeout: "1 second" } as const
    yield* Layer.build(Layer.provide(ClusterHome.layer(Orders, OrdersLive), ClusterHome.layerNode(options)))
    const client = Layer.provide(ClusterHome.client(Orders), ClusterHome.layerClient(shared))
    return Layer.provideMerge(Shop.layer, client)
  })
)

const failureOf = (call: Effect.Effect<unknown, unknown>) =>
  Effect.map(Effect.flip(Effect.sandbox(call)), (cause) => ({
    error: Cause.squash(cause) as Error,
    printed: Cause.pretty(cause)
  }))

const test = { excludeTestServices: true, timeout: 60_000 }

layer(Processes, test)("9.3 an error that comes from another process", (it) => {
  it.effect("has the stack of the other side if it is a defect, and so has its cause", () =>
    Effect.gen(function* () {
      const orders = yield* Orders
      const shop = yield* Shop
      const calls = [
        [orders.die(), /at test\/Orders\.die #\d+ *$/],
        [orders.dieStored(), /at test\/Orders\.dieStored #\d+ *$/],
        [Stream.runDrain(orders.dying()), /at test\/Orders\.dying #\d+ *$/],
        [shop.die(), /at test\/Orders\.die #\d+ <- test\/Shop\.die *$/]
      ] as const
      for (const [call, last] of calls) {
        const { error, printed } = yield* failureOf(call)
        assert.instanceOf(error, Error)
        assert.match(error.stack!, /^RangeError: it broke\n/)
        const frames = framesOf(error.stack)
        assert.match(frames[0]!, /at breakDown .*failures\.test\.ts/)
        for (const inside of frames.slice(0, -2)) assert.match(inside, /failures\.test\.ts/)
        assert.match(frames.at(-1)!, last)
        assert.match(framesOf((error.cause as Error).stack)[0]!, /at breakDown .*failures\.test\.ts/)
        assert.notMatch(printed, /decode|schema/i)
      }
    })
  )

  it.effect("has only the calls if its schema has written it, and its cause has no frames", () =>
    Effect.gen(function* () {
      const orders = yield* Orders
      const shop = yield* Shop
      const calls = [
        [orders.find(1), /at test\/Orders\.find #\d+ \(\{"id":1\}\)$/],
        [orders.stored(1), /at test\/Orders\.stored #\d+ \(\{"id":1\}\)$/],
        [Stream.runDrain(orders.items()), /at test\/Orders\.items #\d+ \(\{"id":1\}\)$/],
        [shop.find(), /at test\/Orders\.find #\d+ <- test\/Shop\.find \(\{"id":7\}\)$/]
      ] as const
      for (const [call, last] of calls) {
        const { error, printed } = yield* failureOf(call)
        assert.instanceOf(error, NotFound)
        const frames = framesOf(error.stack)
        assert.lengthOf(frames, 2, error.stack)
        assert.match(frames[0]!, /at ~effect\/Effect\/invoke$/)
        assert.match(frames[1]!, last)
        assert.strictEqual((error.cause as Error).stack, "Error: no row")
        assert.lengthOf(framesOf(printed), 1)
      }
    })
  )
})
