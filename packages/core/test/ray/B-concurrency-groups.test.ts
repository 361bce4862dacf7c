import { assert, describe, it } from "@effect/vitest"
import { Actor, ObjectRef } from "@troupe/core"
import { Effect, Latch } from "effect"
import { Probe, range, reasonOf, settle } from "../support.ts"

const define = (probe: Probe) =>
  class Grouped extends Actor.Service<Grouped>()("ray/Grouped", {
    shutdownTimeout: 0,
    maxConcurrency: 3,
    concurrencyGroups: {
      io: { maxConcurrency: 2, methods: ["f1", "f2"] },
      compute: { maxConcurrency: 4, methods: ["f3", "f4"] }
    },
    make: Effect.succeed({ f1: probe.work, f2: probe.work, f3: probe.work, f4: probe.work, f5: probe.work })
  }) {}

describe("B: concurrency groups", () => {
  it.effect("test_basic: io runs 2, compute 4, ungrouped methods as many as the actor; none delays another", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const grouped = yield* define(probe).spawn()
      yield* Effect.forEach(range(5), (i) => (i % 2 ? grouped.f1 : grouped.f2).remote(`io${i}`))
      yield* Effect.forEach(range(9), (i) => (i % 2 ? grouped.f3 : grouped.f4).remote(`compute${i}`))
      yield* Effect.forEach(range(7), (i) => grouped.f5.remote(`own${i}`))
      yield* settle
      const started = (group: string) => probe.startOrder.filter((id) => id.startsWith(group))
      assert.deepStrictEqual(started("io"), ["io0", "io1"])
      assert.deepStrictEqual(started("compute"), ["compute0", "compute1", "compute2", "compute3"])
      assert.deepStrictEqual(started("own"), ["own0", "own1", "own2"])
    })
  )

  it.effect("test_basic: f2.options({ concurrencyGroup: 'compute' }) stands in the line of compute", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const grouped = yield* define(probe).spawn()
      const moved = grouped.f2.options({ concurrencyGroup: "compute" })
      yield* Effect.forEach(range(2), (i) => grouped.f1.remote(`io${i}`))
      yield* moved.remote("moved")
      yield* Effect.forEach(range(4), (i) => grouped.f3.remote(`compute${i}`))
      yield* settle
      assert.deepStrictEqual(probe.startOrder.sort(), ["compute0", "compute1", "compute2", "io0", "io1", "moved"])
      yield* grouped.f2.remote("not moved")
      yield* settle
      assert.notInclude(probe.startOrder, "not moved")
    })
  )

  it.effect("test_async_methods_in_concurrency_group: three calls in a group of 3 meet each other: [1, 2, 3]", () => {
    class Batcher extends Actor.Service<Batcher>()("ray/GroupBatcher", {
      maxConcurrency: 1,
      concurrencyGroups: { async: { maxConcurrency: 3, methods: ["add"] } },
      make: Effect.map(Latch.make(), (full) => {
        const items: Array<number> = []
        return {
          add: (item: number) =>
            Effect.gen(function* () {
              if (items.push(item) === 3) yield* full.open
              yield* full.await
              return [...items]
            })
        }
      })
    }) {}
    return Effect.gen(function* () {
      const batcher = yield* Batcher.spawn()
      const refs = yield* Effect.forEach([1, 2, 3], (item) => batcher.add.remote(item))
      for (const result of yield* ObjectRef.all(refs)) assert.deepStrictEqual(result, [1, 2, 3])
    })
  })

  it.effect(
    "test_system_concurrency_group: control needs no group: a saturated actor resizes, shows itself, dies",
    () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const grouped = yield* define(probe).spawn()
        const held = yield* Effect.forEach(range(10), (i) => grouped.f5.remote(`${i}`))
        yield* Effect.forEach(range(3), (i) => grouped.f1.remote(`io${i}`))
        yield* settle
        assert.include(String(grouped), "3 running, 7 waiting")
        yield* Actor.resize(grouped, 5)
        yield* settle
        assert.include(String(grouped), "5 running, 5 waiting")
        yield* Actor.resize(grouped, 3, { concurrencyGroup: "io" })
        yield* settle
        assert.include(probe.startOrder, "io2")
        yield* Actor.kill(grouped)
        for (const ref of held) assert.strictEqual((yield* reasonOf(ref))._tag, "ActorDied")
      })
  )

  it.effect("an unknown group at a call: (stronger) refused with the groups there are, and the actor goes on", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const grouped = yield* define(probe).spawn()
      const message = /ray\/Grouped: there is no concurrency group "unknown", it has io, compute/
      // @ts-expect-error -- there is no such group
      assert.throws(() => grouped.f1.options({ concurrencyGroup: "unknown" }), message)
      yield* probe.open("after")
      assert.strictEqual(yield* grouped.f1("after"), "after")
    })
  )

  it("unknown methods, a method in two groups and bad limits: (stronger) refused where they are written", () => {
    const make = Effect.succeed({ f: () => Effect.void })
    const define = (concurrencyGroups: any) => () => Actor.Service<any>()("ray/Bad", { make, concurrencyGroups })
    for (const maxConcurrency of [0, -1, 1.5, Number.NaN]) {
      assert.throws(
        define({ io: { maxConcurrency, methods: [] } }),
        /ray\/Bad: concurrencyGroups\.io\.maxConcurrency must be an integer of at least 1/
      )
    }
    assert.throws(
      define({ a: { maxConcurrency: 1, methods: ["f"] }, b: { maxConcurrency: 1, methods: ["f"] } }),
      /method "f" is in two concurrency groups, "a" and "b"/
    )
  })

  it.effect("a group that names a method which does not exist does not start", () =>
    Effect.gen(function* () {
      const make = Effect.succeed({ f: () => Effect.void })
      const concurrencyGroups: any = { io: { maxConcurrency: 1, methods: ["g"] } }
      const Bad = Actor.Service<any>()("ray/Bad", { make, concurrencyGroups })
      const exit = yield* Effect.exit(Bad.spawn())
      assert.include(String(exit), 'name a method "g", but it has only f')
    })
  )

  it.effect("a method whose options name an unknown group does not start", () =>
    Effect.gen(function* () {
      const make = Effect.succeed({ f: () => Effect.void })
      const methodOptions: any = { f: { concurrencyGroup: "io" } }
      const Bad = () => Actor.Service<any>()("ray/Bad", { make, methodOptions }).spawn()
      const exit = yield* Effect.exit(Effect.suspend(Bad))
      assert.include(String(exit), 'RangeError: ray/Bad: there is no concurrency group "io", it has none')
    })
  )

  it.effect("calls of a group can be cancelled, and their permit comes back to the group", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const grouped = yield* define(probe).spawn()
      const [first] = yield* Effect.forEach(range(3), (i) => grouped.f1.remote(`${i}`))
      yield* settle
      assert.strictEqual(yield* ObjectRef.cancel(first!), "Interrupted")
      yield* settle
      assert.deepStrictEqual(probe.startOrder, ["0", "1", "2"])
    })
  )
})
