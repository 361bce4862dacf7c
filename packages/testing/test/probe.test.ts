import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorError, ObjectRef } from "@troupe/core"
import { ActorProbe, Explore } from "@troupe/testing"
import { Cause, Effect, Exit, Fiber, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"

class Declined extends Schema.TaggedError<Declined>()("Declined", { why: Schema.String }) {}

class Bank extends Actor.Service<Bank>()("test/Bank", {
  make: Effect.succeed({
    charge: (cents: number): Effect.Effect<string, Declined> =>
      cents > 0 ? Effect.succeed(`receipt ${cents}`) : Effect.fail(new Declined({ why: "nothing to pay" })),
    balance: () => Effect.succeed(0),
    entries: (from: number) => Stream.make(from, from + 1)
  })
}) {}

describe("ActorProbe", () => {
  it.effect("records calls, which the test answers in whatever order it likes", () =>
    Effect.gen(function* () {
      const bank = yield* ActorProbe.make(Bank)
      const first = yield* bank.handle.charge.remote(1)
      const second = yield* bank.handle.charge.remote(2)
      const [one, two] = [yield* bank.next("charge"), yield* bank.next("charge")]
      assert.deepStrictEqual([one.args, two.args], [[1], [2]])
      yield* two.succeed("two")
      yield* one.succeed("one")
      assert.deepStrictEqual(yield* ObjectRef.all([first, second]), ["one", "two"])
      assert.deepStrictEqual(
        bank.calls.map(({ method }) => method),
        ["charge", "charge"]
      )
    })
  )

  it.effect("stands in for the actor as a service", () =>
    Effect.gen(function* () {
      const bank = yield* ActorProbe.make(Bank)
      const buyer = yield* Effect.forkChild(
        Effect.flatMap(Bank, (bank) => bank.charge(5)).pipe(Effect.provide(bank.layer))
      )
      yield* (yield* bank.next("charge")).succeed("paid")
      assert.strictEqual(yield* Fiber.join(buyer), "paid")
    })
  )

  it.effect("fails and dies as it is told to, with the name of the actor's own method", () =>
    Effect.gen(function* () {
      const bank = yield* ActorProbe.make(Bank)
      const declined = yield* Effect.forkChild(Effect.exit(bank.handle.charge(1)))
      yield* (yield* bank.next()).fail(new Declined({ why: "poor" }))
      const exit = yield* Fiber.join(declined)
      assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) instanceof Declined)
      const dead = yield* bank.handle.balance.remote()
      yield* (yield* bank.next("balance")).die(new Error("out of order"))
      assert.include(String(yield* Effect.exit(dead)), "out of order")
      assert.include(dead.toString(), "test/Bank.balance")
    })
  )

  it.effect("answers late", () =>
    Effect.gen(function* () {
      const bank = yield* ActorProbe.make(Bank)
      const balance = yield* Effect.forkChild(bank.handle.balance())
      yield* (yield* bank.next("balance")).reply(Effect.delay(Effect.succeed(7), "1 minute"))
      yield* TestClock.adjust("59 seconds")
      assert.isUndefined(balance.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(balance), 7)
    })
  )

  it.effect("says that a call was cancelled before it was answered, and takes answers that come too late", () =>
    Effect.gen(function* () {
      const bank = yield* ActorProbe.make(Bank)
      const ref = yield* bank.handle.charge.remote(1)
      const call = yield* bank.next("charge")
      assert.strictEqual(yield* ObjectRef.cancel(ref), "Interrupted")
      assert.strictEqual(yield* call.ended, "interrupted")
      yield* call.succeed("too late")
      const error = yield* Effect.flip(ref)
      assert.isTrue(error instanceof ActorError.ActorError && error.reason._tag === "TaskCancelled")
      const answered = yield* Effect.forkChild(bank.handle.balance())
      const balance = yield* bank.next("balance")
      yield* balance.succeed(1)
      yield* balance.succeed(2)
      assert.strictEqual(yield* Fiber.join(answered), 1)
      assert.strictEqual(yield* balance.ended, "answered")
    })
  )

  it.effect("answers by itself once it has been told how, streams too", () =>
    Effect.gen(function* () {
      const bank = yield* ActorProbe.make(Bank)
      yield* bank.on("charge", (cents) => Effect.succeed(`fake ${cents}`))
      yield* bank.on("entries", (from) => Stream.make(from * 10))
      assert.strictEqual(yield* bank.handle.charge(3), "fake 3")
      assert.deepStrictEqual(yield* Stream.runCollect(bank.handle.entries(4)), [40])
      assert.deepStrictEqual(
        bank.calls.map(({ args, method }) => [method, args]),
        [
          ["charge", [3]],
          ["entries", [4]]
        ] as any
      )
    })
  )

  it.effect("waits for the refs among the arguments, as the actor would", () =>
    Effect.gen(function* () {
      const bank = yield* ActorProbe.make(Bank)
      const balance = yield* bank.handle.balance.remote()
      const charge = yield* bank.handle.charge.remote(balance)
      yield* (yield* bank.next("balance")).succeed(12)
      const call = yield* bank.next("charge")
      assert.deepStrictEqual(call.args, [12])
      yield* call.succeed("ok")
      assert.strictEqual(yield* charge, "ok")
    })
  )

  it.effect("who waits for the next call and gives up takes none", () =>
    Effect.gen(function* () {
      const bank = yield* ActorProbe.make(Bank)
      const impatient = yield* Effect.forkChild(bank.next("charge"))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(impatient)
      const ref = yield* bank.handle.charge.remote(1)
      yield* (yield* bank.next("charge")).succeed("ok")
      assert.strictEqual(yield* ref, "ok")
    })
  )

  it.effect("with a contract, unknown methods are refused by name", () =>
    Effect.gen(function* () {
      class Remote extends Actor.Service<Remote>()("test/Remote", {
        methods: { ping: Actor.method({ args: [], success: Schema.String }) }
      }) {}
      const remote = yield* ActorProbe.make(Remote)
      const ping = yield* remote.handle.ping.remote()
      yield* (yield* remote.next("ping")).succeed("pong")
      assert.strictEqual(yield* ping, "pong")
      assert.throws(() => (remote.handle as any).pong(), 'test/Remote has no method "pong", its contract has ping')
    })
  )

  it.live("works under the explorer", () =>
    Explore.check(
      Effect.gen(function* () {
        const bank = yield* ActorProbe.make(Bank)
        const fiber = yield* Effect.forkChild(
          Effect.all([bank.handle.balance(), bank.handle.balance()], { concurrency: 2 })
        )
        yield* (yield* bank.next("balance")).succeed(1)
        yield* (yield* bank.next("balance")).succeed(1)
        assert.deepStrictEqual(yield* Fiber.join(fiber), [1, 1])
      }),
      { schedules: 200 }
    )
  )
})
