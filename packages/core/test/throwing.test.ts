/**
 * Schemas whose own code throws, where calls are held to their contract.
 */
import { assert, layer } from "@effect/vitest"
import { Actor, Broadcast } from "@troupe/core"
import { Effect, Fiber, Schema, Stream } from "effect"
import { reasonOf } from "./support.ts"

const Checked = Schema.String.check(
  Schema.makeFilter((text) => {
    if (text === "bad") throw new Error("no check")
    return true
  })
)

class Throwing extends Actor.Keyed<Throwing>()("test/Throwing", {
  key: Schema.String,
  methods: {
    take: Actor.method({ args: [Checked] }),
    give: Actor.method({ success: Checked }),
    giveAll: Actor.method({ success: Checked, stream: true }),
    published: Actor.subscription({ item: Checked }),
    publish: Actor.method({ args: [Schema.String] }),
    ping: Actor.method({ success: Schema.String })
  }
}) {}

const ThrowingLive = Throwing.toLayer(
  () =>
    Effect.map(Broadcast.make<string>({ replay: 1 }), (published) =>
      Throwing.of({
        take: () => Effect.void,
        give: () => Effect.succeed("bad"),
        giveAll: () => Stream.make("good", "bad"),
        published,
        publish: (text) => published.publish(text),
        ping: () => Effect.succeed("pong")
      })
    ),
  { maxConcurrency: 1, validate: true }
)

layer(ThrowingLive)("1.11 a check of a contract that throws", (it) => {
  it.effect("fails its call or its reader alone with DecodeError, which says what it threw", () =>
    Effect.gen(function* () {
      const actor = yield* Throwing.get("a")
      const reader = yield* Effect.forkChild(reasonOf(Stream.runDrain(actor.published())))
      yield* actor.publish("bad")
      for (const [call, mayHaveRun] of [
        [actor.take("bad"), false],
        [Effect.flatten(actor.take.remote("bad")), false],
        [actor.give(), true],
        [Stream.runDrain(actor.giveAll()), true],
        [Fiber.join(reader).pipe(Effect.flatMap((reason) => Effect.fail({ reason }))), true]
      ] as ReadonlyArray<readonly [Effect.Effect<unknown, any>, boolean]>) {
        const reason = yield* Effect.map(Effect.flip(call), (error) => error.reason)
        assert.deepInclude({ ...reason }, { _tag: "DecodeError", mayHaveRun })
        assert.match(reason.issue, /its schema threw Error: no check/)
        assert.strictEqual(yield* actor.ping(), "pong")
      }
    })
  )
})
