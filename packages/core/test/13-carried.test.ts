/**
 * What travels with a call within a process. How it crosses to others is in the conformance suite and in the tests of the
 * homes.
 */
import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorContext, ActorPool, AsyncHandle, Carried, Home, Task } from "@troupe/core"
import { Context, Duration, Effect, Fiber, Layer, ManagedRuntime, Option, References, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { defectOf, fork, Probe, reasonOf, settle, Worker } from "./support.ts"

const Tenant = Carried.Reference<string>("test/Tenant", { schema: Schema.String, defaultValue: () => "nobody" })

const Anything = Carried.Reference<unknown>("test/Anything", { schema: Schema.Any, defaultValue: () => null })

class Reader extends Actor.Service<Reader>()("test/Reader", {
  make: Effect.succeed({
    tenant: () => Effect.map(Tenant, (tenant) => tenant),
    tenants: () => Stream.fromEffect(Effect.map(Tenant, (tenant) => tenant))
  })
}) {}

/** Made by a request, for others to call. */
class Front extends Actor.Service<Front>()("test/Front", {
  make: Effect.gen(function* () {
    const reader = yield* Reader.spawn()
    return {
      outer: () => reader.tenant(),
      swapped: () => Effect.provideService(reader.tenant(), Tenant, "inner"),
      forked: () => Effect.flatMap(Effect.forkChild(reader.tenant()), Fiber.join)
    }
  })
}) {}

const readTenant = Task.make("test/readTenant", () => Effect.map(Tenant, (tenant) => tenant))

const as = (tenant: string) => Effect.provideService(Tenant, tenant)

describe("13.1 carried references", () => {
  it.effect("13.1 what the caller sets, the method has, whichever way it is called", () =>
    Effect.gen(function* () {
      const reader = yield* Reader.spawn()
      const pool = yield* ActorPool.make({ spawn: Reader.spawn(), size: 2 })
      const all = Effect.gen(function* () {
        const ref = yield* reader.tenant.remote()
        const items = yield* Stream.runCollect(reader.tenants())
        const pooled = yield* pool.run((member) => member.tenant())
        return [yield* reader.tenant(), yield* ref, ...items, pooled, yield* readTenant()]
      })
      assert.deepStrictEqual(yield* as("acme")(all), ["acme", "acme", "acme", "acme", "acme"])
      assert.deepStrictEqual(yield* all, ["nobody", "nobody", "nobody", "nobody", "nobody"])
    })
  )

  it.effect("13.1 what the method calls has it in turn, unless the method sets another", () =>
    Effect.gen(function* () {
      const front = yield* Front.spawn()
      const { forked, outer, swapped } = front
      const all = Effect.all([outer(), swapped(), forked()])
      assert.deepStrictEqual(yield* as("acme")(all), ["acme", "inner", "acme"])
    })
  )

  it.effect("13.1 where the caller has set none, it is what the actor was made with; what the caller sets wins", () =>
    Effect.gen(function* () {
      const reader = yield* as("house")(Reader.spawn())
      assert.strictEqual(yield* reader.tenant(), "house")
      assert.strictEqual(yield* as("acme")(reader.tenant()), "acme")
    })
  )

  it("13.1 plain async code has what its runtime has", async () => {
    const runtime = ManagedRuntime.make(Layer.provide(Reader.layer, Layer.succeed(Tenant)("house")))
    const reader = await runtime.runPromise(Reader)
    assert.strictEqual(await AsyncHandle.make(reader).tenant(), "house")
    await runtime.dispose()
  })

  it("13.1 a definition without a schema, a default or a key throws, and says what is missing", () => {
    const make = Carried.Reference as any
    assert.throws(() => make("test/x", { defaultValue: () => 1 }), /test\/x: a carried reference needs "schema"/)
    assert.throws(() => make("test/x", { schema: Schema.Number }), /test\/x: a carried reference needs "defaultValue"/)
    assert.throws(
      () => make("test/x"),
      /test\/x: options go in an object, like \{ schema: \.\.\. \}, but got undefined/
    )
    assert.throws(() => make("test/x", { schema: Schema.Number, default: 1 }), /there is no option "default"/)
    assert.throws(() => make("", {}), /Carried\.Reference needs an id/)
  })

  it("13.1 it is a Context.Reference like any other, for programs without actors, too", () => {
    assert.strictEqual(Context.get(Context.empty(), Tenant), "nobody")
    assert.strictEqual(Effect.runSync(as("acme")(Effect.map(Tenant, (tenant) => tenant))), "acme")
  })
})

it.effect("13.2 log annotations reach the method, and what it calls in turn", () =>
  Effect.gen(function* () {
    const [outer, inner] = [yield* Worker.spawn(), yield* Worker.spawn()]
    const annotations = Effect.map(References.CurrentLogAnnotations, (all) => all)
    const nested = outer.run(Effect.suspend(() => inner.run(annotations)))
    assert.deepStrictEqual(yield* Effect.annotateLogs(nested, "request", 1), { request: 1 })
    assert.deepStrictEqual(yield* nested, {})
  })
)

const leftNow = Effect.map(ActorContext.timeLeft, (left) => Option.getOrNull(Option.map(left, Duration.toMillis)))

describe("13.3 deadlines", () => {
  it.effect("13.3 a method knows how much time is left, while it runs and after it has waited in line", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const worker = yield* Worker.options({ maxConcurrency: 1 }).spawn(probe)
      const timed = worker.run.options({ timeout: "10 seconds" })
      assert.strictEqual(yield* timed(leftNow), 10_000)
      const later = Effect.andThen(Effect.sleep("3 seconds"), leftNow)
      const first = yield* fork(timed(Effect.all([leftNow, later])))
      const second = yield* fork(timed(leftNow))
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(yield* Fiber.join(first), [10_000, 7000])
      assert.strictEqual(yield* Fiber.join(second), 7000)
      assert.strictEqual(yield* worker.run(leftNow), null)
      assert.strictEqual(yield* leftNow, null)
    })
  )

  it.effect("13.3 what a call submits has no more time than the call itself, and ends with it", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const [outer, inner] = [yield* Worker.spawn(probe), yield* Worker.spawn(probe)]
      const within = (timeout: Duration.Input) => inner.run.options({ timeout })(leftNow)
      const ask = outer.run.options({ timeout: "5 seconds" })
      assert.deepStrictEqual(
        yield* ask(Effect.all([inner.run(leftNow), within("9 seconds"), within("2 seconds")])),
        [5000, 5000, 2000]
      )
      const ref = yield* outer.run
        .options({ timeout: "5 seconds" })
        .remote(inner.work.options({ timeout: "1 hour" })("a"))
      yield* probe.started("a")
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* reasonOf(ref))._tag, "TimedOut")
      yield* settle
      assert.deepStrictEqual(probe.log, ["a start", "a cut"])
    })
  )

  it.effect("13.3 what outlives the call, and what its finalizers ask for, is not bound by it", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const [outer, inner] = [yield* Worker.spawn(probe), yield* Worker.spawn(probe)]
      const timed = outer.run.options({ timeout: "5 seconds" })
      const left = Effect.andThen(probe.gate("go"), leftNow)
      const later: Array<Effect.Effect<unknown, unknown>> = []
      yield* timed(Effect.map(inner.run.remote(left), (ref) => void later.push(ref)))
      yield* probe.open("go")
      assert.strictEqual(yield* later[0]!, null)
      const inFinalizer: Array<unknown> = []
      const tidy = Effect.map(Effect.orDie(inner.run(leftNow)), (left) => void inFinalizer.push(left))
      const dying = yield* timed.remote(Effect.onInterrupt(Effect.never, () => tidy))
      yield* settle
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* reasonOf(dying))._tag, "TimedOut")
      assert.deepStrictEqual(inFinalizer, [null])
    })
  )
})

describe("13.1 what a home sends", () => {
  /** Says what would travel with a call. */
  class Sender extends Home.Carried {
    override start(call: Home.Call): void {
      const baggage = Effect.runSync(Effect.exit(Effect.sync(() => Home.baggageOf(call))))
      Home.report(call, baggage, false)
    }
    override interruptUnsafe(): void {}
  }
  class Away extends Actor.Service<Away>()("test/Away", {
    make: Effect.succeed({ send: () => new Sender() as unknown as Effect.Effect<Home.Baggage | undefined> })
  }) {}

  it.effect("13.1 is nothing where nothing is set, and data otherwise", () =>
    Effect.gen(function* () {
      const away = yield* Away.spawn()
      assert.isUndefined(yield* away.send())
      const loaded = Effect.annotateLogs(as("acme")(away.send.options({ timeout: "1 second" })()), {
        request: 1,
        secret: { a: Number.NaN }
      })
      assert.deepStrictEqual(yield* loaded, {
        references: { "test/Tenant": "acme" },
        annotations: { request: 1, secret: '{"a":NaN}' },
        left: 1000
      })
    })
  )

  it.effect("13.1 is passed on where there is no such reference", () =>
    Effect.gen(function* () {
      const away = yield* Away.spawn()
      const baggage = { references: { "test/Tenant": "acme", "test/of another version": [1] } }
      const context = Home.unpackBaggage(yield* Effect.context<never>(), baggage)
      const worker = yield* Worker.spawn()
      const nested = worker.run(Effect.suspend(() => away.send()))
      assert.deepStrictEqual(yield* Effect.provideContext(nested, context), baggage)
    })
  )

  it.effect("13.1 a value that does not fit its schema is refused, on either side", () =>
    Effect.gen(function* () {
      const away = yield* Away.spawn()
      const defect = yield* defectOf(Effect.provideService(away.send(), Tenant, 7 as any))
      assert.instanceOf(defect, Home.BaggageError)
      assert.match(String(defect), /the carried reference test\/Tenant cannot be written with its schema: /)
      assert.throws(
        () => Home.unpackBaggage(Context.empty(), { references: { "test/Tenant": 7 } }),
        /the carried reference test\/Tenant cannot be read with its schema here: /
      )
    })
  )

  it.effect("13.1 a key may be any text, and names that objects have of themselves are keys like others", () =>
    Effect.gen(function* () {
      const away = yield* Away.spawn()
      const make = (key: string) =>
        Carried.Reference<string>(key, { schema: Schema.String, defaultValue: () => "default" })
      const keys = ["__proto__", "constructor", "toString"]
      for (const key of keys) {
        const reference = make(key)
        const baggage = (yield* Effect.provideService(away.send(), reference, key))!
        const crossed = JSON.parse(JSON.stringify(baggage))
        assert.strictEqual(Context.get(Home.unpackBaggage(Context.empty(), crossed), reference), key)
      }
    })
  )

  it.effect(
    "13.1 where several references have one key, a value that does not fit is refused with a hint at that",
    () =>
      Effect.gen(function* () {
        const away = yield* Away.spawn()
        const first = Carried.Reference<string>("test/Twice", { schema: Schema.String, defaultValue: () => "" })
        Carried.Reference<Date>("test/Twice", { schema: Schema.Date, defaultValue: () => new Date(0) })
        assert.match(
          String(yield* defectOf(Effect.provideService(away.send(), first, "acme"))),
          /test\/Twice cannot be written with its schema: .*2 references of this key were made, and the schema of the last one/s
        )
      })
  )

  it.effect("13.1 what the schema lets through and JSON would drop is refused, too", () =>
    Effect.gen(function* () {
      const away = yield* Away.spawn()
      const cyclic: Record<string, unknown> = {}
      cyclic.self = cyclic
      for (const value of [undefined, Number.NaN, 1n, cyclic, () => 1, new Map(), { rest: undefined }]) {
        const defect = yield* defectOf(Effect.provideService(away.send(), Anything, value))
        assert.match(String(defect), /the carried reference test\/Anything cannot be written with its schema: /)
      }
      yield* Effect.provideService(away.send(), Anything, { rest: [null, "a"] })
    })
  )
})
