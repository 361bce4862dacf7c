/**
 * Schemas of contracts whose own code throws, as `decodeURIComponent("%")` and `BigInt("x")` do: their calls fail, and no
 * others.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it, layer } from "@effect/vitest"
import { ClusterHome, Delivery, DurableState, Reminders } from "@troupe/cluster"
import { Actor, Broadcast } from "@troupe/core"
import { Effect, Fiber, Latch, Layer, Schema, SchemaGetter, SchemaTransformation, Stream } from "effect"
import { freePort } from "./fixtures/node-processes.ts"
import { defectOf, errorOf, freshKey, reasonOf } from "./homeSupport.ts"

const throwsAt = (when: string) => (text: string) => {
  if (text === when) throw new Error(`no ${when}`)
  return text
}

const [decode, encode] = [throwsAt("decode"), throwsAt("encode")]

class Box {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** What has code of users, and makes its values. */
const kinds: Record<string, readonly [Schema.Codec<any, any>, (text: string) => unknown]> = {
  "a transformation": [
    Schema.String.pipe(Schema.decodeTo(Schema.String, SchemaTransformation.transform({ decode, encode }))),
    (text) => text
  ],
  "an effect": [
    Schema.String.pipe(
      Schema.decodeTo(Schema.String, {
        decode: SchemaGetter.transformEffect((text: string) => Effect.sync(() => decode(text))),
        encode: SchemaGetter.transformEffect((text: string) => Effect.sync(() => encode(text)))
      })
    ),
    (text) => text
  ],
  "a part of a value": [
    Schema.Struct({
      paths: Schema.Array(
        Schema.String.pipe(Schema.decodeTo(Schema.String, SchemaTransformation.transform({ decode, encode })))
      )
    }),
    (text) => ({ paths: ["a", text] })
  ],
  "a class of its own": [
    Schema.instanceOf(Box, {
      toCodecJson: () =>
        Schema.link<Box>()(
          Schema.String,
          SchemaTransformation.transform({
            decode: (text) => new Box(decode(text)),
            encode: ({ text }) => encode(text)
          })
        )
    }),
    (text) => new Box(text)
  ]
}

/** A node and a client of it, which have a connection. */
const served = <A extends Parameters<typeof ClusterHome.client>[0]>(actor: A, live: Layer.Layer<any>) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "troupe-throwing-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
      )
      const storage = { file: join(folder, "cluster.db") }
      const node = ClusterHome.layerNode({ storage, port: yield* freePort })
      yield* Layer.build(Layer.provide(ClusterHome.layer(actor, live), node))
      return Layer.fresh(ClusterHome.client(actor).pipe(Layer.provideMerge(ClusterHome.layerClient({ storage }))))
    })
  )

const said = /its schema threw Error: no (en|de)code/

for (const [kind, [Value, make]] of Object.entries(kinds)) {
  const result = { args: [Schema.String], success: Value } as const
  class Throwing extends Actor.Keyed<Throwing>()("test/Throwing", {
    key: Schema.String,
    methods: {
      take: Actor.method({ args: [Value], success: Schema.String }),
      takeAgain: Delivery.atLeastOnce(Actor.method({ args: [Value], success: Schema.String })),
      takeDurably: Delivery.durable(Actor.method({ args: [Value], success: Schema.String })),
      takeAll: Actor.method({ args: [Value], success: Schema.String, stream: true }),
      give: Actor.method(result),
      giveDurably: Delivery.durable(Actor.method(result)),
      giveAll: Actor.method({ ...result, stream: true }),
      fail: Actor.method({ args: [Schema.String], error: Value }),
      failDurably: Delivery.durable(Actor.method({ args: [Schema.String], error: Value })),
      failAll: Actor.method({ args: [Schema.String], success: Schema.String, error: Value, stream: true }),
      published: Actor.subscription({ item: Value }),
      publish: Actor.method({ args: [Schema.String] }),
      wait: Actor.method({ success: Schema.String }),
      finish: Actor.method()
    }
  }) {}

  const ThrowingLive = Throwing.toLayer(
    () =>
      Effect.gen(function* () {
        const published = yield* Broadcast.make<unknown>()
        const latch = Latch.makeUnsafe()
        const take = () => Effect.succeed("taken")
        const give = (text: string) => Effect.sync(() => make(text))
        const fail = (text: string) => Effect.suspend(() => Effect.fail(make(text)))
        return Throwing.of({
          take,
          takeAgain: take,
          takeDurably: take,
          takeAll: () => Stream.make("taken"),
          give,
          giveDurably: give,
          giveAll: (text) => Stream.concat(Stream.make(make("first")), Stream.fromEffect(give(text))),
          fail,
          failDurably: fail,
          failAll: (text) => Stream.concat(Stream.make("first"), Stream.fromEffect(fail(text))),
          published,
          publish: (text) => published.publish(make(text)),
          wait: () => Effect.as(latch.await, "waited"),
          finish: () => latch.open
        })
      }),
    { maxConcurrency: 2 }
  )

  type Handle = ReturnType<Throwing["Service"]["get"]>

  /** The reason why a call fails, while another one of the same key goes on, and a third follows. */
  const alone = (call: (actor: Handle) => Effect.Effect<unknown, unknown>) =>
    Effect.gen(function* () {
      const actor = yield* Throwing.get(freshKey())
      const beside = yield* actor.wait.remote()
      const reason = yield* reasonOf(call(actor))
      assert.strictEqual(yield* actor.take(make("after")), "taken")
      yield* actor.finish()
      assert.strictEqual(yield* beside, "waited")
      assert.strictEqual(reason._tag, "DecodeError")
      assert.match(reason.actor, /^test\/Throwing\(key-\d+\)$/)
      assert.match(reason.issue, said)
      return reason
    })

  const all = <A, E>(stream: Stream.Stream<A, E>) => Stream.runCollect(stream)

  layer(served(Throwing, ThrowingLive), { excludeTestServices: true })(
    `10.4, 10.6 ${kind} of a contract that throws`,
    (it) => {
      for (const text of ["encode", "decode"]) {
        it.effect(`at ${text} of an argument fails its call alone, which has not run`, () =>
          Effect.gen(function* () {
            for (const reason of [
              yield* alone((actor) => actor.take(make(text))),
              yield* alone((actor) => Effect.flatten(actor.take.remote(make(text)))),
              yield* alone((actor) => actor.takeAgain(make(text))),
              yield* alone((actor) => all(actor.takeAll(make(text))))
            ])
              assert.deepInclude(reason, { mayHaveRun: false })
          })
        )

        it.effect(`at ${text} of a result, an error or an item fails its call alone, which may have run`, () =>
          Effect.gen(function* () {
            for (const reason of [
              yield* alone((actor) => actor.give(text)),
              yield* alone((actor) => Effect.flatten(actor.give.remote(text))),
              yield* alone((actor) => actor.fail(text)),
              yield* alone((actor) => all(actor.giveAll(text))),
              yield* alone((actor) => all(actor.failAll(text)))
            ])
              assert.deepInclude(reason, { mayHaveRun: true })
          })
        )

        it.effect(`at ${text} of what is published ends its reader, and not what is published to others`, () =>
          Effect.gen(function* () {
            const actor = yield* Throwing.get(freshKey())
            let joined = false
            const join = () =>
              Effect.sync(() => {
                joined = true
              })
            const reader = yield* Effect.forkChild(reasonOf(Stream.runForEach(actor.published(), join)))
            while (!joined) yield* Effect.andThen(actor.publish("first"), Effect.yieldNow)
            yield* actor.publish(text)
            assert.match((yield* Fiber.join(reader)).issue, said)
            const next = yield* Effect.forkChild(all(Stream.take(actor.published(), 1)))
            while (next.pollUnsafe() === undefined) yield* Effect.andThen(actor.publish("next"), Effect.yieldNow)
            assert.deepStrictEqual(yield* Fiber.join(next), [make("next")])
          })
        )

        it.effect(`at ${text} ends a durable call, for all who ask`, () =>
          Effect.gen(function* () {
            for (const method of ["takeDurably", "giveDurably", "failDurably"] as const) {
              const actor = yield* Throwing.get(freshKey())
              const value = method === "takeDurably" ? make(text) : text
              const call = actor[method](value as never).pipe(ClusterHome.withId("1")) as Effect.Effect<
                unknown,
                unknown
              >
              for (const reason of [yield* reasonOf(call), yield* reasonOf(call)]) {
                assert.deepInclude(reason, { _tag: "DecodeError", method })
                assert.match(reason.issue, said)
              }
              assert.strictEqual(yield* actor.takeDurably(make("after")), "taken")
            }
          })
        )
      }
    }
  )
}

describe("10.4 a value that throws when it is read", () => {
  const Read = Schema.Struct({ at: Schema.String })
  const hostile = {
    get at(): string {
      throw new Error("no at")
    }
  }
  class Gives extends Actor.Keyed<Gives>()("test/Gives", {
    key: Schema.String,
    methods: {
      give: Actor.method({ success: Read }),
      giveAll: Actor.method({ success: Read, stream: true }),
      fail: Actor.method({ error: Read }),
      failAll: Actor.method({ error: Read, stream: true }),
      ping: Actor.method({ success: Schema.String })
    }
  }) {}
  const GivesLive = Gives.toLayer(() =>
    Effect.succeed(
      Gives.of({
        give: () => Effect.succeed(hostile),
        giveAll: () => Stream.make(hostile),
        fail: () => Effect.fail(hostile),
        failAll: () => Stream.fail(hostile),
        ping: () => Effect.succeed("pong")
      })
    )
  )

  it.live("fails its call as a result, an error or an item, and no other call", () =>
    Effect.gen(function* () {
      const gives = yield* Gives.get("a")
      for (const call of [
        gives.give(),
        gives.fail(),
        Stream.runDrain(gives.giveAll()),
        Stream.runDrain(gives.failAll())
      ]) {
        const reason = yield* reasonOf(call as Effect.Effect<unknown, unknown>)
        assert.deepInclude(reason, { _tag: "DecodeError", mayHaveRun: true })
        assert.match(reason.issue, /no at/)
        assert.strictEqual(yield* gives.ping(), "pong")
      }
    }).pipe(Effect.provide(served(Gives, GivesLive)))
  )
})

const [Value] = kinds["a transformation"]!

describe("10.6 a schema that throws", () => {
  class Kept extends Actor.Keyed<Kept>()("test/Kept", {
    make: () =>
      Effect.map(DurableState.make(Value, { initial: "first" }), (state) => ({
        set: (value: string) => state.set(value),
        once: (value: string) => state.modifyOnce({ id: value, result: Value }, () => [value, "next"]),
        refresh: () => state.refresh,
        get: () => state.get
      }))
  }) {}

  it.effect("at encode of a durable state, or of what modifyOnce keeps, changes nothing, and says so", () =>
    Effect.gen(function* () {
      const kept = yield* Kept.get("a")
      for (const call of [kept.set("encode"), kept.once("encode")])
        assert.match((yield* defectOf(call)).message, /^test\/Kept\(a\): .*: its schema threw Error: no encode/)
      assert.strictEqual(yield* kept.get(), "first")
    }).pipe(Effect.provide(Kept.layer), Effect.provide(DurableState.layerMemory))
  )

  it.effect("at decode of a durable state, or of what modifyOnce keeps, is that it cannot be read", () =>
    Effect.gen(function* () {
      const kept = yield* Kept.get("a")
      yield* kept.once("decode")
      yield* kept.set("decode")
      for (const call of [kept.once("decode"), kept.refresh()]) {
        const { reason } = yield* errorOf(call)
        assert.deepInclude(reason, { _tag: "StateUnreadable", key: "a" })
        assert.match(reason.issue, /its schema threw Error: no decode/)
      }
    }).pipe(Effect.provide(Kept.layer), Effect.provide(DurableState.layerMemory))
  )

  class Reminded extends Actor.Keyed<Reminded>()("test/Reminded", {
    key: Schema.String,
    methods: { take: Actor.method({ args: [Value] }) }
  }) {}

  it.effect("at encode of the arguments of a reminder fails where it is set", () =>
    Effect.gen(function* () {
      const reminder = Reminders.to(Reminded, "a").at("r", 0, "take", ["encode"])
      assert.match((yield* defectOf(reminder)).message, /its schema threw Error: no encode/)
    }).pipe(Effect.provide(Reminders.layerMemory))
  )
})

describe("10.4 a key whose schema throws", () => {
  class Odd extends Actor.Keyed<Odd>()("test/OddKey", { key: Value, methods: { ping: Actor.method() } }) {}
  const OddLive = Odd.toLayer(() => Effect.succeed(Odd.of({ ping: () => Effect.void })))
  const Live = ClusterHome.layer(Odd, OddLive).pipe(Layer.provide(ClusterHome.layerLocal({ file: ":memory:" })))

  it.live("fails the calls of that key, which have not run, and no others", () =>
    Effect.gen(function* () {
      for (const key of ["encode", "decode"]) {
        const reason = yield* reasonOf((yield* Odd.get(key)).ping())
        assert.deepInclude(reason, { _tag: "DecodeError", mayHaveRun: false })
        assert.match(reason.issue, said)
        yield* (yield* Odd.get("other")).ping()
      }
    }).pipe(Effect.provide(Live))
  )
})
