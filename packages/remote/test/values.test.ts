/**
 * Values that JSON cannot hold, or that throw when they are looked at, in both directions.
 */
import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorError, Broadcast } from "@troupe/core"
import { RemoteHome } from "@troupe/remote"
import { Effect, Fiber, Layer, Schema, Stream } from "effect"
import { client, listening } from "./support.ts"

class Odd extends Schema.TaggedError<Odd>()("Odd", { value: Schema.Any }) {}

const byName = { args: [Schema.String] }

class Shelf extends Actor.Service<Shelf>()("test/Shelf", {
  methods: {
    put: Actor.method({ args: [Schema.Any] }),
    take: Actor.method({ ...byName, success: Schema.Any }),
    takeThis: Actor.method({ ...byName, success: Schema.Struct({ name: Schema.String }) }),
    fail: Actor.method({ ...byName, error: Odd }),
    die: Actor.method(byName),
    items: Actor.method({ ...byName, success: Schema.Any, stream: true }),
    publish: Actor.method(byName),
    published: Actor.subscription({ item: Schema.Any }),
    taken: Actor.method({ success: Schema.Int }),
    long: Actor.method({ args: [Schema.Int], success: Schema.String })
  }
}) {}

const refusing = (): never => {
  throw new Error("the password is swordfish")
}

const values: Record<string, () => any> = {
  "a bigint": () => 10n,
  "a cycle": () => {
    const cycle: { self?: object } = {}
    cycle.self = cycle
    return cycle
  },
  "a getter that throws": () => ({
    get name() {
      return refusing()
    }
  }),
  "a toJSON that throws": () => ({ toJSON: refusing }),
  "a revoked proxy": () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return proxy
  }
}

const ShelfLive = Shelf.toLayer(
  Effect.gen(function* () {
    const published = yield* Broadcast.make<any>()
    let taken = 0
    return Shelf.of({
      put: () => Effect.void,
      take: (name) => Effect.sync(values[name]!),
      takeThis: (name) => Effect.sync(values[name]!),
      fail: (name) => Effect.suspend(() => Effect.fail(new Odd({ value: values[name]!() }))),
      die: (name) => Effect.suspend(() => Effect.die(values[name]!())),
      items: (name) => Stream.concat(Stream.make(1), Stream.fromEffect(Effect.sync(values[name]!))),
      publish: (name) => Effect.suspend(() => published.publish(values[name]!())),
      published,
      taken: () => Effect.sync(() => ++taken),
      long: (length) => Effect.succeed("€".repeat(length))
    })
  })
)

const served = Layer.provide(
  listening(RemoteHome.serve(Shelf, { expose: Object.keys(Shelf.methods) as ReadonlyArray<"put"> })),
  ShelfLive
)

describe.each(["websocket", "http"] as const)("over %s", (protocol) => {
  const withShelf = <A, E>(body: (shelf: Shelf["Service"]) => Effect.Effect<A, E>) =>
    Effect.flatMap(Shelf, body).pipe(Effect.provide(Layer.provide(client(Shelf, { protocol }), served)))

  const reasonOf = (call: Effect.Effect<unknown, unknown>) =>
    Effect.map(Effect.flip(call), (error) => {
      assert.isTrue(ActorError.isActorError(error), String(error))
      return (error as ActorError.ActorError).reason
    })

  it.live(
    "1.11 an argument that cannot be written fails its call, and no other, also before there is a connection",
    () =>
      withShelf((shelf) =>
        Effect.gen(function* () {
          for (const value of Object.values(values)) {
            const beside = yield* Effect.forkChild(shelf.taken())
            const reason = yield* reasonOf(shelf.put(value()))
            assert.strictEqual(reason._tag, "DecodeError")
            assert.isFalse(reason.mayHaveRun)
            assert.include(reason.message, "its arguments cannot be written as JSON")
            yield* Fiber.join(beside)
          }
        })
      )
  )

  it.live(
    "1.11 what a method gives or fails with that cannot be written fails its call, and its words stay at the server",
    () =>
      withShelf((shelf) =>
        Effect.gen(function* () {
          for (const name of Object.keys(values)) {
            const items = Stream.runCollect(shelf.items(name))
            for (const call of [shelf.take(name), shelf.takeThis(name), shelf.fail(name), items]) {
              const { _tag, message } = yield* reasonOf(call)
              assert.strictEqual(_tag, "DecodeError", message)
              assert.notInclude(message, "swordfish")
            }
            const died = yield* Effect.exit(shelf.die(name))
            assert.include(String(died), "HiddenDefect")
            yield* shelf.taken()
          }
        })
      )
  )

  it.live("an answer that comes in hundreds of pieces is whole, and so is the next one", () =>
    withShelf((shelf) =>
      Effect.gen(function* () {
        const length = 5_000_000
        assert.isTrue((yield* shelf.long(length)) === "€".repeat(length))
        assert.strictEqual(yield* shelf.long(1), "€")
      })
    )
  )

  it.live("1.11 an item that cannot be written fails its readers", () =>
    withShelf((shelf) =>
      Effect.gen(function* () {
        const reader = yield* Effect.forkChild(Stream.runCollect(shelf.published()))
        const published = Effect.repeat(shelf.publish("a cycle"), { until: () => reader.pollUnsafe() !== undefined })
        yield* published
        assert.strictEqual((yield* reasonOf(Fiber.join(reader)))._tag, "DecodeError")
      })
    )
  )
})
