/**
 * Nodes that host some of the actors.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it, vi } from "@effect/vitest"
import { ClusterHome, Delivery } from "@troupe/cluster"
import { Actor } from "@troupe/core"
import { type Context, Effect, Exit, Layer, Schema, Scope } from "effect"
import { groupsOf, placesOf } from "../src/internal/node/nodeGroups.ts"
import { freePort } from "./fixtures/node-processes.ts"
import { reasonOf } from "./homeSupport.ts"

// Databases take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

const where = { where: Actor.method({ success: Schema.String }) }

class Page extends Actor.Keyed<Page>()("test/Page", { key: Schema.String, methods: where }) {}

class Image extends Actor.Keyed<Image>()("test/Image", {
  key: Schema.String,
  methods: { ...where, draw: Delivery.durable(Actor.method({ success: Schema.String })) }
}) {
  static readonly nodeGroup = "gpu"
}

/** Has one instance. */
class Printer extends Actor.Service<Printer>()("test/Printer", { methods: where }) {
  static readonly nodeGroup = "gpu"
}

/** As a caller knows it that was not told of the group. */
const Strayed = (() => {
  class Image extends Actor.Keyed<Image>()("test/Image", {
    key: Schema.String,
    methods: { ...where, draw: Delivery.durable(Actor.method({ success: Schema.String })) }
  }) {}
  return Image
})()

const keys = ["a", "b", "c", "d", "e", "f"]

/** A cluster in a file, whose processes can be ended. */
const cluster = Effect.gen(function* () {
  const directory = mkdtempSync(join(tmpdir(), "troupe-groups-"))
  yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(directory, { recursive: true, force: true })))
  const shared = {
    storage: { file: join(directory, "cluster.db") }
  } as const
  const start = <A>(layer: Layer.Layer<A, any>) =>
    Effect.gen(function* () {
      const scope = yield* Scope.fork(yield* Effect.scope)
      const context = yield* Layer.buildWithScope(Layer.fresh(layer), scope)
      const provide = <B, E>(effect: Effect.Effect<B, E, any>): Effect.Effect<B, E> =>
        Effect.provide(effect, context as Context.Context<any>)
      return { provide, end: Scope.close(scope, Exit.void) }
    })
  return {
    /** All nodes run the same program, and tell where it runs. */
    node: (name: string, ownGroups?: ReadonlyArray<string>) =>
      Effect.gen(function* () {
        const here = () => Effect.succeed(name)
        const actors = Layer.mergeAll(
          ClusterHome.layer(
            Page,
            Page.toLayer(() => Effect.succeed(Page.of({ where: here })))
          ),
          ClusterHome.layer(
            Image,
            Image.toLayer(() => Effect.succeed(Image.of({ where: here, draw: here })))
          ),
          ClusterHome.layer(Printer, Printer.toLayer(Effect.succeed(Printer.of({ where: here }))))
        )
        const options = { ...shared, port: yield* freePort, drainTimeout: "1 second", groups: ["gpu"] } as const
        return yield* start(
          Layer.provideMerge(actors, ClusterHome.layerNode({ ...options, ...(ownGroups && { ownGroups }) }))
        )
      }),
    client: start(
      Layer.mergeAll(ClusterHome.client(Page), ClusterHome.client(Image), ClusterHome.client(Printer)).pipe(
        Layer.provideMerge(ClusterHome.layerClient({ ...shared, unavailableAfter: "1 second" }))
      )
    ),
    strayed: start(Layer.provideMerge(ClusterHome.client(Strayed), ClusterHome.layerClient(shared)))
  }
})

/** Where the instances of some keys are. */
const placesIn = (actor: typeof Page | typeof Image) =>
  Effect.map(
    Effect.forEach(keys, (key) =>
      Effect.flatMap((actor as typeof Page).get(key), (handle) => Effect.retry(handle.where(), { times: 20 }))
    ),
    (places) => [...new Set(places)].sort()
  )

describe("nodes that host some of the actors", () => {
  it.live("10.13 get the calls for those, from any process, and no others", () =>
    Effect.gen(function* () {
      const { client, node } = yield* cluster
      const web = yield* node("web", ["default"])
      const gpu = yield* node("gpu", ["gpu"])
      for (const { provide } of [web, gpu, yield* client]) {
        assert.deepStrictEqual(yield* provide(placesIn(Page)), ["web"])
        assert.deepStrictEqual(yield* provide(placesIn(Image)), ["gpu"])
        assert.strictEqual(yield* provide(Effect.flatMap(Printer, (printer) => printer.where())), "gpu")
      }
    })
  )

  it.live("10.13 split the keys of their group among them, and take over from each other", () =>
    Effect.gen(function* () {
      const { node } = yield* cluster
      const web = yield* node("web", ["default"])
      const first = yield* node("gpu 1", ["gpu"])
      assert.deepStrictEqual(yield* web.provide(placesIn(Image)), ["gpu 1"])
      yield* node("gpu 2", ["gpu"])
      yield* first.end
      assert.deepStrictEqual(yield* web.provide(placesIn(Image)), ["gpu 2"])
      assert.deepStrictEqual(yield* web.provide(placesIn(Page)), ["web"])
    })
  )

  it.live("10.13 a node without groups of its own hosts all", () =>
    Effect.gen(function* () {
      const { client, node } = yield* cluster
      yield* node("all")
      const { provide } = yield* client
      assert.deepStrictEqual(yield* provide(placesIn(Image)), ["all"])
      assert.deepStrictEqual(yield* provide(placesIn(Page)), ["all"])
    })
  )

  it.live("10.13 a call for a group without nodes says so, and a durable one waits for a node", () =>
    Effect.gen(function* () {
      const { client, node } = yield* cluster
      yield* node("web", ["default"])
      const { provide } = yield* client
      const image = yield* provide(Image.get("a"))
      const reason = yield* reasonOf(provide(image.where()))
      assert.strictEqual(reason._tag, "ActorUnavailable")
      assert.match(reason.why, /^no node of the group "gpu" took the call within 1000 ms/)
      const ref = yield* provide(image.draw.remote())
      yield* node("gpu", ["gpu"])
      assert.strictEqual(yield* ref, "gpu")
    })
  )

  it.live(
    "10.13 a call of a caller that does not know the group is refused, durable or not, and names both groups",
    () =>
      Effect.gen(function* () {
        const { node, strayed } = yield* cluster
        yield* node("all")
        const { provide } = yield* strayed
        const image = yield* provide(Strayed.get("a"))
        for (const call of [image.where(), image.draw()]) {
          const { field, here, there } = yield* reasonOf(provide(call as Effect.Effect<string, unknown>))
          assert.deepStrictEqual({ field, here, there }, { field: "nodeGroup", here: "default", there: "gpu" })
        }
      })
  )

  it.live("10.13 an actor of a group that the cluster does not have is refused where it is hosted", () =>
    Effect.gen(function* () {
      const live = Image.toLayer(() =>
        Effect.succeed(Image.of({ where: () => Effect.succeed(""), draw: () => Effect.succeed("") }))
      )
      const hosted = (options: { readonly groups?: ReadonlyArray<string> }) =>
        Effect.scoped(
          Layer.build(
            Layer.provide(ClusterHome.layer(Image, live), ClusterHome.layerLocal({ file: ":memory:", ...options }))
          )
        )
      const exit = yield* Effect.exit(hosted({}))
      assert.include(String(exit), 'test/Image belongs to the group of nodes "gpu", and this cluster has default')
      assert.isTrue(Exit.isSuccess(yield* Effect.exit(hosted({ groups: ["gpu"] }))))
    })
  )
})

describe("groups", () => {
  it("have places that depend on their names, so that nodes with different lists agree", () => {
    const [one, two] = [placesOf(groupsOf(["gpu", "web"]).all), placesOf(groupsOf(["mail", "gpu"]).all)]
    assert.strictEqual(one.indexOf("gpu"), two.indexOf("gpu"))
    assert.strictEqual(one[0], "default")
    assert.deepStrictEqual(placesOf(groupsOf().all), ["default"])
  })

  it("that would have one place are refused", () => {
    const names = Array.from({ length: 70 }, (_, index) => `g${index}`)
    assert.throws(() => placesOf(groupsOf(names).all), /cannot be in one cluster: call one of them something else/)
  })

  it("are names, and a node is in some of them", () => {
    assert.deepStrictEqual(groupsOf(["gpu"]), { all: ["default", "gpu"], own: ["default", "gpu"] })
    assert.deepStrictEqual(groupsOf(["gpu"], ["gpu"]).own, ["gpu"])
    assert.throws(() => groupsOf(["a b"]), "groups must be names of at most 30 letters")
    assert.throws(() => groupsOf(["gpu"], ["web"]), 'ownGroups has "web", which is not among the groups default, gpu')
    assert.throws(() => groupsOf([], []), "ownGroups is empty")
  })
})
