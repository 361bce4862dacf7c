import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorPool, ActorSystem, AsyncHandle, ObjectRef, Task } from "@troupe/core"
import { Context, Duration, Effect, Fiber, Layer, ManagedRuntime, Schema } from "effect"
import { TestClock } from "effect/testing"
import { defectOf, errorOf, fork, Probe, range, reasonOf, settle, Worker } from "./support.ts"

const make = Effect.succeed({ ping: () => Effect.succeed("pong"), pong: () => Effect.succeed("ping") })

/** Values that an option refuses, and what the message has to say besides the actor, the option and the value. */
const refused: ReadonlyArray<readonly [option: string, values: ReadonlyArray<unknown>, expectation: RegExp]> = [
  ["maxConcurrency", [0, -1, 1.5, Number.NaN, "3", true, {}], /integer of at least 1/],
  ["maxPendingCalls", [0, -1, 1.5, Number.NaN, "3", true, {}], /integer of at least 1/],
  ["overflow", ["drop", 1, true], /"fail" or "suspend"/],
  ["shutdownTimeout", [-1, "soon", "-1 seconds", true], /duration/],
  ["onDefect", ["ignore", 1, true], /"resume" or "restart" or "stop"/],
  ["restart", [3, "often", {}], /Schedule/],
  ["maxTaskRetries", [-1, 1.5, Number.NaN, "3", true], /integer of at least 0/],
  ["retry", ["always", 1, {}], /boolean|function/],
  ["validate", ["yes", 1, {}], /boolean/],
  ["name", ["", " ", 1, {}], /string/]
]

/** Asserts that `define` throws a RangeError or TypeError that names the actor, the option and the value. */
const throwsNaming = (define: () => unknown, option: string, value: unknown, expectation: RegExp) => {
  const show = typeof value === "string" || typeof value === "object" ? JSON.stringify(value) : String(value)
  let thrown: unknown
  try {
    define()
  } catch (error) {
    thrown = error
  }
  if (!(thrown instanceof RangeError || thrown instanceof TypeError)) {
    return assert.fail(`${option}: ${show} must be refused, but got ${String(thrown)}`)
  }
  assert.include(thrown.message, "test/Bad", "the message names the actor")
  assert.include(thrown.message, option, "the message names the option")
  assert.include(thrown.message, show, "the message names the value")
  assert.match(thrown.message, expectation)
}

describe("options of an actor", () => {
  it("what has neither a constructor nor a contract is told so where it is written", () => {
    assert.throws(() => Actor.Service()("test/Empty", {} as any), TypeError, "but has neither")
    assert.throws(() => Actor.Service()("test/Odd", { make: 1 } as any), TypeError, '"make" is')
  })

  it.each(refused)(
    "%s: bad values are refused where the actor is defined, and by options({...})",
    (option, values, expectation) => {
      const Fine = Actor.Service<any>()("test/Bad", { make })
      const contract = Actor.Service<any>()("test/Bad", { methods: { ping: Actor.method() } })
      for (const value of values) {
        const bad = { [option]: value } as any
        throwsNaming(() => Actor.Service<any>()("test/Bad", { make, ...bad }), option, value, expectation)
        throwsNaming(() => Fine.options(bad), option, value, expectation)
        throwsNaming(
          () => contract.toLayer(Effect.succeed({ ping: () => Effect.void }), bad),
          option,
          value,
          expectation
        )
      }
    }
  )

  it("concurrencyGroups: a bad group is refused where the actor is defined", () => {
    const define = (concurrencyGroups: unknown) => () =>
      Actor.Service<any>()("test/Bad", { make, concurrencyGroups: concurrencyGroups as never })
    for (const maxConcurrency of [0, "3", undefined]) {
      throwsNaming(define({ io: { maxConcurrency, methods: [] } }), "io", maxConcurrency, /maxConcurrency .*integer/)
    }
    throwsNaming(define({ io: { maxConcurrency: 1 } }), "io", undefined, /methods/)
    throwsNaming(define({ io: { maxConcurrency: 1, methods: "ping" } }), "io", "ping", /methods/)
  })

  it("methodOptions: bad options of a method are refused where the actor is defined", () => {
    const define = (options: object) => () =>
      Actor.Service<any>()("test/Bad", { make, methodOptions: { ping: options } as never })
    for (const value of [-1, 1.5, "3"]) {
      throwsNaming(define({ maxTaskRetries: value }), "maxTaskRetries", value, /test\/Bad\.ping.*integer of at least 0/)
    }
    for (const value of [-1, "soon"]) throwsNaming(define({ timeout: value }), "timeout", value, /test\/Bad\.ping/)
    throwsNaming(define({ retry: "always" }), "retry", "always", /boolean|function/)
    throwsNaming(define({ name: "" }), "name", "", /string/)
  })

  it.effect("options of a call are refused at the call, and harm nobody", () =>
    Effect.gen(function* () {
      class Bad extends Actor.Service<Bad>()("test/Bad", { make }) {}
      const bad = yield* Bad.spawn()
      const options = (options: object) => () => bad.ping.options(options as never)
      throwsNaming(options({ maxTaskRetries: -1 }), "maxTaskRetries", -1, /integer of at least 0/)
      throwsNaming(options({ timeout: "soon" }), "timeout", "soon", /duration/)
      throwsNaming(options({ concurrencyGroup: "nope" }), "concurrency", "nope", /none/)
      throwsNaming(options({ retry: "always" }), "retry", "always", /boolean|function/)
      throwsNaming(options({ name: "" }), "name", "", /string/)
      assert.strictEqual(yield* bad.ping(), "pong")
    })
  )

  it("getIfExists needs a name", () => {
    assert.throws(
      // @ts-expect-error -- 'name' is missing
      () => Actor.Service<any>()("test/Bad", { make }).options({ getIfExists: true }),
      RangeError,
      /test\/Bad.*name/
    )
  })

  it("an id and a constructor are needed", () => {
    assert.throws(() => Actor.Service<any>()("", { make }), TypeError, /id/)
    assert.throws(() => Actor.Service<any>()(1 as never, { make }), TypeError, /id/)
    assert.throws(() => Actor.Service<any>()("test/Bad", {} as never), TypeError, /test\/Bad.*make/)
    assert.throws(() => Actor.Service<any>()("test/Bad", undefined as never), TypeError, /test\/Bad.*make/)
    throwsNaming(() => Actor.Service<any>()("test/Bad", { make: 1 as never }), "make", 1, /Effect/)
  })

  it("a misspelt option is no option: the error lists what there is", () => {
    const misspelt = { maxConcurency: 2 } as object
    const known = /test\/Bad: there is no option "maxConcurency"; the options are maxConcurrency, .*/
    assert.throws(() => Actor.Service<any>()("test/Bad", { make, ...misspelt }), TypeError, known)
    assert.throws(() => Worker.options(misspelt), TypeError, /"maxConcurency"/)
    assert.throws(() => Actor.Keyed<any>()("test/Bad", { make: () => make, ...misspelt }), TypeError, known)
    assert.throws(() => Task.make("test/bad", () => Effect.void, misspelt), TypeError, /"maxConcurency"/)
    const methodOptions = { run: { timeOut: 1 } as object }
    assert.throws(() => Worker.options({ methodOptions } as object), TypeError, /test\/Worker.run.*"timeOut".*timeout/)
  })

  it.effect(
    "each kind of actor has its own options, and so have groups, pools, contracts, metrics and operations",
    () =>
      Effect.gen(function* () {
        const none = (option: string) => new RegExp(`there is no option "${option}"; the options are .*`)
        const name = { name: "a" } as object
        const keyed = { idleTimeToLive: 1 } as object
        assert.throws(() => Actor.Keyed<any>()("test/Bad", { make: () => make, ...name }), TypeError, none("name"))
        assert.throws(() => Actor.Service<any>()("test/Bad", { make, ...keyed }), TypeError, none("idleTimeToLive"))
        assert.throws(() => Task.make("test/bad", () => Effect.void, name), TypeError, none("name"))
        const io = { maxConcurrency: 1, methods: ["ping" as const], max: 2 }
        assert.throws(
          () => Actor.Service<any>()("test/Bad", { make, concurrencyGroups: { io } }),
          TypeError,
          /test\/Bad: concurrencyGroups\.io: there is no option "max"/
        )
        assert.throws(() => Actor.method({ arg: [] } as object), TypeError, /Actor\.method: there is no option "arg"/)
        assert.throws(() => ActorSystem.layerMetrics({ max: 1 } as object), TypeError, none("max"))
        assert.throws(() => ActorSystem.snapshot({ actors: "a" } as object), TypeError, none("actors"))
        const worker = yield* Worker.spawn()
        assert.throws(() => Actor.resize(worker, 1, { group: "io" } as object), TypeError, none("group"))
        const pool = { spawn: Worker.spawn(), size: 1, perMember: 2 }
        assert.match(String(yield* defectOf(ActorPool.make(pool))), /ActorPool: there is no option "perMember"/)
      })
  )

  it.effect(
    "6.2 what make gives may be the instance of a class: its methods keep their this, its fields stay inside",
    () =>
      Effect.gen(function* () {
        class Base {
          protected count = 0
          reset() {
            return Effect.sync(() => (this.count = 0))
          }
        }
        class Counting extends Base {
          increment(by: number) {
            return Effect.sync(() => (this.count += by))
          }
        }
        class Counter extends Actor.Service<Counter>()("test/Counter", { make: Effect.sync(() => new Counting()) }) {}
        class Keyed extends Actor.Keyed<Keyed>()("test/Keyed", {
          make: (_: string) => Effect.sync(() => new Counting())
        }) {}
        const one = yield* Counter.spawn()
        const other = yield* Counter.spawn()
        assert.deepStrictEqual([yield* one.increment(1), yield* one.increment(1), yield* other.increment(1)], [1, 2, 1])
        assert.strictEqual(yield* one.reset(), 0)
        const key = Effect.flatMap(Keyed.get("a"), (keyed) => Effect.andThen(keyed.increment(2), keyed.increment(2)))
        assert.strictEqual(yield* Effect.provide(key, Keyed.layer), 4)
      })
  )

  it.effect("6.2 what is no method fails the start by name, of a key, too", () =>
    Effect.gen(function* () {
      const implementation: any = { ping: () => Effect.void, count: 1 }
      class Bad extends Actor.Service<Bad>()("test/Bad", { make: Effect.succeed(implementation) }) {}
      const only = /test\/Bad: the constructor must give methods only, but "count" is 1. Keep state in variables/
      assert.match(String(yield* defectOf(Bad.spawn())), only)
      class Keys extends Actor.Keyed<Keys>()("test/Bad", {
        make: (_: string) => Effect.succeed<{ ping: () => Effect.Effect<void> }>(implementation)
      }) {}
      const ping = Effect.flatMap(Keys.get("a"), (keys) => keys.ping())
      assert.match((yield* reasonOf(Effect.provide(ping, Keys.layer))).message, only)
    })
  )

  it.effect("6.1 two actors of one id are refused where they are provided together, and not one after the other", () =>
    Effect.gen(function* () {
      const define = () => Actor.Service<any>()("test/Twice", { make })
      const [one, other] = [define(), define()]
      const keyed = Actor.Keyed<any>()("test/Twice", { make: () => make })
      const refused = /test\/Twice: two actors of this id are provided together.* Give one another id/
      const up = (layer: Layer.Layer<any>) => Effect.provide(Effect.void, layer)
      assert.match(String(yield* defectOf(up(Layer.mergeAll(one.layer, other.layer)))), refused)
      assert.match(String(yield* defectOf(up(Layer.mergeAll(one.layer, keyed.layer)))), refused)
      assert.match(String(yield* defectOf(up(Layer.provideMerge(one.layer, other.layer)))), refused)
      assert.match(String(yield* defectOf(Effect.provide(up(other.layer), one.layer))), refused)
      yield* up(Layer.mergeAll(one.layer, one.options({ maxConcurrency: 1 }).layer))
      yield* up(one.layer)
      yield* up(other.layer)
      const [runtime, later] = [ManagedRuntime.make(one.layer), ManagedRuntime.make(other.layer)]
      yield* Effect.promise(() => Promise.all([runtime.runPromise(one), later.runPromise(other)]))
      yield* Effect.promise(() => Promise.all([runtime.dispose(), later.dispose()]))
    })
  )

  it.effect("retry does nothing without maxTaskRetries, so that is refused, at every level", () =>
    Effect.gen(function* () {
      const both = /retry says which failures run a call again, and maxTaskRetries how often: give both/
      assert.throws(() => Worker.options({ retry: true }), RangeError, both)
      assert.throws(() => Actor.Service<any>()("test/Bad", { make, retry: () => true }), RangeError, /test\/Bad: retry/)
      const methodOptions = { ping: { retry: true } }
      assert.throws(
        () => Actor.Service<any>()("test/Bad", { make, methodOptions }),
        RangeError,
        /test\/Bad.ping: retry/
      )
      Actor.Service<any>()("test/Fine", { make, methodOptions, maxTaskRetries: 1 })
      Actor.Service<any>()("test/Fine", { make, retry: true, methodOptions: { ping: { maxTaskRetries: 1 } } })
      const worker = yield* Worker.spawn()
      assert.throws(() => worker.run.options({ retry: true }), RangeError, /test\/Worker.run: retry/)
      worker.run.options({ retry: false }).options({ retry: true, maxTaskRetries: 0 })
    })
  )

  it.effect("what is taken for a handle or a ref and is none is named, with what to give instead", () =>
    Effect.gen(function* () {
      // @ts-expect-error -- a class is no handle
      assert.throws(() => AsyncHandle.make(Worker), TypeError, /takes the handle of an actor/)
      assert.throws(() => AsyncHandle.make({}), TypeError, /takes the handle of an actor/)
      const worker = yield* Worker.spawn()
      assert.strictEqual(yield* AsyncHandle.make({ add: worker.add.options({ timeout: "1 second" }) }).add(1, 2), 3)
      const ask: any = worker.run(Effect.void)
      assert.match(String(yield* defectOf(ObjectRef.cancel(ask))), /submit the call with .remote/)
    })
  )

  it("what plain JavaScript forgets is named: the first call, an Effect around what make returns", () => {
    const actor: any = Actor
    assert.throws(() => actor.Service("test/Bad", { make }), TypeError, /Actor.Service\(\)\("id"/)
    assert.throws(() => actor.Keyed("test/Bad", { make }), TypeError, /Actor.Keyed\(\)\("id"/)
    const define = (make: unknown) => () => actor.Service()("test/Bad", { make })
    assert.throws(define({ run: () => Effect.void }), TypeError, /"make" is an object. Effect.succeed/)
    assert.throws(define(Promise.resolve({})), TypeError, /"make" is a Promise. Wrap it: Effect.promise/)
    assert.throws(define((function* () {})()), TypeError, /"make" is a generator. Wrap it: Effect.gen/)
  })

  it.effect('6.2 no method may be called "then", "constructor" or a symbol: handles cannot have such', () =>
    Effect.gen(function* () {
      const nothing = () => Effect.void
      const symbol = Symbol("mine")
      for (const name of ["then", "constructor"]) {
        const refused = new RegExp(`test/Bad: no method may be called "${name}": .* Choose another name`)
        const define: any = Actor.Service()
        const defineKeyed: any = Actor.Keyed()
        const contract = { key: Schema.String, methods: { [name]: Actor.method() } }
        assert.throws(() => define("test/Bad", contract), TypeError, refused)
        assert.throws(() => defineKeyed("test/Bad", contract), TypeError, refused)
        const Bad: typeof Worker = define("test/Bad", { make: Effect.succeed({ [name]: nothing }) })
        assert.match(String(yield* defectOf(Bad.spawn())), refused)
      }
      const Bad: typeof Worker = (Actor.Service() as any)("test/Bad", { make: Effect.succeed({ [symbol]: nothing }) })
      assert.match(String(yield* defectOf(Bad.spawn())), /test\/Bad: no method may be called Symbol\(mine\)/)
    })
  )

  it.effect("6.2 a method may have a name that every object has something for, also of a keyed actor", () =>
    Effect.gen(function* () {
      const names = ["inspect", "toJSON", "toString", "valueOf", "hasOwnProperty"] as const
      const methods = Object.fromEntries(names.map((name) => [name, () => Effect.succeed(name)]))
      const made = Effect.succeed(methods as Record<(typeof names)[number], () => Effect.Effect<string>>)
      class One extends Actor.Service<One>()("test/One", { make: made }) {}
      class Many extends Actor.Keyed<Many>()("test/Many", { make: (_key: string) => made }) {}
      const many = Context.get(yield* Layer.build(Many.layer), Many).get("k")
      assert.strictEqual(yield* many.inspect(), "inspect")
      for (const handle of [yield* One.spawn(), many]) {
        for (const name of names) assert.strictEqual(yield* handle[name](), name)
      }
    })
  )

  it.effect("undefined is accepted for every option, and means that it is not given", () =>
    Effect.gen(function* () {
      const nothing: Required<Actor.InstanceOptions> = {
        maxConcurrency: undefined,
        maxPendingCalls: undefined,
        overflow: undefined,
        shutdownTimeout: undefined,
        onDefect: undefined,
        restart: undefined,
        maxTaskRetries: undefined,
        retry: undefined,
        validate: undefined
      }
      const noName: Required<Actor.NameOptions> = { name: undefined, getIfExists: undefined }
      const nothingOfMethods: Required<Actor.MethodOptions> = {
        concurrencyGroup: undefined,
        maxTaskRetries: undefined,
        retry: undefined,
        timeout: undefined,
        name: undefined
      }
      class Plain extends Actor.Service<Plain>()("test/Plain", {
        ...nothing,
        concurrencyGroups: undefined,
        methodOptions: undefined,
        make
      }) {}
      class Methods extends Actor.Service<Methods>()("test/Methods", {
        methodOptions: { ping: nothingOfMethods, pong: undefined },
        make
      }) {}
      const plain = yield* Plain.options({ ...nothing, ...noName }).spawn()
      const methods = yield* Methods.spawn()
      assert.strictEqual(yield* plain.ping.options(nothingOfMethods)(), "pong")
      assert.strictEqual(yield* methods.ping(), "pong")
      yield* Actor.resize(plain, 1, { concurrencyGroup: undefined })
      yield* ObjectRef.cancel(ObjectRef.succeed(1), { recursive: undefined })
      Actor.method({ args: undefined, success: undefined, error: undefined, stream: undefined, payload: undefined })
      class Contract extends Actor.Service<Contract>()("test/Contract", {
        methods: { ping: Actor.method({ success: Schema.String }) }
      }) {}
      const ping = Effect.flatMap(Contract, (contract) => contract.ping())
      const implementation = Effect.succeed({ ping: () => Effect.succeed("pong") })
      assert.strictEqual(yield* Effect.provide(ping, Contract.toLayer(implementation, undefined)), "pong")
      assert.strictEqual(yield* Effect.provide(ping, Contract.toLayer(implementation, nothing)), "pong")
    })
  )
})

describe("options({...})", () => {
  it.effect("overrides what it names, and keeps the rest", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      class Base extends Actor.Service<Base>()("test/Base", {
        maxConcurrency: 1,
        maxPendingCalls: 3,
        shutdownTimeout: 0,
        make: Effect.succeed({ work: probe.work })
      }) {}
      const wide = yield* Base.options({ maxConcurrency: 2 }).spawn()
      yield* Effect.forEach(range(3), (i) => wide.work.remote(`${i}`))
      yield* settle
      assert.strictEqual(probe.running, 2, "overridden")
      assert.strictEqual((yield* reasonOf(wide.work("3")))._tag, "PendingCallsLimitExceeded", "kept")
    })
  )

  it.effect("leaves the original as it is, and can be repeated: the last one wins, undefined overrides nothing", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      const running = (factory: Pick<typeof Worker, "spawn">) =>
        Effect.scoped(
          Effect.gen(function* () {
            const worker = yield* factory.spawn(probe)
            yield* Effect.forEach(range(5), (i) => worker.work.remote(`${i}`))
            yield* settle
            return probe.running
          })
        )
      const one = Worker.options({ maxConcurrency: 1 })
      const two = one.options({ maxConcurrency: 2, overflow: "suspend" })
      const still = two.options({ maxConcurrency: undefined })
      assert.strictEqual(yield* running(two), 2)
      assert.strictEqual(yield* running(one), 1)
      assert.strictEqual(yield* running(still), 2)
      assert.strictEqual(yield* running(Worker), 5)
    })
  )

  it.effect("has a layer of its own, for the same service", () =>
    Effect.gen(function* () {
      class Base extends Actor.Service<Base>()("test/Base", { make }) {}
      const single = Base.options({ maxConcurrency: 1 })
      assert.notStrictEqual(single.layer, Base.layer)
      assert.strictEqual(single.layer, single.layer)
      const program = Effect.flatMap(Base, (base) => base.ping())
      assert.strictEqual(yield* Effect.provide(program, single.layer), "pong")
    })
  )

  it.effect("keeps concurrency groups and method options", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      class Base extends Actor.Service<Base>()("test/Base", {
        maxConcurrency: 1,
        shutdownTimeout: 0,
        concurrencyGroups: { io: { maxConcurrency: 1, methods: ["io"] } },
        methodOptions: { timed: { timeout: "1 second" } },
        make: Effect.succeed({ cpu: probe.work, io: probe.work, timed: probe.work })
      }) {}
      const base = yield* Base.options({ maxConcurrency: 2 }).spawn()
      for (const id of ["a", "b", "c"]) yield* base.io.remote(`io ${id}`)
      const timed = yield* base.timed.remote("timed")
      yield* base.cpu.remote("cpu")
      yield* settle
      assert.deepStrictEqual(probe.startOrder.sort(), ["cpu", "io a", "timed"])
      yield* TestClock.adjust("1 second")
      yield* errorOf(timed)
    })
  )

  it.effect("works for contracts, and takes the arguments of the constructor", () =>
    Effect.gen(function* () {
      class Contract extends Actor.Service<Contract>()("test/Contract", {
        methods: { get: Actor.method({ success: Schema.String }) }
      }) {}
      const factory = Contract.toFactory((text: string) => Effect.succeed({ get: () => Effect.succeed(text) }))
      const contract = yield* factory.options({ maxConcurrency: 1 }).spawn("a")
      assert.strictEqual(yield* contract.get(), "a")
    })
  )
})

describe("options of methods", () => {
  it.effect("timeout: of the call over that of the method; undefined keeps it", () =>
    Effect.gen(function* () {
      const probe = new Probe()
      class Timed extends Actor.Service<Timed>()("test/Timed", {
        shutdownTimeout: 0,
        methodOptions: { work: { timeout: "2 seconds" } },
        make: Effect.succeed({ work: probe.work })
      }) {}
      const timed = yield* Timed.spawn()
      const calls = [
        yield* fork(Effect.exit(timed.work("method"))),
        yield* fork(Effect.exit(timed.work.options({ timeout: "1 second" })("call"))),
        yield* fork(Effect.exit(timed.work.options({ timeout: undefined })("kept"))),
        yield* fork(Effect.exit(timed.work.options({ timeout: Duration.infinity })("none")))
      ]
      const ended = () => calls.map((call) => call.pollUnsafe() !== undefined)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(ended(), [false, true, false, false])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(ended(), [true, true, true, false])
      yield* TestClock.adjust("100 days")
      assert.deepStrictEqual(ended(), [true, true, true, false])
      yield* probe.open("none")
      yield* Fiber.join(calls[3]!)
    })
  )

  it.effect("name: how errors and refs call the method", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.spawn()
      const named = worker.run.options({ name: "import customers" })
      const ref = yield* named.remote(Effect.never)
      assert.include(String(ref), "import customers")
      yield* ObjectRef.cancel(ref)
      const twice = named.options({ name: "again" })
      assert.include(String(yield* twice.remote(Effect.void)), "again")
    })
  )

  it.effect("options can be chained: those of before stay", () =>
    Effect.gen(function* () {
      let runs = 0
      const worker = yield* Worker.spawn()
      const failing = Effect.suspend(() => Effect.fail(++runs))
      const method = worker.run.options({ maxTaskRetries: 2 }).options({ retry: true }).options({ name: "named" })
      yield* errorOf(method(failing))
      assert.strictEqual(runs, 3)
    })
  )
})
