/**
 * Mistakes that the compiler refuses, as plain JavaScript makes them: each is told in a sentence that says what to write.
 */
import { assert, describe, it } from "@effect/vitest"
import {
  Actor,
  ActorContext,
  ActorPool,
  ActorSystem,
  AsyncHandle,
  ByNumber,
  Contract,
  Driver,
  ObjectRef,
  Task
} from "@troupe/core"
import { Duration, Effect, Layer, Schema, Stream } from "effect"
import { defectOf } from "./support.ts"

/** Without types everything is allowed. */
const [AnyActor, AnyRef, AnyTask, AnyPool]: ReadonlyArray<any> = [Actor, ObjectRef, Task, ActorPool]

class Counter extends Actor.Service<Counter>()("app/Counter", {
  make: Effect.succeed({ add: (n: number) => Effect.succeed(n) })
}) {}

class Account extends Actor.Service<Account>()("app/Account", {
  make: (opening: number) => Effect.succeed({ balance: () => Effect.succeed(opening) })
}) {}

class Room extends Actor.Keyed<Room>()("app/Room", {
  make: (name: string) => Effect.succeed({ say: (line: string) => Effect.succeed(`${name}: ${line}`) })
}) {}

class Sums extends Actor.Service<Sums>()("app/Sums", {
  methods: { add: Actor.method({ args: [Schema.Int], success: Schema.Int }) }
}) {}

class Cells extends Actor.Keyed<Cells>()("app/Cells", {
  key: Schema.String,
  methods: { read: Actor.method({ success: Schema.Int }) }
}) {}

class Apart extends Contract.Service<Apart>()("app/Apart", { methods: { go: Contract.method() } }) {}

class ApartKeyed extends Contract.Keyed<ApartKeyed>()("app/ApartKeyed", {
  key: Schema.String,
  methods: { go: Contract.method() }
}) {}

/** Nothing at all, whatever the compiler wants. */
const none: Layer.Layer<any> = Layer.empty as any

/** A mistake: it throws, or dies when it is run. */
type Mistake = readonly [what: string, make: (service: any) => unknown, says: RegExp]

const message = (make: () => unknown, driver: Layer.Layer<Driver.Driver>): Effect.Effect<string> =>
  Effect.gen(function* () {
    const made = yield* Effect.suspend(() => {
      const effect = make()
      return Effect.isEffect(effect) ? (effect as Effect.Effect<unknown>) : Effect.succeed(effect)
    }).pipe(Effect.scoped, Effect.provide(driver), defectOf)
    assert.instanceOf(made, Error, `no error, but ${String(made)}`)
    return made.message
  })

const told = (mistakes: ReadonlyArray<Mistake>, service?: Effect.Effect<unknown, never, any>) => {
  for (const [what, make, says] of mistakes) {
    const test = Effect.gen(function* () {
      const given = yield* service ?? Effect.void
      assert.match(yield* message(() => make(given), service === undefined ? none : Driver.layer), says)
    })
    const layer: Layer.Layer<any> = service === undefined ? none : Layer.mergeAll(Counter.layer, Room.layer)
    it.effect(what, () => Effect.provide(test, layer) as Effect.Effect<void>)
  }
}

describe("1.6 an actor that no Layer provides: the error names the Layer", () => {
  told([
    ["of a class", () => Account, /^app\/Account is not provided here: give Account\.layerArgs\(\.\.\.\) to/],
    [
      "of a class whose constructor takes no arguments, and where its function reads the service",
      () => Counter.use((counter) => counter.add(1)),
      /^app\/Counter is not provided here: give Counter\.layer to Effect\.provide or ManagedRuntime\.make$/
    ],
    ["read at once", () => Counter.useSync(() => 1), /give Counter\.layer/],
    ["of a keyed actor", () => Room.get("a"), /^app\/Room .*give Room\.layer/],
    ["of a contract", () => Sums, /^app\/Sums .*give what Sums\.toLayer\(\.\.\.\) gives/],
    ["of a contract with keys", () => Cells, /^app\/Cells .*give what Cells\.toLayer\(\.\.\.\) gives/],
    ["of a contract apart from the runtime", () => Apart, /give what Actor\.toLayer\(Apart, \.\.\.\) gives/],
    ["of one with keys", () => ApartKeyed, /give what Actor\.toLayer\(ApartKeyed, \.\.\.\) gives/],
    [
      "Driver",
      () => Driver.Driver,
      /^Driver is not provided here.* provide Driver\.layer where the program starts, or yield\* the ref/
    ],
    ["ActorContext", () => ActorContext.ActorContext, /in the methods and the constructor of an actor only/],
    ["Actor.self", () => Actor.self(Counter), /^Actor\.self\("app\/Counter"\) was run outside of all actors/],
    ["Actor.exit", () => Actor.exit, /^Actor\.exit was run outside of all actors/]
  ])
})

describe("1.6 what is no handle: the error says how to come by one", () => {
  const make = AsyncHandle.make as (handle: unknown) => unknown
  const stop = Actor.stop as (handle: unknown) => unknown
  told(
    [
      ["a class", () => make(Counter), /^AsyncHandle\.make takes .*Counter.*`await runtime\.runPromise\(Counter\)`/],
      ["a class of a keyed actor", () => make(Room), /`await runtime\.runPromise\(Room\.get\(key\)\)`/],
      ["all instances of a keyed actor", make, /app\/Room\(0 keys\), which has an instance per key: get\(key\)/],
      ["a Promise", () => make(Promise.resolve()), /a Promise: await it/],
      ["an Effect", () => make(Counter.spawn()), /an Effect: yield\* it/],
      ["a Layer", () => make(Counter.layer), /a Layer: provide it/],
      ["a task", () => make(Task.make("app/t", () => Effect.void)), /a single method.*in an object/],
      ["nothing", () => make(undefined), /but got undefined/],
      ["a class that is to stop", () => stop(Counter), /^Actor\.stop takes the handle .*`yield\* Counter` gives one/],
      ["all instances, that are to stop", stop, /^Actor\.stop takes the handle .*get\(key\) gives the handle of one/],
      ["a class to kill", () => AnyActor.kill(Counter), /^Actor\.kill takes the handle/],
      ["nothing to watch", () => AnyActor.watch(), /^Actor\.watch takes the handle of an actor, but got undefined/],
      ["nothing to resize", () => AnyActor.resize(undefined, 1), /^Actor\.resize takes the handle/],
      [
        "a method of all instances of a keyed actor",
        (rooms) => rooms.say("hello"),
        /^app\/Room has an instance per key, and say is a method of one: get\(key\)\.say\(\.\.\.\)$/
      ],
      ["the same, without waiting", (rooms) => rooms.say.remote("hello"), /get\(key\)\.say\(\.\.\.\)/],
      [
        "a name without a class",
        () => (ActorSystem as any).get("a"),
        /ActorSystem\.get takes the class of an actor and a name/
      ],
      [
        "a class without a name",
        () => (ActorSystem as any).get(Counter),
        /ActorSystem\.get takes the class of an actor and a name/
      ]
    ],
    Room
  )
})

describe("1.6 what is missing", () => {
  class Empty extends Actor.Service<Empty>()("app/Empty", {
    make: Effect.succeed({ go: (() => undefined) as unknown as () => Effect.Effect<void> })
  }) {}
  told([
    // The test itself has a Scope.
    [
      "a Scope",
      () => Effect.promise(() => Effect.runPromise(Counter.spawn() as Effect.Effect<unknown>)),
      /^app\/Counter: an instance ends with a Scope.*Effect\.scoped makes one$/
    ],
    [
      "the return of a method",
      () => Empty.use((empty) => empty.go()).pipe(Effect.provide(Empty.layer)),
      /^app\/Empty\.go must return an Effect, but returned undefined\. Is a return missing\?$/
    ]
  ])
})

describe("1.6 a contract and its implementation", () => {
  const anySums: any = Sums
  const anyCells: any = Cells
  const anyApart: any = Apart
  const methods = { add: (n: number) => Effect.succeed(n) }
  told([
    [
      "toLayer without one",
      () => anySums.toLayer(),
      /^app\/Sums: its implementation must be an Effect of the methods, but is missing/
    ],
    [
      "toLayer with the bare methods",
      () => anySums.toLayer(methods),
      /but is an object\. Effect\.succeed wraps a value/
    ],
    ["toFactory without one", () => anySums.toFactory(), /^app\/Sums: its implementation must be/],
    ["keyed, without one", () => anyCells.toLayer(), /^app\/Cells: .* a function of the key .*undefined/],
    ["keyed, with an Effect", () => anyCells.toLayer(Effect.succeed({})), /a function of the key .*but is an Effect/],
    ["Actor.toLayer without one", () => AnyActor.toLayer(Apart), /^app\/Apart: its implementation must be/],
    [
      "layer of a contract",
      () => anySums.layer,
      /^app\/Sums has no layer: it is a contract\. toLayer\(make\) gives a Layer/
    ],
    ["spawn of a contract", () => anySums.spawn(), /^app\/Sums has no spawn: it is a contract/],
    ["spawn of a keyed actor", () => (Room as any).spawn("a"), /^app\/Room has no spawn: .*get\(key\)/],
    [
      "toLayer of a contract apart",
      () => anyApart.toLayer(Effect.void),
      /^app\/Apart has no toLayer: .*Actor\.toLayer/
    ],
    ["layer of a contract apart", () => anyApart.layer, /^app\/Apart has no layer: .*Actor\.toLayer/],
    [
      "a key that is no Schema",
      () => AnyActor.Keyed()("app/X", { key: String, methods: {} }),
      /^app\/X: .*"key", their Schema, but got function String/
    ],
    [
      "a method that is a function",
      () => AnyActor.Service()("app/X", { methods }),
      /^app\/X: "add" of a contract must be an Actor\.method/
    ],
    [
      "a result that is no Schema",
      () => AnyActor.method({ success: Number }),
      /success must be a Schema, like Schema\.String or Schema\.Union\(\[A, B\]\), but is function Number/
    ],
    [
      "errors in an array",
      () => AnyActor.method({ error: [Schema.String, Schema.Int] }),
      /error must be a Schema, like Schema\.String or Schema\.Union\(\[A, B\]\), but is \[/
    ],
    ["an argument that is no Schema", () => AnyActor.method({ args: [String] }), /args\[0\] must be a Schema/],
    [
      "arguments that are in no array",
      () => AnyActor.method({ args: Schema.String }),
      /args must be an array of Schemas/
    ],
    ["a field that is no Schema", () => AnyActor.method({ payload: { a: String } }), /payload\.a must be a Schema/],
    ["args and payload", () => AnyActor.method({ args: [], payload: {} }), /give args or payload, not both/]
  ])

  it("a static member of the user takes the place of what a contract lacks", () => {
    class Mine extends Actor.Service<Mine>()("app/Mine", { methods: { go: Actor.method() } }) {
      static readonly layer = "defined"
    }
    assert.strictEqual(Mine.layer, "defined")
    const assigned: any = class extends Actor.Service<any>()("app/Mine", { methods: { go: Actor.method() } }) {}
    assigned.layer = "assigned"
    assert.strictEqual(assigned.layer, "assigned")
    assert.throws(() => anySums.layer, TypeError)
  })
})

describe("1.6 what is no ref: the error says what it is, and how to come by one", () => {
  const promise = Promise.resolve(1)
  const one = ObjectRef.succeed(1)
  told(
    [
      [
        "get of nothing",
        () => AnyRef.get(undefined),
        /^ObjectRef\.get takes ObjectRefs in an array or a record, but got undefined/
      ],
      ["get of a Promise", () => AnyRef.get(promise), /^ObjectRef\.get .*a Promise.*ObjectRef\.fromPromise/],
      ["get of an ask", (counter) => AnyRef.get(counter.add(1)), /^ObjectRef\.get .*an Effect.*\.remote/],
      [
        "get of a .remote(...) that has not run",
        (counter) => AnyRef.get(counter.add.remote(1)),
        /when it runs: yield\* it/
      ],
      ["get of a Set", () => AnyRef.get(new Set([one])), /^ObjectRef\.get .*Set/],
      [
        "get of no ref in an array",
        () => AnyRef.get([one, undefined]),
        /^ObjectRef\.get takes ObjectRefs, but got undefined/
      ],
      ["all of nothing", () => AnyRef.all(), /^ObjectRef\.all .*but got undefined/],
      ["all of a single one", () => AnyRef.all(one, one), /^ObjectRef\.all .*a single one\. Put it in an array/],
      ["allSettled of nothing", () => AnyRef.allSettled(), /^ObjectRef\.allSettled .*but got undefined/],
      ["race of a single one", () => AnyRef.race(one), /^ObjectRef\.race .*a single one\. Put it in an array/],
      ["any of nothing", () => AnyRef.any(), /^ObjectRef\.any .*but got undefined/],
      ["wait for a single one", () => AnyRef.wait(one), /^ObjectRef\.wait .*a single one\. Put it in an array/],
      ["asCompleted of nothing", () => Stream.runCollect(AnyRef.asCompleted()), /^ObjectRef\.asCompleted .*undefined/],
      [
        "toPromise of a Promise",
        () => AnyRef.toPromise(promise),
        /^ObjectRef\.toPromise takes ObjectRefs, but got a Promise/
      ],
      ["asDeferred of nothing", () => AnyRef.asDeferred(), /^ObjectRef\.asDeferred takes ObjectRefs/],
      [
        "fromEffect of a Promise",
        () => AnyRef.fromEffect(promise),
        /^ObjectRef\.fromEffect takes an Effect, but got a Promise/
      ]
    ],
    Counter
  )
})

describe("1.6 options that are no object: the error names whose they are", () => {
  const one = ObjectRef.succeed(1)
  const spawn = Counter.spawn()
  for (const given of [null, 3, "1 second", []]) {
    const cases: ReadonlyArray<readonly [whose: string, make: (counter: any) => unknown]> = [
      ["app/Counter", () => (Counter as any).options(given)],
      ["app/Room", () => (Room as any).options(given)],
      ["app/Sums", () => (Sums as any).toLayer(Effect.succeed({ add: () => Effect.succeed(1) }), given)],
      ["app/Counter.add", (counter) => counter.add.options(given)],
      ["app/t", () => AnyTask.make("app/t", () => Effect.void, given)],
      ["Actor.method", () => AnyActor.method(given)],
      ["Actor.resize", (counter) => AnyActor.resize(counter, 1, given)],
      ["ActorPool", () => AnyPool.make(given)],
      ["ActorSystem.snapshot", () => (ActorSystem as any).snapshot(given)],
      ["ObjectRef.get", () => AnyRef.get(one, given)],
      ["ObjectRef.wait", () => AnyRef.wait([one], given)],
      ["ObjectRef.cancel", () => AnyRef.cancel(one, given)],
      ["ByNumber.kill", () => (ByNumber as any).kill(1, given)],
      ["ByNumber.cancel", () => (ByNumber as any).cancel(1, given)],
      ["app/X.add", () => AnyActor.Service()("app/X", { make: spawn, methodOptions: { add: given } })],
      [
        "app/X: concurrencyGroups.io",
        () => AnyActor.Service()("app/X", { make: spawn, concurrencyGroups: { io: given } })
      ]
    ]
    told(
      cases.map(
        ([whose, make]): Mistake => [
          `${whose}: ${JSON.stringify(given)}`,
          make,
          new RegExp(`^${whose}: options go in an object, like \\{ \\w+: \\.\\.\\. \\}, but got `)
        ]
      ),
      Counter
    )
  }
})

describe("1.6 work that is no function", () => {
  const pool = ActorPool.make({ spawn: Counter.spawn(), size: 1 })
  const inPool = (use: (pool: any) => unknown) => Effect.flatMap(pool, (pool) => Effect.suspend(() => use(pool) as any))
  told([
    [
      "of a task",
      () => AnyTask.make("app/t", Effect.void),
      /^app\/t: a task needs a function.* an Effect\. Make it a function/
    ],
    ["of a pool", () => inPool((pool) => pool.run()), /^ActorPool: work must be a function of a member/],
    [
      "of map",
      () => inPool((pool) => Stream.runCollect(pool.map([1]))),
      /^ActorPool: map: work must be a function of a member/
    ],
    [
      "items that are none",
      () => inPool((pool) => Stream.runCollect(pool.map(1, () => Effect.void))),
      /map takes items in an array/
    ]
  ])
})

describe("1.6 NaN is no duration, and neither is a unit that does not exist: Effect would take both for no time at all", () => {
  const make = Effect.succeed({ add: (n: number) => Effect.succeed(n) })
  const one = ObjectRef.succeed(1)
  const given: ReadonlyArray<any> = [Number.NaN, [Number.NaN, 0], { seconds: Number.NaN }, { second: 5 }]
  for (const [index, value] of given.entries()) {
    const cases: ReadonlyArray<readonly [whose: string, make: (counter: any) => unknown]> = [
      ["app/X: shutdownTimeout", () => AnyActor.Service()("app/X", { make, shutdownTimeout: value })],
      ["app/X: idleTimeToLive", () => AnyActor.Keyed()("app/X", { make: () => make, idleTimeToLive: value })],
      ["app/X.add: timeout", () => AnyActor.Service()("app/X", { make, methodOptions: { add: { timeout: value } } })],
      ["app/Counter.add: timeout", (counter) => counter.add.options({ timeout: value })],
      ["ObjectRef.get: timeout", () => AnyRef.get(one, { timeout: value })],
      ["ObjectRef.wait: timeout", () => AnyRef.wait([one], { timeout: value })]
    ]
    told(
      cases.map(
        ([whose, make]): Mistake => [
          `${whose}: ${index}`,
          make,
          new RegExp(`^${whose} must be a duration of at least 0, like "5 seconds", but is `)
        ]
      ),
      Counter
    )
  }

  it.effect("no time at all is a duration, however it is written", () =>
    Effect.gen(function* () {
      for (const timeout of [0, "0 seconds", Duration.zero, { seconds: 0 }, [0, 0], 0n] as const)
        assert.strictEqual(yield* ObjectRef.get(one, { timeout }), 1)
    }).pipe(Effect.provide(Layer.mergeAll(Driver.layer)))
  )
})
