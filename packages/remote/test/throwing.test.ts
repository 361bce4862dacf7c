/**
 * Schemas that throw: a transformation of the contract met what its writer did not think of.
 */
import { assert, describe, it } from "@effect/vitest"
import { Actor, type ActorError, Broadcast } from "@troupe/core"
import { RemoteHome } from "@troupe/remote"
import { Effect, Fiber, Latch, Layer, Schema, SchemaTransformation, Stream } from "effect"
import { client, listening } from "./support.ts"

const unless = (bad: string) => (text: string) => {
  if (text === bad) throw new URIError(`no ${bad}`)
  return text
}
/** Cannot be encoded where it is "encode", and not decoded where it is "decode". */
const Path = Schema.String.pipe(
  Schema.decodeTo(Schema.String, SchemaTransformation.transform({ decode: unless("decode"), encode: unless("encode") }))
)
class Lost extends Schema.TaggedError<Lost>()("Lost", { path: Path }) {}

class Paths extends Actor.Keyed<Paths>()("test/Paths", {
  key: Path,
  methods: {
    take: Actor.method({ args: [Path] }),
    give: Actor.method({ args: [Schema.String], success: Path }),
    fail: Actor.method({ args: [Schema.String], error: Lost }),
    takeItems: Actor.method({ args: [Path], success: Schema.String, stream: true }),
    items: Actor.method({ args: [Schema.String], success: Path, stream: true }),
    failItems: Actor.method({ args: [Schema.String], error: Lost, stream: true }),
    publish: Actor.method({ args: [Schema.String] }),
    published: Actor.subscription({ item: Path }),
    held: Actor.method({ success: Schema.String })
  }
}) {}

const pathsLive = (gate: Latch.Latch) =>
  Paths.toLayer(() =>
    Effect.map(Broadcast.make<string>({ replay: 1 }), (published) =>
      Paths.of({
        take: () => Effect.void,
        give: Effect.succeed,
        fail: (path) => Effect.fail(new Lost({ path })),
        takeItems: () => Stream.make("item"),
        items: (path) => Stream.make(path),
        failItems: (path) => Stream.fail(new Lost({ path })),
        publish: published.publish,
        published,
        held: () => Effect.as(gate.await, "held")
      })
    )
  )

const ways = {
  "a key": (bad: string) => Effect.flatMap(Paths.get(bad), (paths) => paths.take("")),
  "a key of a reader": (bad: string) => Effect.flatMap(Paths.get(bad), (paths) => Stream.runDrain(paths.published())),
  "an argument": (bad: string) => Effect.flatMap(Paths.get("a"), (paths) => paths.take(bad)),
  "an argument of a stream": (bad: string) =>
    Effect.flatMap(Paths.get("a"), (paths) => Stream.runDrain(paths.takeItems(bad))),
  "a result": (bad: string) => Effect.flatMap(Paths.get("a"), (paths) => paths.give(bad)),
  "an error": (bad: string) => Effect.flatMap(Paths.get("a"), (paths) => paths.fail(bad)),
  "an item of a stream": (bad: string) => Effect.flatMap(Paths.get("a"), (paths) => Stream.runDrain(paths.items(bad))),
  "an error of a stream": (bad: string) =>
    Effect.flatMap(Paths.get("a"), (paths) => Stream.runDrain(paths.failItems(bad))),
  "a published item": (bad: string) =>
    Effect.gen(function* () {
      const paths = yield* Paths.get(bad === "encode" ? "e" : "d")
      yield* paths.publish(bad)
      yield* Stream.runDrain(paths.published())
    })
}

describe.each(["websocket", "http"] as const)("over %s", (protocol) => {
  it.live.each(Object.entries(ways))(
    "1.11 a schema that throws for %s fails the call alone, and says so",
    ([, way]) => {
      const gate = Latch.makeUnsafe()
      const routes = RemoteHome.serve(Paths, {
        expose: Object.keys(Paths.methods) as ReadonlyArray<"take">,
        defects: "shown"
      })
      const served = Layer.provide(listening(routes), pathsLive(gate))
      return Effect.gen(function* () {
        const beside = yield* Effect.forkChild(Effect.flatMap(Paths.get("beside"), (paths) => paths.held()))
        for (const bad of ["encode", "decode"]) {
          const error: unknown = yield* Effect.flip(way(bad) as Effect.Effect<unknown, unknown, Paths>)
          const { _tag, message } = (error as ActorError.ActorError).reason
          assert.strictEqual(_tag, "DecodeError", message)
          assert.match(message, new RegExp(`^test/Paths\\(.+\\)\\..*: its schema threw URIError: no ${bad}`))
        }
        gate.openUnsafe()
        assert.strictEqual(yield* Fiber.join(beside), "held")
      }).pipe(Effect.provide(Layer.provide(client(Paths, { protocol }), served)))
    }
  )
})
