/**
 * Mistakes that the compiler refuses, as plain JavaScript makes them: each is told in a sentence that says what to write.
 */
import { assert, describe, it } from "@effect/vitest"
import { ClusterHome, DurableState, Reminders } from "@troupe/cluster"
import { Actor } from "@troupe/core"
import { Effect, type Layer, Schema } from "effect"
import { defectOf } from "../../core/test/support.ts"

class Sums extends Actor.Service<Sums>()("test/Sums", { methods: { add: Actor.method({ success: Schema.Int }) } }) {}

const live = Sums.toLayer(Effect.succeed({ add: () => Effect.succeed(1) }))

const defect = (effect: Effect.Effect<unknown, unknown, any>) =>
  Effect.map(defectOf(effect as Effect.Effect<unknown>), (defect) => (defect as Error).message)

describe("what is missing is named", () => {
  it.effect("a cluster", () =>
    Effect.gen(function* () {
      for (const layer of [ClusterHome.layer(Sums, live), ClusterHome.client(Sums)])
        assert.match(
          yield* defect(Effect.provide(Effect.void, layer)),
          /^test\/Sums: no cluster is provided here: provide ClusterHome\.layerLocal, /
        )
    })
  )

  it.effect("a storage of states and of reminders", () =>
    Effect.gen(function* () {
      assert.match(yield* defect(DurableState.DurableStateStorage), /provide DurableState\.layer, or/)
      assert.match(yield* defect(Reminders.ReminderStorage), /provide Reminders\.layer, or/)
    })
  )

  it("an implementation, and options", () => {
    const layer: any = ClusterHome.layer
    assert.throws(() => layer(Sums), TypeError, "test/Sums: ClusterHome.layer needs the Layer of its implementation")
    assert.throws(() => layer(Sums, live, null), TypeError, "test/Sums: options go in an object")
    assert.throws(() => layer(Sums, live, { pending: 1 }), TypeError, 'test/Sums: there is no option "pending"')
    for (const layerWith of [DurableState.layerWith, Reminders.layerWith] as ReadonlyArray<any>) {
      assert.throws(() => layerWith(), TypeError, /layerWith: options go in an object, like \{ prefix/)
      assert.throws(() => layerWith({ prefix: "" }), TypeError, /layerWith: prefix must be a string that is not empty/)
    }
  })

  it.effect("the options of a node", () =>
    Effect.gen(function* () {
      const layerLocal: any = ClusterHome.layerLocal
      for (const given of [undefined, null, 3, "file"]) {
        const exit = yield* Effect.exit(Effect.provide(Effect.void, layerLocal(given) as Layer.Layer<never>))
        assert.include(String(exit), "ClusterHome.layerLocal: options go in an object")
      }
      const exit = yield* Effect.exit(
        Effect.provide(Effect.void, layerLocal({ file: ":memory:", drainTimeout: Number.NaN }) as Layer.Layer<never>)
      )
      assert.include(String(exit), "drainTimeout must be a duration of at least 0")
    })
  )
})
