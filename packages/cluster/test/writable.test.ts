/**
 * Values that cannot be written: their calls settle at once, and say what cannot.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it, layer } from "@effect/vitest"
import { ClusterHome, Delivery, DurableState, Reminders } from "@troupe/cluster"
import { Actor } from "@troupe/core"
import { Effect, Layer, Schema, Stream } from "effect"
import { freePort } from "./fixtures/node-processes.ts"
import { defectOf, freshKey, reasonOf } from "./homeSupport.ts"

const cycle = (): unknown => {
  const value: Record<string, unknown> = {}
  value.self = { again: value }
  return value
}
const nested = (depth: number): unknown => {
  let value: unknown = 0
  for (let i = 0; i < depth; i++) value = [value]
  return value
}
const throwing = (): never => {
  throw new Error("no")
}
const revoked = (): unknown => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

/** What cannot be written, and what is said of it. */
const unwritable: Record<string, readonly [() => unknown, RegExp]> = {
  "a BigInt": [() => ({ ids: [1, 10n] }), /\["ids"\]\[1\] cannot be written as JSON: .*BigInt/],
  "a cycle": [cycle, /\["self"\]\["again"\] cannot be written as JSON: .*circular/],
  "a throwing toJSON": [() => ({ at: { toJSON: throwing } }), /\["at"\] cannot be written as JSON: no/],
  "a throwing getter": [
    () => [
      {
        get at() {
          return throwing()
        }
      }
    ],
    /\[0\]\["at"\] cannot be written as JSON: no/
  ],
  "a NaN": [() => ({ prices: [1, Number.NaN] }), /\["prices"\]\[1\] cannot be written as JSON: JSON has no NaN/],
  "an infinite number": [() => ({ most: -Infinity }), /\["most"\] cannot be written as JSON: JSON has no -Infinity/],
  "a function": [() => ({ then: throwing }), /\["then"\] cannot be written as JSON: JSON has no functions/],
  "a symbol": [() => [Symbol("x")], /\[0\] cannot be written as JSON: JSON has no symbols/],
  "a value nested 10,000 levels deep": [() => nested(10_000), /nested too deeply/],
  "a value nested 1,001 levels deep": [() => nested(1001), /nested more than 1000 levels deep/]
}

const oddDefects: Record<string, () => unknown> = {
  "a throwing message": () => ({
    get message() {
      return throwing()
    }
  }),
  "an Error with a throwing message": () => Object.defineProperty(new Error("x"), "message", { get: throwing }),
  "an Error with a throwing name": () => Object.defineProperty(new Error("x"), "name", { get: throwing }),
  "a revoked proxy": revoked,
  "a cycle": cycle,
  "a BigInt": () => 10n,
  "no prototype": () => Object.create(null),
  "a throwing toJSON": () => ({ toJSON: throwing }),
  "10,000 levels": () => nested(10_000)
}

class Odd extends Actor.Keyed<Odd>()("test/Odd", {
  key: Schema.String,
  methods: {
    take: Delivery.durable(Actor.method({ args: [Schema.Int, Schema.Any], success: Schema.Int })),
    give: Delivery.durable(Actor.method({ args: [Schema.String], success: Schema.Any })),
    refuse: Delivery.durable(Actor.method({ args: [Schema.String], error: Schema.Any })),
    die: Delivery.durable(Actor.method({ args: [Schema.String] })),
    misfit: Delivery.durable(Actor.method({ success: Schema.Struct({ total: Schema.Int }) })),
    misfitError: Delivery.durable(Actor.method({ error: Schema.Struct({ why: Schema.String }) })),
    volatile: Actor.method({ args: [Schema.Int, Schema.Any], success: Schema.Int }),
    stream: Actor.method({ args: [Schema.Int, Schema.Any], success: Schema.Int, stream: true }),
    volatileMisfit: Actor.method({ success: Schema.Struct({ total: Schema.Int }) })
  }
}) {}

const OddLive = Odd.toLayer(() =>
  Effect.succeed(
    Odd.of({
      take: (n) => Effect.succeed(n),
      give: (name) => Effect.sync(() => unwritable[name]![0]()),
      refuse: (name) => Effect.suspend(() => Effect.fail(unwritable[name]![0]())),
      die: (name) => Effect.suspend(() => Effect.die(oddDefects[name]!())),
      misfit: () => Effect.succeed({ total: "all" } as any),
      misfitError: () => Effect.fail({ why: 7 } as any),
      volatile: (n) => Effect.succeed(n),
      stream: (n) => Stream.succeed(n),
      volatileMisfit: () => Effect.succeed({ total: "all" } as any)
    })
  )
)

const Live = ClusterHome.layer(Odd, OddLive).pipe(Layer.provideMerge(ClusterHome.layerLocal({ file: ":memory:" })))

const fresh = Effect.suspend(() => Odd.get(freshKey()))

layer(Live, { excludeTestServices: true })("10.6 a durable call", (it) => {
  for (const [name, [make, issue]] of Object.entries(unwritable)) {
    it.effect(`with ${name} as an argument fails at once with DecodeError, which names the field`, () =>
      Effect.gen(function* () {
        const reason = yield* reasonOf((yield* fresh).take(1, make()))
        assert.deepInclude(reason, { _tag: "DecodeError", mayHaveRun: false })
        assert.match(reason.issue, /args\[1\]/)
        assert.match(reason.issue, issue)
      })
    )

    it.effect(`with ${name} as its result or error fails at once with DecodeError, for all who ask`, () =>
      Effect.gen(function* () {
        const key = freshKey()
        const odd = yield* Odd.get(key)
        for (const method of ["give", "refuse"] as const) {
          const reason = yield* reasonOf(odd[method](name).pipe(ClusterHome.withId("1")))
          assert.deepInclude(reason, { _tag: "DecodeError", mayHaveRun: true, method })
          assert.match(reason.issue, issue)
          const later = yield* ClusterHome.attach(Odd, key, "1", { method })
          assert.deepInclude(yield* reasonOf(later), { _tag: "DecodeError", issue: reason.issue })
        }
      })
    )
  }

  for (const name of Object.keys(oddDefects)) {
    it.effect(`with a defect that is odd settles, for all who ask: ${name}`, () =>
      Effect.gen(function* () {
        const key = freshKey()
        yield* defectOf((yield* Odd.get(key)).die(name).pipe(ClusterHome.withId("1")))
        yield* defectOf(yield* ClusterHome.attach(Odd, key, "1"))
      })
    )
  }

  it.effect("whose result or error does not fit its schema fails with DecodeError, which names the field", () =>
    Effect.gen(function* () {
      const odd = yield* fresh
      const result = yield* reasonOf(odd.misfit())
      assert.deepInclude(result, { _tag: "DecodeError", mayHaveRun: true })
      assert.match(result.issue, /result.*Expected.*\["total"\]/)
      const error = yield* reasonOf(odd.misfitError())
      assert.deepInclude(error, { _tag: "DecodeError", mayHaveRun: true })
      assert.match(error.issue, /error.*Expected/)
    })
  )

  it.effect("with a value nested 1,000 levels deep is as good as any", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* (yield* fresh).take(1, nested(1000)), 1)
    })
  )
})

describe("10.6 what a state or a reminder cannot keep", () => {
  class Box extends Actor.Keyed<Box>()("test/Box", {
    make: () =>
      Effect.map(DurableState.make(Schema.Any, { initial: 0 }), (state) => ({
        set: (value: unknown) => state.set(value),
        once: (value: unknown) => state.modifyOnce({ id: "1", result: Schema.Any }, () => [value, value]),
        get: () => state.get
      }))
  }) {}

  it.effect("dies at once, names the field, and changes nothing", () =>
    Effect.gen(function* () {
      const box = yield* Box.get("a")
      yield* box.set(1)
      const value = { ids: [10n] }
      for (const call of [box.set(value), box.once(value)]) {
        assert.match((yield* defectOf(call)).message, /test\/Box\(a\): .*\["ids"\]\[0\] cannot be written as JSON/)
      }
      assert.strictEqual(yield* box.get(), 1)
      for (const reminder of [
        Reminders.to(Box, "a").at("r", 0, "set", [cycle()]),
        Reminders.to(Odd, "a").at("r", 0, "take", [1, value] as never)
      ]) {
        assert.match(
          (yield* defectOf(reminder)).message,
          /test\/(Box.set|Odd.take): .*args\[\d\]\[.* cannot be written/
        )
      }
    }).pipe(Effect.provide(Box.layer), Effect.provide([DurableState.layerMemory, Reminders.layerMemory]))
  )
})

describe("10.6 a call over the wire", () => {
  /** A client of a node that serves in this process. */
  const served = Layer.unwrap(
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "troupe-writable-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
      )
      const storage = { file: join(folder, "cluster.db") }
      const node = ClusterHome.layer(Odd, OddLive).pipe(
        Layer.provide(ClusterHome.layerNode({ storage, port: yield* freePort }))
      )
      yield* Layer.build(node)
      return Layer.fresh(ClusterHome.client(Odd).pipe(Layer.provide(ClusterHome.layerClient({ storage }))))
    })
  )

  it.live("a result that does not fit its schema fails with DecodeError, which names the field", () =>
    Effect.gen(function* () {
      const odd = yield* Odd.get("a")
      for (const call of [odd.volatileMisfit(), odd.misfit()]) {
        const reason = yield* reasonOf(call)
        assert.deepInclude(reason, { _tag: "DecodeError", mayHaveRun: true })
        assert.match(reason.issue, /Expected.*\["total"\]/)
      }
    }).pipe(Effect.provide(served))
  )

  it.live("an argument that throws when it is read fails its call alone with DecodeError, which names the field", () =>
    Effect.gen(function* () {
      const odd = yield* Odd.get("a")
      for (const [make, issue] of [
        unwritable["a throwing getter"]!,
        unwritable["a value nested 10,000 levels deep"]!,
        [() => ({ draft: revoked() }), /\["draft"\] cannot be written as JSON: .*revoked/] as const
      ]) {
        const other = yield* odd.volatile.remote(1, "fine")
        for (const call of [odd.volatile(1, make()), Stream.runDrain(odd.stream(1, make()))]) {
          const reason = yield* reasonOf(call)
          assert.deepInclude(reason, { _tag: "DecodeError", mayHaveRun: false })
          assert.match(reason.issue, /args\[1\]/)
          assert.match(reason.issue, issue)
        }
        assert.strictEqual(yield* other, 1)
      }
    }).pipe(Effect.provide(served))
  )
})
