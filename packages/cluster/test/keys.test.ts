/**
 * Keys and ids in storage: no two are taken for one, and every database can keep them.
 */
import { assert, describe, it, layer } from "@effect/vitest"
import { ClusterHome, Delivery, DurableState, Reminders } from "@troupe/cluster"
import { Actor } from "@troupe/core"
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { errorOf } from "./homeSupport.ts"
import { databases, node, open } from "./stateSupport.ts"

class Counter extends Actor.Keyed<Counter>()("test/Counter", {
  make: (_key: string | number) =>
    Effect.map(DurableState.make(Schema.Int, { initial: 0 }), (count) => ({
      add: (n: number) => count.updateAndGet((total) => total + n)
    }))
}) {}

/** Keys that look alike to people, to a database, or to an encoder of UTF-8. */
const alike: ReadonlyArray<string | number> = [
  ...[7, "7", "~7", "~~7", '~"7"', '~"~7"', '~"~\\"7\\""', "~", "~a"],
  ...[0.5, "0.5", 1e21, "1e+21", Number.NaN, "NaN", Infinity, "Infinity", -1, "-1"],
  ...["a\ud800", "a\ud801", "a\udc00", "a\ufffd", "a\0", "a\0b", "a"]
]

describe("10.7 each key has what is its own", () => {
  describe.each(databases)("states and reminders in %s", (name) => {
    const opened = Effect.map(open(name), ({ layer, prefix }) => ({
      prefix,
      stored: Layer.mergeAll(DurableState.layerWith({ prefix }), Reminders.layerWith({ prefix })).pipe(
        Layer.provideMerge(layer)
      )
    }))
    const counterOn = (stored: Layer.Layer<DurableState.DurableStateStorage, any>) =>
      node(Counter, Layer.provide(Counter.layer, stored))

    it.effect("are those of one key, whatever it looks like", () =>
      Effect.gen(function* () {
        const { stored } = yield* opened
        const first = yield* counterOn(stored)
        for (const [index, key] of alike.entries()) {
          assert.strictEqual(yield* first.get(key).add(index + 1), index + 1, JSON.stringify(key))
        }
        const again = yield* counterOn(stored)
        for (const [index, key] of alike.entries()) {
          assert.strictEqual(yield* again.get(key).add(0), index + 1, JSON.stringify(key))
        }
        yield* Effect.gen(function* () {
          for (const key of alike) {
            const reminders = Reminders.to(Counter, key)
            yield* reminders.at(`${key}`, 1000, "add", [1])
            assert.deepStrictEqual(
              (yield* reminders.list).map(({ id }) => id),
              [`${key}`]
            )
          }
          for (const key of alike) assert.isTrue(yield* Reminders.to(Counter, key).cancel(`${key}`))
        }).pipe(Effect.provide(stored))
      })
    )

    it.effect("of a number, and of a string that reads as one, are found where earlier versions filed them", () =>
      Effect.gen(function* () {
        const { prefix, stored } = yield* opened
        const services = yield* Layer.build(Layer.fresh(stored))
        const sql = (yield* Effect.provide(SqlClient.SqlClient, services)).withoutTransforms()
        const file = (key: string) =>
          sql`INSERT INTO ${sql(`${prefix}_state`)} (actor, actor_key, epoch, version, value, updated_at)
          VALUES ('test/Counter', ${key}, 3, 5, '40', 0)`
        yield* Effect.forEach(["7", "8", "alice"], file)
        const counters = yield* counterOn(Layer.succeedContext(services))
        assert.strictEqual(yield* counters.get(7).add(2), 42)
        assert.strictEqual(yield* counters.get("8").add(2), 42)
        assert.strictEqual(yield* counters.get("alice").add(2), 42)
        // What was one state before is that of whichever key came first.
        assert.strictEqual(yield* counters.get("7").add(2), 2)
        const storage = yield* Effect.provide(DurableState.DurableStateStorage, services)
        assert.strictEqual((yield* storage.read({ actor: "test/Counter", key: 7 }))?.epoch, 4)
      })
    )

    it.effect("that earlier versions filed go to their own key: reminders know which it is", () =>
      Effect.gen(function* () {
        const { prefix, stored } = yield* opened
        const services = yield* Layer.build(Layer.fresh(stored))
        const sql = (yield* Effect.provide(SqlClient.SqlClient, services)).withoutTransforms()
        const file = (id: string, keyJson: string) =>
          sql`INSERT INTO ${sql(`${prefix}_reminders`)}
          (actor, actor_key, id, key_json, method, args, due, generation, attempts, leased_until)
          VALUES ('test/Counter', '7', ${id}, ${keyJson}, 'add', '[1]', 1000, 1, 0, 0)`
        yield* file("of the number", "7")
        yield* file("of the string", '"7"')
        const idsOf = (key: string | number) =>
          Effect.map(Reminders.to(Counter, key).list, (list) => list.map(({ id }) => id))
        yield* Effect.gen(function* () {
          assert.deepStrictEqual(yield* idsOf("7"), ["of the string"])
          assert.deepStrictEqual(yield* idsOf(7), ["of the number"])
          yield* Reminders.to(Counter, 7).at("of the number", 2000, "add", [2])
          assert.deepStrictEqual(yield* idsOf(7), ["of the number"])
          assert.isTrue(yield* Reminders.to(Counter, "7").cancel("of the string"))
        }).pipe(Effect.provide(services))
      })
    )
  })
})

class Echo extends Actor.Keyed<Echo>()("test/Echo", {
  key: Schema.String,
  methods: { say: Delivery.durable(Actor.method({ args: [Schema.String], success: Schema.String })) }
}) {}

const EchoLive = Echo.toLayer((key) =>
  Effect.succeed(Echo.of({ say: (word) => Effect.succeed(`${key} says ${word}`) }))
)

const Live = ClusterHome.layer(Echo, EchoLive).pipe(Layer.provideMerge(ClusterHome.layerLocal({ file: ":memory:" })))

layer(Live, { excludeTestServices: true })("10.7 durable calls", (it) => {
  it.effect("of keys and ids that look alike are calls of their own, and are picked up again", () =>
    Effect.gen(function* () {
      const texts = alike.filter((each) => typeof each === "string")
      for (const [index, text] of texts.entries()) {
        const said = yield* (yield* Echo.get(text)).say(`${index}`).pipe(ClusterHome.withId("1"))
        assert.strictEqual(said, `${text} says ${index}`)
      }
      const one = yield* Echo.get("one")
      for (const [index, text] of texts.entries()) {
        yield* one.say(`${index}`).pipe(ClusterHome.withId(text))
      }
      for (const [index, text] of texts.entries()) {
        assert.strictEqual(yield* yield* ClusterHome.attach(Echo, "one", text), `one says ${index}`)
        assert.strictEqual(yield* yield* ClusterHome.attach(Echo, text, "1"), `${text} says ${index}`)
      }
    })
  )

  it.effect("are stored under texts that every database can keep", () =>
    Effect.gen(function* () {
      yield* (yield* Echo.get("k\0\ud800")).say("x").pipe(ClusterHome.withId("i\0\ud800"))
      const sql = (yield* SqlClient.SqlClient).withoutTransforms()
      const rows = yield* sql<any>`SELECT entity_id, message_id FROM cluster_messages WHERE entity_id LIKE '%k%'`
      assert.deepStrictEqual(rows, [
        { entity_id: '~"k\\u0000\\ud800"', message_id: 'test/Echo/~"k\\u0000\\ud800"/say/~"i\\u0000\\ud800"' }
      ])
    })
  )

  it.effect("of a key that is too long are refused, with its length and its beginning", () =>
    Effect.gen(function* () {
      const { message } = yield* errorOf((yield* Echo.get("x".repeat(100_000))).say("x"))
      assert.match(message, /x{50}.*its key is too long: .* at most 255 characters, and this one with 100000$/)
    })
  )
})
