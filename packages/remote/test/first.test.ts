import { assert, it } from "@effect/vitest"
import { Actor, Broadcast } from "@troupe/core"
import { RemoteHome } from "@troupe/remote"
import { Effect, Layer, Schema, Stream } from "effect"
import { client, listening } from "./support.ts"

class Full extends Schema.TaggedError<Full>()("Full", { room: Schema.String }) {}

class Room extends Actor.Keyed<Room>()("test/Room", {
  key: Schema.String,
  methods: {
    say: Actor.method({ args: [Schema.String], success: Schema.Int, error: Full }),
    history: Actor.method({ success: Schema.Array(Schema.String) }),
    count: Actor.method({ args: [Schema.Int], success: Schema.Int, stream: true }),
    changes: Actor.subscription({ item: Schema.String }),
    secret: Actor.method({ success: Schema.String })
  }
}) {}

const RoomLive = Room.toLayer((room) =>
  Effect.gen(function* () {
    const said: Array<string> = []
    const changes = yield* Broadcast.make<string>({ replay: 1 })
    return Room.of({
      say: (text) =>
        Effect.suspend(() =>
          said.length >= 3 ? Effect.fail(new Full({ room })) : Effect.as(changes.publish(text), said.push(text))
        ),
      history: () => Effect.sync(() => [...said]),
      count: (n) => Stream.range(1, n),
      changes,
      secret: () => Effect.succeed("no")
    })
  })
)

it.live("calls, streams, subscribes", () =>
  Effect.gen(function* () {
    const room = yield* Room.get("tea")
    assert.strictEqual(yield* room.say("hi"), 1)
    const ref = yield* room.say.remote("ho")
    assert.strictEqual(yield* ref, 2)
    assert.deepStrictEqual(yield* room.history(), ["hi", "ho"])
    assert.deepStrictEqual(yield* Stream.runCollect(room.count(3)), [1, 2, 3])
    assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(room.changes(), 1)), ["ho"])
    yield* room.say("3")
    const error = yield* Effect.flip(room.say("4"))
    assert.instanceOf(error, Full)
    console.log(yield* Effect.flip(room.secret()))
  }).pipe(
    Effect.provide(
      client(Room).pipe(
        Layer.provide(
          listening(
            RemoteHome.serve(Room, { expose: ["say", "history", "count", "changes"] }).pipe(Layer.provide(RoomLive))
          )
        )
      )
    )
  )
)
