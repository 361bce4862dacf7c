import { assert, describe, it } from "@effect/vitest"
import { Actor, Contract } from "@troupe/core"
import { Effect, Layer, Ref, Schema } from "effect"
import { defectOf } from "./support.ts"

class Counter extends Contract.Service<Counter>()("test/CounterApart", {
  methods: { increment: Contract.method({ args: [Schema.Int], success: Schema.Int }) }
}) {}

class Account extends Contract.Keyed<Account>()("test/AccountApart", {
  key: Schema.String,
  methods: { owner: Contract.method({ success: Schema.String }) }
}) {}

const make = Effect.map(Ref.make(0), (count) =>
  Counter.of({ increment: (by) => Ref.updateAndGet(count, (n) => n + by) })
)

describe("a contract apart from the runtime", () => {
  it.effect("Actor.toLayer joins it with an implementation", () =>
    Effect.gen(function* () {
      const counter: Actor.Handle<Actor.MethodsOf<typeof Counter.methods, never>> = yield* Counter
      yield* counter.increment(1)
      assert.strictEqual(yield* counter.increment(yield* counter.increment.remote(2)), 6)
    }).pipe(Effect.provide(Actor.toLayer(Counter, make)))
  )

  it.effect("the one of a keyed actor, too", () =>
    Effect.gen(function* () {
      const account = yield* Account.get("alice")
      assert.strictEqual(yield* account.owner(), "alice")
    }).pipe(Effect.provide(Actor.toLayer(Account, (owner) => Effect.succeed({ owner: () => Effect.succeed(owner) }))))
  )

  it.effect("options go with the implementation, and calls are held to the contract if they say so", () =>
    Effect.gen(function* () {
      const counter = yield* Counter
      const error = yield* Effect.flip(counter.increment(1.5))
      assert.include(error.message, "argument 1 does not fit the contract")
    }).pipe(Effect.provide(Actor.toLayer(Counter, make, { validate: true })))
  )

  it.effect("Actor.toFactory gives all the ways to start instances", () =>
    Effect.gen(function* () {
      const from = (start: number) =>
        Effect.map(Ref.make(start), (n) => ({ increment: (by: number) => Ref.updateAndGet(n, (m) => m + by) }))
      const counter = yield* Actor.toFactory(Counter, from).options({ name: "five" }).spawn(5)
      assert.strictEqual(yield* counter.increment(1), 6)
    })
  )

  it.effect("it is one actor, however often it is joined and whichever class of it is given", () =>
    Effect.gen(function* () {
      class Sub extends Counter {}
      const both = Layer.provideMerge(Actor.toLayer(Sub, make), Actor.toLayer(Counter, make))
      assert.strictEqual(
        yield* Effect.provide(
          Effect.flatMap(Counter, (counter) => counter.increment(1)),
          both
        ),
        1
      )
    })
  )

  it.effect("another actor of the same id beside it is refused, as between any two", () =>
    Effect.gen(function* () {
      class Other extends Contract.Service<Other>()("test/CounterApart", { methods: { ping: Contract.method() } }) {}
      const other = Actor.toLayer(Other, Effect.succeed({ ping: () => Effect.void }))
      const both = Layer.provideMerge(other, Actor.toLayer(Counter, make))
      assert.include(String(yield* defectOf(Effect.provide(Effect.void, both))), "two actors of this id")
    })
  )

  it("contracts of Actor.Service are joined in this way as well", async () => {
    class Plain extends Actor.Service<Plain>()("test/Plain", {
      methods: { ping: Actor.method({ success: Schema.String }) }
    }) {}
    const layer = Actor.toLayer(Plain, Effect.succeed({ ping: () => Effect.succeed("pong") }))
    const ping = Effect.flatMap(Plain, (plain) => plain.ping())
    assert.strictEqual(await Effect.runPromise(Effect.provide(ping, layer)), "pong")
  })

  it("what is wrong is said where it is written", () => {
    assert.throws(() => (Contract.Service as any)("test/Bad", {}), TypeError, 'Write Contract.Service()("id", { ... })')
    assert.throws(() => Contract.Service()("", { methods: {} }), TypeError, "Contract.Service needs an id")
    assert.throws(
      () => Contract.Keyed()("test/Bad", undefined as any),
      TypeError,
      'test/Bad: a contract needs "methods"'
    )
    const methods: any = { then: Contract.method() }
    assert.throws(() => Contract.Service()("test/Bad", { methods }), TypeError, 'no method may be called "then"')
    assert.throws(() => Actor.toLayer({} as any, make as any), TypeError, "Actor.toLayer takes the class of a contract")
  })

  it("the compiler holds an implementation to it", () => {
    // @ts-expect-error -- the method is missing
    Actor.toLayer(Counter, Effect.succeed({}))
    // @ts-expect-error -- the contract has no such method
    Actor.toLayer(Counter, Effect.succeed({ increment: () => Effect.succeed(1), more: () => Effect.void }))
    // @ts-expect-error -- the result is a number
    Actor.toLayer(Counter, Effect.succeed({ increment: () => Effect.succeed("1") }))
    assert.throws(
      // @ts-expect-error -- a keyed actor is made from its key
      () => Actor.toLayer(Account, Effect.succeed({ owner: () => Effect.succeed("alice") })),
      TypeError,
      /must be a function of the key/
    )
  })
})
